package launch

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a plugin's process. Its parent is a subreaper.
type Process struct {
	pid       int
	subreaper *exec.Cmd
	lifeline  *os.File // closing it ends the subreaper and all that the plugin started
	report    *bufio.Reader
	from      *os.File
}

// startLimit is how long a subreaper may take to start the plugin, killLimit to end it.
const (
	startLimit = 10 * time.Second
	killLimit  = time.Second
)

// Pid returns the plugin's process id.
func (p *Process) Pid() int { return p.pid }

// Start starts a plugin. The program that calls it calls RunSubreaper first in main.
func Start(c Command, stdout, stderr *os.File) (*Process, error) {
	life, lifeline, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer life.Close()
	from, report, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, lifeline.Close())
	}
	defer report.Close()
	p := &Process{lifeline: lifeline, from: from, report: bufio.NewReader(from), subreaper: &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{subreaperName, c.Dir, c.Folder, c.Path}, c.Args...),
		Dir: "/", Env: c.Env,
		Stdin: life, Stdout: stdout, Stderr: stderr, ExtraFiles: []*os.File{report},
		// Its own process group gets no signals from the terminal.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}}
	if err := p.subreaper.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start its subreaper: %w", err), lifeline.Close(), from.Close())
	}
	report.Close()
	from.SetReadDeadline(time.Now().Add(startLimit))
	what, value := p.next()
	from.SetReadDeadline(time.Time{})
	switch what {
	case reportPid:
		p.pid = value
		return p, nil
	case reportError:
		err = syscall.Errno(value)
	default:
		err = errors.New(
			"its subreaper reports nothing: a program that starts plugins must call host.RunSubreaper first in main")
	}
	p.end()
	return nil, err
}

// next reads a line of the subreaper's report.
func (p *Process) next() (what string, value int) {
	fmt.Fscanln(p.report, &what, &value)
	return what, value
}

// end waits until the subreaper has ended.
func (p *Process) end() {
	p.lifeline.Close()
	p.subreaper.Wait()
	p.from.Close()
}

// Wait waits until the plugin and all that it started have ended. It returns how the
// plugin ended.
func (p *Process) Wait() string {
	what, value := p.next()
	p.end()
	if what != reportStatus {
		syscall.Kill(-p.pid, syscall.SIGKILL) // the children that stayed in its group
		return "its subreaper was killed"
	}
	status := syscall.WaitStatus(value)
	if status.Signaled() {
		if status.CoreDump() {
			return fmt.Sprintf("signal: %v (core dumped)", status.Signal())
		}
		return fmt.Sprintf("signal: %v", status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}

// Kill ends the plugin and everything it started, without waiting. A subreaper that takes
// longer than killLimit is killed, and the plugin with it.
func (p *Process) Kill() {
	p.lifeline.Close()
	time.AfterFunc(killLimit, func() { p.subreaper.Process.Kill() })
}
