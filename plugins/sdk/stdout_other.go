//go:build !unix

package sdk

import "os"

// cleanStdout sends what the plugin prints to stderr, from the first call on.
func cleanStdout(stderr *os.File) { os.Stdout, os.Stderr = stderr, stderr }
