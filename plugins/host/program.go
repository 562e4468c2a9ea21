package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/plugins/host/launch"
	"github.com/pipe-engine/pipe/plugins/host/output"
	"github.com/pipe-engine/pipe/plugins/proto"
)

const (
	longestGreeting = 4 << 10
	// drainLimit is how long the pipes of a process that has ended are read on:
	// a child that left its group may hold them open.
	drainLimit = 200 * time.Millisecond
)

// program is the plugin's process for go-plugin. It reads everything that the process
// prints, from its start to its end, to keep it from blocking, and passes only the first
// line to go-plugin.
type program struct {
	command launch.Command
	copied  bool // whether one of its files is a copy
	out     *output.Log

	process atomic.Pointer[launch.Process] // nil until it was started

	first *io.PipeReader // the first line, for go-plugin
	send  *io.PipeWriter

	mu       sync.Mutex
	greeting error // the fault of the first line

	over   chan struct{} // closed when the process has ended
	exited chan struct{} // closed when the process has ended and was read to its end
	how    string        // it ended; valid after over
}

var _ runner.Runner = (*program)(nil)

// newProgram prepares a process.
func newProgram(c launch.Command, copied bool, out *output.Log) *program {
	p := &program{command: c, copied: copied, out: out, over: make(chan struct{}), exited: make(chan struct{})}
	p.first, p.send = io.Pipe()
	return p
}

// Start starts the process. It has no input.
func (p *program) Start(context.Context) error {
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	errRead, errWrite, err := os.Pipe()
	if err != nil {
		return errors.Join(err, outRead.Close(), outWrite.Close())
	}
	l, err := launch.Start(p.command, outWrite, errWrite)
	outWrite.Close()
	errWrite.Close()
	if err != nil {
		p.send.Close()
		return errors.Join(err, outRead.Close(), errRead.Close())
	}
	p.process.Store(l)
	go p.live(l, outRead, errRead)
	return nil
}

func (p *program) live(l *launch.Process, stdout, stderr *os.File) {
	var readers sync.WaitGroup
	readers.Go(func() { p.survive(stdout, p.greet) })
	readers.Go(func() { p.survive(stderr, p.drain) })
	p.how = l.Wait()
	close(p.over)
	late := time.Now().Add(drainLimit)
	stdout.SetReadDeadline(late)
	stderr.SetReadDeadline(late)
	readers.Wait()
	stdout.Close()
	stderr.Close()
	close(p.exited)
}

// survive reads the output of the plugin. After a panic it continues and drops the rest,
// which keeps the plugin from blocking.
func (p *program) survive(r io.Reader, records func(io.Reader)) {
	defer func() {
		if v := recover(); v != nil {
			p.out.Failed(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
			io.Copy(io.Discard, r)
		}
	}()
	records(r)
}

// greet passes on the first line and continues reading.
func (p *program) greet(stdout io.Reader) {
	defer p.send.Close()
	r := bufio.NewReaderSize(stdout, longestGreeting)
	line, err := r.ReadSlice('\n')
	bad := checkGreeting(string(line), p.command.Folder)
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		bad = fmt.Errorf("it is not a plugin: it printed more than %d bytes without a newline", longestGreeting)
	case err != nil && len(line) == 0:
		bad = errSilent
	case bad != nil:
		select { // its own way to end explains more
		case <-p.over:
			bad = fmt.Errorf("%w and ended (%s)", bad, p.how)
		case <-time.After(drainLimit):
		}
	}
	p.mu.Lock()
	p.greeting = bad
	p.mu.Unlock()
	if bad == nil {
		p.send.Write(append(line, '\n'))
	} else if len(line) > 0 {
		l := p.out.Writer()
		l.Write(append(line, '\n'))
	}
	p.send.Close()
	p.drain(r)
}

func (p *program) drain(r io.Reader) {
	l := p.out.Writer()
	io.Copy(l, r)
	l.Flush()
}

var errSilent = errors.New("it is not a plugin: it printed nothing")

// checkGreeting checks go-plugin's line CORE|VERSION|unix|PATH|grpc.
func checkGreeting(line, folder string) error {
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 || parts[0] != "1" {
		return fmt.Errorf("it is not a plugin: instead of a plugin's address it printed %q",
			cut(strings.TrimSpace(line), 80))
	}
	version, err := strconv.Atoi(parts[1])
	switch rel, relErr := filepath.Rel(folder, parts[3]); {
	case err != nil || version != proto.Version:
		return fmt.Errorf(
			"it speaks version %s of the plugin protocol, but this pipe speaks version %d: build the plugin with "+
				"an SDK of that version",
			cut(display.Lines(parts[1]), 20), proto.Version)
	case parts[4] != "grpc":
		return fmt.Errorf("it speaks %q, but pipe speaks grpc", cut(parts[4], 20))
	case parts[2] != "unix" || relErr != nil || !filepath.IsLocal(rel):
		return fmt.Errorf(
			"it listens on %q, but pipe requires a unix socket in the folder of PLUGIN_UNIX_SOCKET_DIR",
			cut(parts[2]+" "+parts[3], 80))
	}
	return nil
}

// refused returns the fault of the first line, nil while there is none.
func (p *program) refused() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.greeting
}

// Wait waits for the end.
func (p *program) Wait(context.Context) error { <-p.exited; return nil }

// Kill ends the process and everything it started immediately, even while it is stopped.
func (p *program) Kill(context.Context) error {
	select {
	case <-p.exited:
	default:
		if l := p.process.Load(); l != nil {
			l.Kill()
		}
	}
	return nil
}

// ended describes how the process ended, waiting briefly for it; "" while it lives.
func (p *program) ended(wait time.Duration) string {
	select {
	case <-p.exited:
		return p.how
	case <-time.After(wait):
		return ""
	}
}

// pid returns the process id of the plugin, 0 until it was started.
func (p *program) pid() int {
	if l := p.process.Load(); l != nil {
		return l.Pid()
	}
	return 0
}

// Stdout returns only the first line.
func (p *program) Stdout() io.ReadCloser { return p.first }

// Stderr is nothing: it is read here.
func (p *program) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the path.
func (p *program) Name() string { return p.command.Path }

// ID is the pid.
func (p *program) ID() string { return strconv.Itoa(p.pid()) }

// Diagnose has nothing to add.
func (p *program) Diagnose(context.Context) string { return "" }

// PluginToHost leaves addresses as they are.
func (p *program) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin leaves addresses as they are.
func (p *program) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
