//go:build !linux

package host

import (
	"os"
	"os/exec"
)

// Keep does nothing: on this system a plugin has no keeper.
func Keep() {}

// launched is a plugin's process.
type launched struct {
	pid   int
	cmd   *exec.Cmd
	guard *guard
}

// launch starts a plugin.
func launch(c command, stdout, stderr *os.File) (*launched, error) {
	l := &launched{cmd: &exec.Cmd{Path: c.path, Args: c.args, Dir: c.dir, Env: c.env, Stdout: stdout, Stderr: stderr, SysProcAttr: inGroup()}}
	if err := l.cmd.Start(); err != nil {
		return nil, plain(err)
	}
	l.pid = l.cmd.Process.Pid
	l.guard = watch(l.pid, c.folder)
	return l, nil
}

// wait waits for the end of the plugin and of its group, and tells how the
// plugin ended.
func (l *launched) wait() string {
	l.cmd.Wait()
	killGroup(l.pid)
	l.guard.dismiss()
	return l.cmd.ProcessState.String()
}

// kill ends the plugin and its group at once.
func (l *launched) kill() { killGroup(l.pid) }
