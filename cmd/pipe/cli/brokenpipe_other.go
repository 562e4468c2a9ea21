//go:build !windows

package cli

import (
	"errors"
	"syscall"
)

// brokenPipe reports whether the reader of the output stopped early.
func brokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
