package sdk

import (
	"context"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// How long a plugin waits for its first connection, for another one after the last was
// closed, and between two checks of its parent.
const (
	firstConnection = 30 * time.Second
	nextConnection  = time.Second
	parentInterval  = 500 * time.Millisecond
)

// life ends the plugin when its host has ended: after the last connection was
// closed, or when the parent process has changed.
type life struct {
	mu    sync.Mutex
	open  int
	timer *time.Timer
	stop  func()
	exit  func(status int)
}

func newLife() *life { return &life{exit: os.Exit} }

// begin sets the function that stops the server, and starts to wait for the first
// connection.
func (l *life) begin(stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop = stop
	l.timer = time.AfterFunc(firstConnection, l.end)
}

// end stops the server, with its sockets, and then the process, whatever the
// plugin is doing.
func (l *life) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	time.AfterFunc(nextConnection, func() { l.exit(1) })
	if l.stop != nil {
		go l.stop()
	}
}

func (l *life) watchParent(parent int) {
	for range time.Tick(parentInterval) {
		if os.Getppid() != parent {
			l.end()
			return
		}
	}
}

// HandleConn counts connections.
func (l *life) HandleConn(_ context.Context, s stats.ConnStats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s.(type) {
	case *stats.ConnBegin:
		l.open++
		l.timer.Stop()
	case *stats.ConnEnd:
		if l.open--; l.open == 0 {
			l.timer.Reset(nextConnection)
		}
	}
}

func (l *life) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (l *life) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (l *life) HandleRPC(context.Context, stats.RPCStats)                         {}

var _ stats.Handler = (*life)(nil)
