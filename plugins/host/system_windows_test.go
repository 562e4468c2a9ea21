package host

import (
	"os"
	"os/exec"

	"golang.org/x/sys/windows"
)

func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill()
	}
}

// stop does nothing: Windows cannot stop a process.
func stop(int) {}

// inSession does nothing: Windows has no sessions that a process may leave.
func inSession(*exec.Cmd) {}

// alive reports whether a process runs.
func alive(pid int) bool {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(process)
	ended, err := windows.WaitForSingleObject(process, 0)
	return err == nil && ended != windows.WAIT_OBJECT_0
}
