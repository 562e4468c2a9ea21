package tunnel

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/yamux"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Protocol is the version of what hub, agent and pipeline speak. Another one is refused.
const Protocol = "1"

// The paths of a hub. The name of an agent follows the second.
const (
	AgentPath  = "/broker/agent"
	StreamPath = "/broker/stream/"
	CheckPath  = "/broker/check"
)

// Known is what a hub answers an agent at CheckPath.
type Known struct {
	Sessions int `json:"sessions"` // of the agent
	// Alarms are the further sessions that the hub has refused since it started, and the others are
	// about the last one.
	Alarms int       `json:"alarms"`
	From   string    `json:"from,omitempty"`
	Code   string    `json:"code,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// Check asks a hub what it knows about an agent. It opens no session.
func Check(ctx context.Context, send http.RoundTripper, address string, h http.Header) (Known, error) {
	var k Known
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return k, err
	}
	r.Header = h.Clone()
	r.Header.Set(HeaderProtocol, Protocol)
	resp, err := send.RoundTrip(r)
	if err != nil {
		return k, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get(HeaderProtocol) != Protocol {
		return k, &RefusedError{resp.StatusCode, resp.Header.Get(HeaderError)}
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil {
		err = codec.Unmarshal(text, &k)
	}
	return k, err
}

// The headers of a broker.
const (
	HeaderProtocol = "Pipe-Broker"         // Protocol, of every request to a hub
	HeaderVersion  = "Pipe-Version"        // of an agent
	HeaderName     = "Pipe-Agent"          // the name that an agent claims
	HeaderError    = "Pipe-Broker-Error"   // one of the codes below
	HeaderRule     = "Pipe-Broker-Rule"    // which rule denied a request
	HeaderCaller   = "Pipe-Broker-Caller"  // ForAgent of the token
	HeaderAudit    = "Pipe-Broker-Audit"   // the mark of the request in the audit log
	HeaderRequest  = "Pipe-Broker-Request" // the id of the request in the audit log
)

// The codes of HeaderError. The first are the hub's, the others the agent's.
const (
	NoAgent         = "no-agent"
	Stopping        = "stopping"
	Unauthorized    = "unauthorized"
	NotFromHere     = "address"
	TooMany         = "limit"
	WrongProtocol   = "protocol"
	OldVersion      = "version"
	AlreadyRunning  = "already-running"
	OtherIdentity   = "other-identity"
	Denied          = "denied"
	UnknownTarget   = "unknown-target"
	Unreachable     = "target-unreachable"
	TargetTimeout   = "target-timeout"
	AuditUnwritable = "audit"
	Paused          = "paused"
	WrongFile       = "file"
)

// RefusedError is a request to a hub that it did not accept.
type RefusedError struct {
	Status int
	Code   string // of HeaderError; "" when the answer is not a hub's
}

func (e *RefusedError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("the answer is %d and not that of a hub", e.Status)
	}
	return fmt.Sprintf("the hub answered %d (%s)", e.Status, e.Code)
}

// Dial opens a WebSocket connection to a hub. It is closed when the hub is silent.
func Dial(ctx context.Context, send http.RoundTripper, address string, h http.Header) (net.Conn, error) {
	h.Set(HeaderProtocol, Protocol)
	ctx, cancel := context.WithTimeout(Detached(ctx), 2*silence)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: h,
		HTTPClient: &http.Client{Transport: send,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, &RefusedError{resp.StatusCode, resp.Header.Get(HeaderError)}
		}
		if known := (*fault.Error)(nil); errors.As(err, &known) { // without the words of the WebSocket library
			return nil, known
		}
		return nil, err
	}
	own, alive := wrap(c)
	go own.watch(alive, silence)
	return own, nil
}

// Accept makes a connection of a request to a hub. It answers the request when it fails.
func Accept(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	taken := &hijacked{ResponseWriter: w}
	c, err := websocket.Accept(taken, r, nil)
	if err != nil {
		return nil, err
	}
	out, _ := wrap(c)
	out.below = taken.conn
	return out, nil
}

// hijacked notes the connection below a WebSocket connection.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = c
	return c, rw, err
}

// conn is a WebSocket connection. Close ends it at once.
type conn struct {
	net.Conn
	socket *websocket.Conn
	below  net.Conn // of Accept alone
	cancel context.CancelFunc
	once   sync.Once

	reads  atomic.Uint64 // twice those that ended, and one more while one waits
	writes atomic.Int64  // under way
}

// wrap returns a connection, and a context that ends with it.
func wrap(c *websocket.Conn) (*conn, context.Context) {
	ctx, cancel := context.WithCancel(context.Background())
	return &conn{Conn: websocket.NetConn(ctx, c, websocket.MessageBinary), socket: c, cancel: cancel}, ctx
}

// Read reads what the other end has written. It is called by one goroutine at a time.
func (c *conn) Read(b []byte) (int, error) {
	c.reads.Add(1)
	defer c.reads.Add(1)
	return c.Conn.Read(b)
}

// Write writes to the other end.
func (c *conn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	defer c.writes.Add(-1)
	return c.Conn.Write(b)
}

// watch closes the connection when a Read waits and the other end does not answer whether it is there.
// While no Read waits no answer could be seen, and while a Write waits none could be asked for.
func (c *conn) watch(ctx context.Context, silence time.Duration) {
	t := time.NewTicker(silence / 2)
	defer t.Stop()
	var before uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		reads := c.reads.Load()
		waits := func() bool { return reads%2 == 1 && c.reads.Load() == reads && c.writes.Load() == 0 }
		if quiet := reads == before && waits(); quiet && c.ping(ctx, silence) != nil && waits() {
			_ = c.Close()
			return
		}
		before = reads
	}
}

func (c *conn) ping(ctx context.Context, silence time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	return c.socket.Ping(ctx)
}

// Close closes the connection without waiting for the other end.
func (c *conn) Close() (err error) {
	c.once.Do(func() {
		err = c.socket.CloseNow()
		c.cancel()
	})
	return err
}

// linger is how long Finish waits for the other end.
const linger = time.Second

// Finish closes a connection of Accept after the other end has what was written. It waits a second
// for an end that does not read.
func Finish(c net.Conn) {
	if c, ok := c.(*conn); ok {
		c.once.Do(func() {
			if c.below != nil { // the library waits five seconds for each direction
				_ = c.below.SetDeadline(time.Now().Add(linger))
			}
			_ = c.socket.Close(websocket.StatusNormalClosure, "")
			c.cancel()
		})
		return
	}
	_ = c.Close()
}

// silence is how often an end is asked whether it is there, and how long each step of its answer may
// take. A silent death is noticed within three times this: the pause, sending and the answer.
const silence = 10 * time.Second

// Session is the connection of an agent with its streams.
type Session struct {
	*yamux.Session
	notice chan net.Conn // the hub's end of the stream for notices
}

// settings are those of both ends. A stream has a window of 256 KiB, yamux's smallest: it bounds what
// an end holds of a stream that is not read, and allows 2.5 MB/s a stream at 100 ms of distance.
func settings(silence time.Duration) *yamux.Config {
	c := yamux.DefaultConfig()
	c.KeepAliveInterval, c.ConnectionWriteTimeout, c.StreamOpenTimeout = silence, silence, 2*silence
	c.StreamCloseTimeout = time.Minute
	c.LogOutput, c.Logger = nil, log.New(io.Discard, "", 0)
	return c
}

// Open begins the hub's end of a session.
func Open(c net.Conn) (*Session, error) { return open(c, silence) }

func open(c net.Conn, silence time.Duration) (*Session, error) {
	s, err := yamux.Client(c, settings(silence))
	if err != nil {
		return nil, err
	}
	out := &Session{s, make(chan net.Conn, 1)}
	go func() {
		if c, err := s.Accept(); err == nil {
			out.notice <- c
		}
	}()
	return out, nil
}

// Serve begins the agent's end of a session, a listener for the streams that the hub opens.
func Serve(c net.Conn) (*Session, error) { return serve(c, silence) }

func serve(c net.Conn, silence time.Duration) (*Session, error) {
	s, err := yamux.Server(c, settings(silence))
	if err != nil {
		return nil, err
	}
	return &Session{Session: s}, nil
}

// Stop says to the agent that the hub stops. It waits until the agent listens for that, or the session
// has ended.
func (s *Session) Stop() {
	select {
	case c := <-s.notice:
		_, _ = c.Write([]byte{1})
	case <-s.CloseChan():
	}
}

// Stopping is closed when the hub says that it stops. The agent calls it once.
func (s *Session) Stopping() <-chan struct{} {
	out := make(chan struct{})
	go func() {
		c, err := s.OpenStream()
		if err != nil {
			return
		}
		if n, _ := c.Read(make([]byte, 1)); n == 1 {
			close(out)
		}
	}()
	return out
}

// Relay copies between two ends until one of them ends.
func Relay(a, b net.Conn, count func(n int64)) {
	done := make(chan struct{}, 2)
	half := func(to, from net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				count(int64(n))
				if _, werr := to.Write(buf[:n]); werr != nil {
					break
				}
			}
			if err != nil {
				if errors.Is(err, io.EOF) {
					Finish(to)
				}
				break
			}
		}
		done <- struct{}{}
	}
	go half(a, b)
	go half(b, a)
	<-done
	_ = a.Close()
	_ = b.Close()
	<-done
}
