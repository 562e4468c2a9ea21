//go:build unix

package dotenv

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// trusted refuses a file that others may have written. A device, such as /dev/null, does not
// contain what was written to it.
func trusted(path string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeCharDevice != 0 {
		return nil
	}
	if info.Mode().Perm()&0o002 != 0 {
		return &Untrusted{path, "every user of this machine may write to this file and could redirect credentials",
			"chmod o-w " + path + ", and check its content"}
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if me := os.Geteuid(); known && owner.Uid != 0 && int64(owner.Uid) != int64(me) {
		return &Untrusted{path,
			fmt.Sprintf("this file belongs to user %d, but pipe runs as user %d: its owner could redirect "+
				"credentials",
				owner.Uid, me),
			"make it your own (chown), or set the variables in the environment"}
	}
	return nil
}
