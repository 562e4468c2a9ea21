//go:build !unix

package dotenv

import "io/fs"

// trusted knows no owners on this system.
func trusted(string, fs.FileInfo) error { return nil }
