//go:build !unix

package sdk

import "os"

// cleanStdout redirects the plugin's output to stderr, from the first call on.
func cleanStdout(stderr *os.File) { os.Stdout, os.Stderr = stderr, stderr }
