// Package permissions decides who finds what comes of a record: the first rule
// that holds, or else the default, which must be written down. It stands between
// mapping and encoding. Nothing else chooses an audience: the engine and the sink may
// narrow it to nobody, and never widen it.
//
// Invariant 2 is kept here: an error in a rule is an error of the record and
// never falls through to the next, perhaps wider, rule; what is neither true nor
// false is an error; something that is not a ref is an error, because a
// rule that names nobody by mistake must not look like one that means nobody.
package permissions
