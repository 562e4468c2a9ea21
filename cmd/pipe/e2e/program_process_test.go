package e2e

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is pipe in a separate process that a test stops in the middle.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	said chan string // its lines, as they come
	end  chan struct{}

	mu     sync.Mutex
	output strings.Builder
}

// patience is how long a process may take for anything before a test gives it
// up; nothing waits so long when all is well.
const patience = 30 * time.Second

func startProcess(t testing.TB, env map[string]string, args ...string) *process {
	t.Helper()
	return startProcessIn(t, "", env, args...)
}

// startProcessIn is startProcess in a folder.
func startProcessIn(t testing.TB, folder string, env map[string]string, args ...string) *process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(program, args...), said: make(chan string, 1000), end: make(chan struct{})}
	p.cmd.Dir = folder
	p.cmd.Env = append(os.Environ(), childVariable+"=pipe", "XDG_STATE_HOME="+t.TempDir())
	for name, value := range env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		defer close(p.end)
		defer r.Close()
		for lines := bufio.NewScanner(r); lines.Scan(); {
			p.mu.Lock()
			p.output.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			p.said <- lines.Text()
		}
	}()
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait(); <-p.end })
	return p
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// signal sends one, and waits until the process has said something about it.
func (p *process) signal(s os.Signal, says string) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	if says == "" {
		return
	}
	late := time.After(patience)
	for {
		select {
		case line := <-p.said:
			if strings.Contains(line, says) {
				return
			}
		case <-late:
			p.t.Fatalf("it did not say %q:\n%s", says, p.text())
		}
	}
}

// exit waits for the end and returns the code, -1 for a signal.
func (p *process) exit() int {
	p.t.Helper()
	return p.exitWithin(patience)
}

// exitWithin is exit with another patience.
func (p *process) exitWithin(most time.Duration) int {
	p.t.Helper()
	select {
	case <-p.end:
	case <-time.After(most):
		p.t.Fatalf("it does not end:\n%s", p.text())
	}
	var failed *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// gate holds a server's answer back: the server waits in it, a test waits for
// that and opens it. What comes later passes.
type gate struct {
	reached, opened chan struct{}
	reach, open     sync.Once
}

func newGate(t testing.TB) *gate {
	g := &gate{reached: make(chan struct{}), opened: make(chan struct{})}
	t.Cleanup(g.release)
	return g
}

func (g *gate) hold() {
	g.reach.Do(func() { close(g.reached) })
	<-g.opened
}

func (g *gate) release() { g.open.Do(func() { close(g.opened) }) }

func (g *gate) wait(t testing.TB) {
	t.Helper()
	select {
	case <-g.reached:
	case <-time.After(patience):
		t.Fatal("nothing reached the gate")
	}
}
