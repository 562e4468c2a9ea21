package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pipe-engine/pipe/plugins/proto"
)

// maxMessage is the largest batch in either direction.
const maxMessage = 256 << 20

// Serve runs the plugin and does not return before pipe ends it. It is the whole of main: it
// ends the process with status 2 and a sentence on stderr if the plugin cannot be served, or
// was not started by pipe.
//
// With --debug among the arguments the plugin prints the PIPE_REATTACH_PLUGINS line to
// export for `pipe run`, and serves until it is interrupted.
func Serve(p Plugin) {
	if err := serve(p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func serve(p Plugin) error {
	if slices.Contains(os.Args[1:], "--debug") {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return serveDebug(ctx, p, os.Stdout)
	}
	stderr := os.Stderr
	s, err := newServer(p, stderr, func() { cleanStdout(stderr) })
	if err != nil {
		return err
	}
	if os.Getenv(proto.CookieKey) != proto.CookieValue {
		return fmt.Errorf("%s %s is a plugin of pipe (%s): name its path under `plugin:` in a pipeline file, or start it "+
			"with --debug",
			p.Name, p.Version, p.Summary)
	}
	life := newLife()
	go life.watchParent(os.Getppid())
	plugin.Serve(serveConfig(s, life))
	return nil
}

// serveDebug serves until ctx ends and writes the line to export to out.
func serveDebug(ctx context.Context, p Plugin, out io.Writer) error {
	s, err := newServer(p, os.Stderr, func() {})
	if err != nil {
		return err
	}
	reattach, done, err := serveInProcess(ctx, s)
	if err != nil {
		return err
	}
	line, err := json.Marshal(map[string]any{p.Name: map[string]any{
		"network": reattach.Addr.Network(),
		"address": reattach.Addr.String(),
		"pid":     reattach.Pid,
		"version": reattach.ProtocolVersion,
	}})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "PIPE_REATTACH_PLUGINS='%s'\n", line)
	<-done
	return nil
}

// serveInProcess serves on a private socket until ctx ends; then done is closed.
func serveInProcess(ctx context.Context, s *server) (*plugin.ReattachConfig, <-chan struct{}, error) {
	addresses, done := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	config := serveConfig(s, nil)
	config.Test = &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: addresses, CloseCh: done}
	go plugin.Serve(config)
	select {
	case address := <-addresses:
		return address, done, nil
	case <-done:
		return nil, done, errors.New("the plugin has no socket; the lines above give the reason")
	}
}

func serveConfig(s *server, life *life) *plugin.ServeConfig {
	return &plugin.ServeConfig{
		HandshakeConfig: handshake(),
		Plugins:         plugin.PluginSet{proto.Name: &wire{server: s}},
		Logger:          quiet(),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			options = append(options, grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
			if life == nil {
				return grpc.NewServer(append(options, grpc.UnaryInterceptor(staysUp))...)
			}
			server := grpc.NewServer(append(options, grpc.StatsHandler(life))...)
			life.begin(server.Stop)
			return server
		},
	}
}

// staysUp answers go-plugin's call to shut down and does nothing: a host that closes its
// connection must not end a process that it did not start.
func staysUp(ctx context.Context, request any, call *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if call.FullMethod == "/plugin.GRPCController/Shutdown" {
		return &emptypb.Empty{}, nil
	}
	return handle(ctx, request)
}

// quiet is go-plugin's own log: only errors, without the one at every end of a server.
func quiet() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Level: hclog.Error, Output: os.Stderr, JSONFormat: true,
		Exclude: func(_ hclog.Level, _ string, args ...any) bool {
			return slices.ContainsFunc(args, func(arg any) bool {
				err, ok := arg.(error)
				return ok && errors.Is(err, net.ErrClosed)
			})
		},
	})
}

func handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  proto.Version,
		MagicCookieKey:   proto.CookieKey,
		MagicCookieValue: proto.CookieValue,
	}
}

// wire is both ends of the service for go-plugin.
type wire struct {
	plugin.NetRPCUnsupportedPlugin
	server proto.TransformServer
}

func (w *wire) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	proto.RegisterTransformServer(s, w.server)
	return nil
}

func (w *wire) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return proto.NewTransformClient(c), nil
}

var _ plugin.GRPCPlugin = (*wire)(nil)
