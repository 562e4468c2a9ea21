// Package set changes records: `set` in the pipeline file, a map from a path of
// the record to the expression of its new value. All values are evaluated on
// the record as it was; nil takes the member away.
//
// A record's value may be shared, so what changes is copied on the way to it and
// never written into. What makes a record the one it is cannot be set. The titles
// that look-ups show are those of the source.
package set
