//go:build !linux

package launch

import (
	"os/exec"
	"strconv"
)

// watchdogScript waits until its input ends, which means that pipe was killed. It then ends
// the plugin's process group and removes the folder of the socket.
const watchdogScript = `read -r line; kill -s KILL -- "-$1" 2>/dev/null; rm -rf -- "$2"`

// watchdog outlives pipe by a moment and clears up after a SIGKILL of pipe: it ends
// the plugin's process group and removes the folder of the socket. A system without
// /bin/sh has none.
type watchdog struct {
	cmd *exec.Cmd
}

// watch starts the watchdog of a process group. It returns nil if none can start.
func watch(leader int, folder string) *watchdog {
	w := &watchdog{cmd: &exec.Cmd{
		Path: "/bin/sh", Args: []string{"sh", "-c", watchdogScript, "pipe-watchdog", strconv.Itoa(leader), folder},
		Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}, SysProcAttr: inGroup(),
	}}
	if _, err := w.cmd.StdinPipe(); err != nil { // closed when pipe ends
		return nil
	}
	if err := w.cmd.Start(); err != nil {
		return nil
	}
	return w
}

// dismiss ends the watchdog without ending the group.
func (w *watchdog) dismiss() {
	if w == nil {
		return
	}
	w.cmd.Process.Kill()
	w.cmd.Wait() // closes its input
}
