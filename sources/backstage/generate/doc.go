// Package generate makes synthetic catalogs of any size for tests and benchmarks. The
// program does not import it.
package generate
