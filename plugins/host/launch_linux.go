package host

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// launched is a plugin's process, which a keeper started.
type launched struct {
	pid      int
	keeper   *exec.Cmd
	lifeline *os.File // closed, it ends the keeper and all that the plugin started
	report   *bufio.Reader
	from     *os.File
}

// launch starts a plugin.
func launch(c command, stdout, stderr *os.File) (*launched, error) {
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
	l := &launched{lifeline: lifeline, from: from, report: bufio.NewReader(from), keeper: &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{keeperName, c.dir, c.folder, c.path}, c.args...), Dir: "/", Env: c.env,
		Stdin: life, Stdout: stdout, Stderr: stderr, ExtraFiles: []*os.File{report},
		// The keys of a terminal do not reach it.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}}
	if err := l.keeper.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start its keeper: %w", plain(err)), lifeline.Close(), from.Close())
	}
	report.Close()
	from.SetReadDeadline(time.Now().Add(startLimit))
	what, value := l.next()
	from.SetReadDeadline(time.Time{})
	switch what {
	case reportPid:
		l.pid = value
		return l, nil
	case reportError:
		err = syscall.Errno(value)
	default:
		err = errors.New("its keeper says nothing: a program that starts plugins calls host.Keep first in main")
	}
	l.end()
	return nil, err
}

func (l *launched) next() (what string, value int) {
	fmt.Fscanln(l.report, &what, &value)
	return what, value
}

// end waits for the end of the keeper, whose work is done.
func (l *launched) end() {
	l.lifeline.Close()
	l.keeper.Wait()
	l.from.Close()
}

// wait waits for the end of the plugin and of all that it started, and tells how
// the plugin ended.
func (l *launched) wait() string {
	what, value := l.next()
	l.end()
	if what != reportStatus {
		syscall.Kill(-l.pid, syscall.SIGKILL) // what it forked, as far as that stayed in its group
		return "its keeper was ended"
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

// kill ends the plugin and all that it started at once. A keeper that cannot is
// ended itself, and the plugin with it.
func (l *launched) kill() {
	l.lifeline.Close()
	time.AfterFunc(killLimit/2, func() { l.keeper.Process.Kill() })
}
