package cli

import (
	"errors"

	"golang.org/x/sys/windows"
)

// brokenPipe reports whether the reader of the output stopped early.
func brokenPipe(err error) bool {
	return errors.Is(err, windows.ERROR_NO_DATA) || errors.Is(err, windows.ERROR_BROKEN_PIPE)
}
