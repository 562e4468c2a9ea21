package atomicfile

import (
	"crypto/rand"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Nameless creates a file in a folder that Windows deletes when its last handle is closed, even when the
// process is killed. Windows cannot unlink an open file.
func Nameless(dir, name string) (*os.File, error) {
	path := filepath.Join(dir, name+"-"+rand.Text())
	at, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	const sharedWithNone = 0
	handle, err := windows.CreateFile(at, windows.GENERIC_READ|windows.GENERIC_WRITE|windows.DELETE, sharedWithNone, nil,
		windows.CREATE_NEW, windows.FILE_ATTRIBUTE_TEMPORARY|windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}
