package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/plugins/host/launch"
	"github.com/pipe-engine/pipe/plugins/host/output"
	"github.com/pipe-engine/pipe/plugins/host/pin"
	"github.com/pipe-engine/pipe/plugins/proto"
)

const (
	startLimit = 10 * time.Second
	// killLimit is how long a process may take to end on request.
	killLimit = 2 * time.Second
	// wordsLimit is how long to wait for the end of a process whose connection broke, to
	// report its last lines and exit status.
	wordsLimit = time.Second
	// longestSocketBase keeps the path of a socket below what systems allow.
	longestSocketBase = 40
)

// process is a plugin that answers: one that was started, or one of
// PIPE_REATTACH_PLUGINS, which is never ended.
type process struct {
	wire    proto.TransformClient
	conn    *grpc.ClientConn
	client  *plugin.Client
	program *program // nil for one that was not started here
	out     *output.Log
	folder  string
	// detached is closed when a process that was not started here is released.
	detached chan struct{}
}

// wirePlugin satisfies go-plugin; the connection is used directly.
type wirePlugin struct{ plugin.NetRPCUnsupportedPlugin }

func (wirePlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("this is the side of pipe")
}

func (wirePlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return proto.NewTransformClient(c), nil
}

func clientConfig() *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: proto.Version, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue,
		},
		Plugins:          plugin.PluginSet{proto.Name: wirePlugin{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:      true,
		Logger:           hclog.NewNullLogger(),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(longestAnswer)),
			grpc.WithIdleTimeout(0), // the socket is gone: reconnecting is impossible
		},
	}
}

// RunSubreaper does not return when this process was started as a plugin's
// subreaper. A program that starts plugins calls it first in main.
func RunSubreaper() { launch.RunSubreaper() }

// Checksum returns the SHA-256 of a file in hexadecimal.
func Checksum(path string) (string, error) { return pin.Checksum(path) }

// startProcess starts the plugin and waits until it answers a ping. The context ends only
// the start. An error names the path and the plugin's last output.
func startProcess(ctx context.Context, o *Options, out *output.Log) (*process, error) {
	if runtime.GOOS == "windows" { // go-plugin listens there on TCP, which every process of the machine can reach
		return nil, fault.Errorf(fault.Fatal, "run this pipeline on Linux or macOS", "plugins do not run on Windows")
	}
	if err := o.command().Verify(); err != nil {
		return nil, err
	}
	out.Begin()
	base := os.TempDir()
	if len(base) > longestSocketBase {
		base = "/tmp"
	}
	folder, err := os.MkdirTemp(base, "pipe-plugin-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the plugin's socket: %w", err)
	}
	c, copied, err := o.command().Pinned(folder)
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	c.Env = o.environment()
	if o.hashed != nil {
		o.hashed()
	}
	p := &process{out: out, folder: folder, program: newProgram(c, copied, out)}
	cfg := clientConfig()
	cfg.StartTimeout = o.startLimit + killLimit // the limit below is the one that counts
	cfg.UnixSocketConfig = &plugin.UnixSocketConfig{TempDir: folder}
	cfg.SyncStdout, cfg.SyncStderr = out.Writer(), out.Writer()
	cfg.RunnerFunc = func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
		p.program.command.Env = append(p.program.command.Env, cmd.Env...)
		return p.program, nil
	}
	p.client = plugin.NewClient(cfg)
	limit, cancel := context.WithTimeout(ctx, o.startLimit)
	defer cancel()
	connected := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
			connected <- err
		}()
		err = p.connect(limit)
	}()
	select {
	case err = <-connected:
	case <-limit.Done():
		err = limit.Err()
		p.program.Kill(ctx)
		<-connected
	}
	if err == nil {
		removeSocket(folder) // both ends are connected: no other process may connect
		return p, nil
	}
	err = p.startError(ctx, o, err)
	p.kill()
	return nil, err
}

// connect makes the connection and pings: a plugin with other requirements than pipe's, such
// as TLS, starts all the same and fails at the first call.
func (p *process) connect(ctx context.Context) error {
	c, err := p.client.Client()
	if err != nil {
		return err
	}
	p.conn = c.(*plugin.GRPCClient).Conn
	p.wire = proto.NewTransformClient(p.conn)
	_, err = grpc_health_v1.NewHealthClient(p.conn).
		Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	return err
}

// startError explains why a start failed: a fault in the first line explains more than
// go-plugin's error.
func (p *process) startError(ctx context.Context, o *Options, err error) error {
	const remedy = "start the program by hand to see what it does: a plugin prints that it is a plugin and ends"
	fail := func(remedy, format string, args ...any) error {
		return fault.Errorf(fault.Fatal, remedy, "%s: %s%s", o.command().Program(), fmt.Sprintf(format, args...),
			p.lastWords())
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.program.pid() == 0 && p.program.copied && errors.Is(err, fs.ErrPermission) {
		return fail("it is started from a copy because others can change the file: remove that permission, or "+
			"set TMPDIR to a folder whose programs may run", "it cannot be started: %v", err)
	}
	if p.program.pid() == 0 {
		return fail("check that it is built for this system and that the interpreter in its first line exists",
			"it cannot be started: %v", err)
	}
	refused := p.program.refused()
	state := ""
	if refused == nil || errors.Is(refused, errSilent) {
		state = p.program.ended(wordsLimit)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded:
		return fail(remedy, "it was not ready within %s", o.startLimit)
	case refused != nil && !errors.Is(refused, errSilent):
		return fail("", "%v", refused)
	case state != "":
		return fail(remedy, "it ended before it was ready (%s)", state)
	case refused != nil:
		return fail("", "%v", refused)
	}
	return fail("it must serve grpc.health.v1 and the transform service without TLS",
		"it reported that it is ready but does not answer: %s",
		cut(display.Lines(status.Convert(err).Message()), 200))
}

// removeSocket removes everything in the folder except the copies: the plugin may still read
// the files next to them.
func removeSocket(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if e.Name() != pin.Copies {
			os.RemoveAll(filepath.Join(folder, e.Name()))
		}
	}
}

// lastWords are the last lines that the plugin printed, below an error.
func (p *process) lastWords() string {
	text := ""
	for _, line := range p.out.Last() {
		text += "\n    " + line
	}
	if text != "" {
		text = "; the last lines it printed:" + text
	}
	return text
}

// stop asks the plugin to end, and kills it if it does not.
func (p *process) stop() {
	if p.program == nil {
		p.kill()
		return
	}
	done := make(chan struct{})
	go func() { p.client.Kill(); close(done) }()
	select {
	case <-done:
	case <-time.After(killLimit):
	}
	p.kill()
}

// kill ends the plugin, its children and its folder immediately. It cannot hang: SIGKILL
// also ends a stopped process, and a process that the system does not end is left.
func (p *process) kill() {
	defer p.out.Settle()
	if p.program == nil {
		if p.conn != nil {
			p.conn.Close()
		}
		close(p.detached)
		return
	}
	p.program.Kill(context.Background())
	if p.program.pid() > 0 && p.program.ended(killLimit) != "" {
		p.client.Kill()
	}
	os.RemoveAll(p.folder)
}
