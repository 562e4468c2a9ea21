package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/pipe-engine/pipe/plugins/proto"
)

const (
	longestGreeting = 4 << 10
	// drainLimit is how long the pipes of a process that has ended are read on:
	// a child that left its group may hold them open.
	drainLimit = 200 * time.Millisecond
)

// program is the plugin's process as go-plugin drives it. It reads all that the
// process prints, from its start to its end, so that it never blocks, and hands
// go-plugin the first line alone.
type program struct {
	path, folder string
	cmd          *exec.Cmd
	out          *output
	guard        *guard

	pid   atomic.Int64   // 0 until it was started
	first *io.PipeReader // the first line, for go-plugin
	send  *io.PipeWriter

	mu       sync.Mutex
	greeting error // what is wrong with the first line

	exited chan struct{} // closed when the process has ended and was read to its end
	err    error         // how it ended; valid after exited
}

var _ runner.Runner = (*program)(nil)

// newProgram prepares a process.
func newProgram(o *Options, out *output, folder string) *program {
	p := &program{path: o.program(), folder: folder, out: out, exited: make(chan struct{})}
	p.first, p.send = io.Pipe()
	p.cmd = &exec.Cmd{
		Path: p.path, Args: append([]string{p.path}, o.Command[1:]...), Dir: o.Folder,
		Env: o.environment(), SysProcAttr: attributes(),
	}
	return p
}

// Start starts the process. Stdin is closed. The thread that starts it lives as
// long as it does, since the kernel ends it with that thread.
func (p *program) Start(context.Context) error {
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	errRead, errWrite, err := os.Pipe()
	if err != nil {
		return errors.Join(err, outRead.Close(), outWrite.Close())
	}
	p.cmd.Stdout, p.cmd.Stderr = outWrite, errWrite
	started := make(chan error, 1)
	go p.live(started, outRead, errRead)
	err = <-started
	outWrite.Close()
	errWrite.Close()
	if err != nil {
		outRead.Close()
		errRead.Close()
		return plain(err)
	}
	p.guard = watch(int(p.pid.Load()), p.folder)
	return nil
}

func (p *program) live(started chan<- error, stdout, stderr *os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		p.send.Close()
		return
	}
	p.pid.Store(int64(p.cmd.Process.Pid))
	var readers sync.WaitGroup
	readers.Go(func() { p.greet(stdout) })
	readers.Go(func() { p.drain(stderr) })
	started <- nil
	p.err = p.cmd.Wait()
	killGroup(p.cmd.Process.Pid) // children that it forked
	late := time.Now().Add(drainLimit)
	stdout.SetReadDeadline(late)
	stderr.SetReadDeadline(late)
	readers.Wait()
	stdout.Close()
	stderr.Close()
	close(p.exited)
}

// greet hands over the first line and reads on.
func (p *program) greet(stdout io.Reader) {
	r := bufio.NewReaderSize(stdout, longestGreeting)
	line, err := r.ReadSlice('\n')
	bad := checkGreeting(string(line), p.folder)
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		bad = fmt.Errorf("it is not a plugin: it printed more than %d bytes without a newline", longestGreeting)
	case err != nil && len(line) == 0:
		bad = errSilent
	}
	p.mu.Lock()
	p.greeting = bad
	p.mu.Unlock()
	if bad == nil {
		p.send.Write(append(line, '\n'))
	} else if len(line) > 0 {
		l := &lines{to: p.out}
		l.Write(append(line, '\n'))
	}
	p.send.Close()
	p.drain(r)
}

func (p *program) drain(r io.Reader) {
	l := &lines{to: p.out}
	io.Copy(l, r)
	l.flush()
}

var errSilent = errors.New("it is not a plugin: it printed nothing")

// checkGreeting looks at go-plugin's line CORE|VERSION|unix|PATH|grpc.
func checkGreeting(line, folder string) error {
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 || parts[0] != "1" {
		return fmt.Errorf("it is not a plugin: where a plugin says how it is reached, it printed %q", cut(printable(strings.TrimSpace(line)), 80))
	}
	version, err := strconv.Atoi(parts[1])
	switch rel, relErr := filepath.Rel(folder, parts[3]); {
	case err != nil || version != proto.Version:
		return fmt.Errorf("it speaks version %s of the plugin protocol, and this pipe speaks version %d: build the plugin with an SDK of that version", cut(printable(parts[1]), 20), proto.Version)
	case parts[4] != "grpc":
		return fmt.Errorf("it speaks %q, and pipe speaks grpc", cut(printable(parts[4]), 20))
	case parts[2] != "unix" || relErr != nil || !filepath.IsLocal(rel):
		return fmt.Errorf("it listens on %q, and pipe wants a unix socket in the folder of PLUGIN_UNIX_SOCKET_DIR", cut(printable(parts[2]+" "+parts[3]), 80))
	}
	return nil
}

// refused is what is wrong with the first line, nil while there is none.
func (p *program) refused() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.greeting
}

// Wait waits for the end.
func (p *program) Wait(context.Context) error { <-p.exited; return p.err }

// Kill ends the process and its group at once, also when it is stopped.
func (p *program) Kill(context.Context) error {
	select {
	case <-p.exited:
	default:
		if pid := p.pid.Load(); pid > 0 {
			killGroup(int(pid))
		}
	}
	return nil
}

// ended tells how the process ended, waiting a little for it; "" when it lives.
func (p *program) ended(wait time.Duration) string {
	select {
	case <-p.exited:
	case <-time.After(wait):
		return ""
	}
	return p.cmd.ProcessState.String()
}

// Stdout is the first line alone.
func (p *program) Stdout() io.ReadCloser { return p.first }

// Stderr is nothing: it is read here.
func (p *program) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the path.
func (p *program) Name() string { return p.path }

// ID is the pid.
func (p *program) ID() string {
	if pid := p.pid.Load(); pid > 0 {
		return strconv.FormatInt(pid, 10)
	}
	return ""
}

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
