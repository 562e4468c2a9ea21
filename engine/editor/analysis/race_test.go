//go:build race

package analysis

// The race detector takes several times as long.
func init() { scanTime *= 10 }
