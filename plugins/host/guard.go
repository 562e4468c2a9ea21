//go:build !linux

package host

import (
	"os/exec"
	"strconv"
)

// guardScript waits until its input ends, because pipe was killed: what the plugin forked is ended, and its socket folder removed.
const guardScript = `read -r line; kill -s KILL -- "-$1" 2>/dev/null; rm -rf -- "$2"`

// guard outlives pipe by a moment, for what nobody else would clear away after
// SIGKILL: the children of a plugin, and the folder of its socket. Without a
// shell there is none; the plugin itself is ended by the kernel or its SDK.
type guard struct {
	cmd *exec.Cmd
}

// watch starts a guard for a process group; nil when that cannot be.
func watch(leader int, folder string) *guard {
	g := &guard{cmd: &exec.Cmd{
		Path: "/bin/sh", Args: []string{"sh", "-c", guardScript, "pipe-guard", strconv.Itoa(leader), folder},
		Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}, SysProcAttr: inGroup(),
	}}
	if _, err := g.cmd.StdinPipe(); err != nil { // its end here is closed with pipe
		return nil
	}
	if err := g.cmd.Start(); err != nil {
		return nil
	}
	return g
}

// dismiss ends the guard without harm.
func (g *guard) dismiss() {
	if g == nil {
		return
	}
	g.cmd.Process.Kill()
	g.cmd.Wait() // closes its input
}
