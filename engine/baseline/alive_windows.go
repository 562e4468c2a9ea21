package baseline

import (
	"errors"

	"golang.org/x/sys/windows"
)

// alive reports whether a process exists. A process that reuses the number counts, and so does
// one that this user may not open.
func alive(pid int) bool {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return !errors.Is(err, windows.ERROR_INVALID_PARAMETER) // no process has this number
	}
	defer windows.CloseHandle(process)
	ended, err := windows.WaitForSingleObject(process, 0)
	return err != nil || ended != windows.WAIT_OBJECT_0
}
