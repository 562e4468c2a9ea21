package store

import (
	"os"
	"runtime"

	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	othersWrite = 0o022 // of the group, or of every user
	othersRead  = 0o004
)

// identityMode returns the permissions of an identity file, or 0 where they say nothing: on
// Windows, for a pipe or a device, and for a file that cannot be looked at.
func identityMode(path string) os.FileMode {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || runtime.GOOS == "windows" {
		return 0
	}
	return info.Mode().Perm()
}

// writableMessage and writableRemedy are those of an identity file that other users may change:
// what is stored next could be encrypted for them.
const writableMessage = "other users may write the file of the identity"

func writableRemedy(path string) string { return "chmod 600 " + path }

// checkIdentityFile returns a *fault.Invalid for an identity file that other users may write.
func checkIdentityFile(path string) error {
	if identityMode(path)&othersWrite != 0 {
		return &fault.Invalid{Reason: path + ": " + writableMessage, Remedy: writableRemedy(path)}
	}
	return nil
}
