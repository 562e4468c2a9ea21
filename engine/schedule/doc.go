// Package schedule says when a pipeline runs: the schedule block of its file, and the times that
// follow from it. It starts nothing; see package serve.
package schedule
