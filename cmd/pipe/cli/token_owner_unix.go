//go:build unix

package cli

import (
	"os"
	"syscall"
)

// sameOwner sets the owner and the group of a file to those of another.
func sameOwner(f *os.File, as os.FileInfo) error {
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	have, known := mine.Sys().(*syscall.Stat_t)
	want, both := as.Sys().(*syscall.Stat_t)
	if !known || !both || have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	return f.Chown(int(want.Uid), int(want.Gid))
}
