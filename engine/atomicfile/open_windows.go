package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Open opens a file that may be replaced or removed while it is open, which Windows does not
// allow for files opened with os.OpenFile. It takes the arguments of os.OpenFile; of the flags,
// it uses O_CREATE, O_EXCL, O_APPEND and the access mode.
func Open(path string, flag int, _ os.FileMode) (*os.File, error) {
	fail := func(err error) (*os.File, error) { return nil, &os.PathError{Op: "open", Path: path, Err: err} }
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return fail(err)
	}
	var access uint32 = windows.GENERIC_READ
	switch {
	case flag&os.O_APPEND != 0:
		access = windows.FILE_APPEND_DATA | windows.FILE_READ_ATTRIBUTES | windows.SYNCHRONIZE
	case flag&os.O_RDWR != 0:
		access = windows.GENERIC_READ | windows.GENERIC_WRITE
	case flag&os.O_WRONLY != 0:
		access = windows.GENERIC_WRITE
	}
	var create uint32 = windows.OPEN_EXISTING
	switch {
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		create = windows.CREATE_NEW
	case flag&os.O_CREATE != 0:
		create = windows.OPEN_ALWAYS
	}
	const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	// With backup semantics folders can be opened, too; the mode of the file shows which it is.
	handle, err := windows.CreateFile(name, access, shared, nil, create,
		windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return fail(err)
	}
	return os.NewFile(uintptr(handle), path), nil
}

// fileRenameInfo is FILE_RENAME_INFO.
type fileRenameInfo struct {
	flags  uint32
	root   windows.Handle
	length uint32 // of the name, in bytes
	name   [1]uint16
}

// rename replaces a file in one step, even one that Open has open. Windows before 10 1709 and
// some network folders do not support that. There, an open file is first moved aside, and a
// crash between the two steps leaves no file with the name.
func rename(from, to string) error {
	err := renamePOSIX(from, to)
	if err == nil {
		return nil
	}
	err = os.Rename(from, to)
	if !errors.Is(err, windows.ERROR_ACCESS_DENIED) && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		return err
	}
	if old, statErr := os.Lstat(to); statErr != nil || !old.Mode().IsRegular() {
		return err
	}
	aside := from + ".old"
	if err := os.Rename(to, aside); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(err, os.Rename(aside, to))
	}
	_ = os.Remove(aside) // deleted when its last reader closes it
	return nil
}

// renamePOSIX renames as POSIX systems do: processes that have the old file open keep it.
func renamePOSIX(from, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	name, err := windows.UTF16FromString(to)
	if err != nil {
		return err
	}
	at, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	file, err := windows.CreateFile(at, windows.DELETE|windows.SYNCHRONIZE, shared, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(file)
	const nameAt = unsafe.Offsetof(fileRenameInfo{}.name)
	buffer := make([]uint64, (int(nameAt)+2*len(name)+7)/8) // aligned as the structure is
	info := (*fileRenameInfo)(unsafe.Pointer(&buffer[0]))
	info.flags = windows.FILE_RENAME_REPLACE_IF_EXISTS | windows.FILE_RENAME_POSIX_SEMANTICS
	info.length = uint32(2 * (len(name) - 1))
	copy(unsafe.Slice(&info.name[0], len(name)), name)
	return windows.SetFileInformationByHandle(file, windows.FileRenameInfoEx, (*byte)(unsafe.Pointer(&buffer[0])),
		uint32(8*len(buffer)))
}
