//go:build race

package postgres_test

// The race detector makes pools forget buffers. A file that is kept whole takes more than its size.
func init() { maxAllocated = benchSize - 1<<20 }
