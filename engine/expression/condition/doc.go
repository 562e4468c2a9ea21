// Package condition analyzes conditions of the pipeline file by their syntax, without a model
// or a record: whether a condition can hold for a kind, implies another one, and which
// constants it compares with. engine/pipeline uses it for warnings about misspelt constants,
// engine/lint for warnings about rules that can never apply, and transforms/mapping to skip
// kinds.
//
// Invariant kept here: the package never claims more than is certain. In case of doubt, a
// condition may hold, need not hold, and implies nothing.
package condition
