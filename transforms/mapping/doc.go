// Package mapping makes items of records: for each stream of the sink the first
// mapping whose condition holds takes the record, and each of its fields is an
// expression. It stands between the transforms and permissions.
//
// What has no value is left out: nil, an empty text, an empty property, a map of
// properties without any. An empty list is a value in a field of lists, as in a
// group without members. A value of the wrong shape rejects the record with the
// field's name. A record that nothing takes is counted under a name (invariant
// 3): the `otherwise` of a mapping for its kind, or `no mapping`.
package mapping
