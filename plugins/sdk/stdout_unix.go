//go:build unix

package sdk

import (
	"os"

	"golang.org/x/sys/unix"
)

// cleanStdout sends what the plugin, its libraries and its children print to
// stderr, from the first call on: before it, stdout carries the handshake, and
// go-plugin has put pipes of its own in place of both.
func cleanStdout(stderr *os.File) {
	os.Stdout, os.Stderr = stderr, stderr
	_ = unix.Dup2(int(stderr.Fd()), 1)
}
