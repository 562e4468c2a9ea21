// Package mapping turns records into items: for each stream of the sink the first mapping
// whose condition holds takes the record, and each of its fields is an expression. It runs
// between the transforms and permissions.
//
// Empty values are left out: nil, an empty text, an empty property, an empty map of
// properties. An empty list is a value in a field of lists, as for a group without members.
// A value of the wrong type rejects the record with the field's name. A record that no
// mapping takes is counted under a name (invariant 3): the `otherwise` of a mapping for its
// kind, or `no mapping`.
package mapping
