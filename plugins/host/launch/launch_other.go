//go:build !linux

package launch

import (
	"os"
	"os/exec"
)

// RunSubreaper does nothing: on this system a plugin has no subreaper.
func RunSubreaper() {}

// Process is a plugin's process.
type Process struct {
	pid      int
	cmd      *exec.Cmd
	watchdog *watchdog
}

// Pid returns the plugin's process id.
func (p *Process) Pid() int { return p.pid }

// Start starts a plugin.
func Start(c Command, stdout, stderr *os.File) (*Process, error) {
	p := &Process{
		cmd: &exec.Cmd{
			Path:        c.Path,
			Args:        c.Args,
			Dir:         c.Dir,
			Env:         c.Env,
			Stdout:      stdout,
			Stderr:      stderr,
			SysProcAttr: inGroup(),
		},
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.pid = p.cmd.Process.Pid
	p.watchdog = watch(p.pid, c.Folder)
	return p, nil
}

// Wait waits until the plugin has ended, and ends its group. It returns how the
// plugin ended.
func (p *Process) Wait() string {
	p.cmd.Wait()
	killGroup(p.pid)
	p.watchdog.dismiss()
	return p.cmd.ProcessState.String()
}

// Kill ends the plugin and its group, without waiting.
func (p *Process) Kill() { killGroup(p.pid) }
