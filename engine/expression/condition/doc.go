// Package condition reads conditions of the pipeline file as they are written, without a
// model and without a record: whether one can hold for a kind, implies another, and
// which constants it compares with. engine/pipeline warns about rules that can never
// apply and about misspelt constants with it; transforms/mapping skips kinds.
//
// Invariant kept here: it never claims more than is certain. In doubt a condition may
// hold, need not hold, and implies nothing.
package condition
