// Package permissions decides who finds the document of a record: the first rule that holds
// decides, otherwise the required default. It runs between mapping and encoding. Nothing
// else chooses an audience: the engine and the sink may narrow it to no one, and never widen
// it.
//
// Invariant 2 is kept here. An error in a rule is an error of the record and never falls
// through to the next, perhaps wider, rule. A condition that is neither true nor false is an
// error. A value that is not a ref is an error, because a mistake must not look like a rule
// that grants access to no one.
package permissions
