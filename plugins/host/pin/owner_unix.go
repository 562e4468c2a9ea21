//go:build unix

package pin

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	mostLinks       = 40
	writableByOther = 0o022
)

// settled reports whether only root and the user who runs pipe can change or
// replace a file: they own the file, each folder above it and each link on the
// way, and no one else may write to them.
func settled(path string) bool {
	at, rest := "/", components(path)
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil || !ours(info) {
			return false
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > mostLinks {
			return false
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(components(target), rest...)
	}
	return true
}

func components(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator })
}

func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return false
	}
	// Of a link only the owner counts; in a sticky folder only a file's owner may
	// replace it.
	return info.Mode()&fs.ModeSymlink != 0 || info.Mode()&writableByOther == 0 ||
		info.IsDir() && info.Mode()&fs.ModeSticky != 0
}
