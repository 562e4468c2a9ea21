//go:build linux

package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a step that is quick may take on a busy machine.
const patience = time.Minute

// process is a program that a test started. It is killed when the test ends.
type process struct {
	cmd   *exec.Cmd
	input io.Closer
	ended chan struct{} // closed when it has ended and its output was read

	mu       sync.Mutex
	out, all strings.Builder
	waits    map[chan string]string // what is waited for in a line
}

// starting is what to start.
type starting struct {
	program string
	args    []string
	folder  string
	env     []string // added to the environment of the test
	user    *syscall.Credential
}

// starts has functions that start processes. They run in one thread that never ends, since the
// kernel kills the processes when the thread that started them is gone.
var starts = sync.OnceValue(func() chan<- func() {
	c := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range c {
			f()
		}
	}()
	return c
})

func start(t testing.TB, s starting) *process {
	t.Helper()
	p := &process{cmd: exec.Command(s.program, s.args...), ended: make(chan struct{}), waits: map[chan string]string{}}
	p.cmd.Dir, p.cmd.Env = s.folder, append(os.Environ(), s.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Pdeathsig: syscall.SIGKILL}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.input = in
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan error)
	starts() <- func() { begun <- p.cmd.Start() }
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	go func() {
		var reading sync.WaitGroup
		reading.Go(func() { p.read(out, true) })
		reading.Go(func() { p.read(errs, false) })
		reading.Wait()
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) read(r io.Reader, answer bool) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		p.all.WriteString(line)
		if answer {
			p.out.WriteString(line)
		}
		for seen, text := range p.waits {
			if strings.Contains(line, text) {
				delete(p.waits, seen)
				seen <- line
			}
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// says returns a channel that gets the next line with a text.
func (p *process) says(text string) <-chan string {
	seen := make(chan string, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits[seen] = text
	for line := range strings.Lines(p.all.String()) {
		if strings.Contains(line, text) {
			delete(p.waits, seen)
			seen <- line
			break
		}
	}
	return seen
}

// line waits for a line with a text, one that was written earlier included.
func (p *process) line(t testing.TB, text string) string {
	t.Helper()
	select {
	case line := <-p.says(text):
		return strings.TrimSpace(line)
	case <-p.ended:
		t.Fatalf("%s ended with %s and did not say %q:\n%s", p.cmd.Path, p.cmd.ProcessState, text, p.said())
	case <-time.After(patience):
		t.Fatalf("%s did not say %q:\n%s", p.cmd.Path, text, p.said())
	}
	return ""
}

// said is all of its output, answer what it wrote to its standard output.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.String()
}

func (p *process) answer() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// whole is all of its output at its end.
func (p *process) whole(t testing.TB) string {
	t.Helper()
	p.exit(t)
	return p.said()
}

// exit waits for its end and returns the code, -1 for a signal.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	return p.exitWithin(t, patience)
}

func (p *process) exitWithin(t testing.TB, most time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(most):
		t.Fatalf("%s does not end:\n%s", p.cmd.Path, p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// kill kills it and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}
