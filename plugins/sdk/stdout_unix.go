//go:build unix

package sdk

import (
	"os"

	"golang.org/x/sys/unix"
)

// cleanStdout redirects the output of the plugin, its libraries and its children to stderr,
// from the first call on: before, stdout carries the handshake, and go-plugin has replaced
// both with its own pipes.
func cleanStdout(stderr *os.File) {
	os.Stdout, os.Stderr = stderr, stderr
	_ = unix.Dup2(int(stderr.Fd()), 1)
}
