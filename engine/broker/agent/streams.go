package agent

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

// unused are the connections without a request, for which Server.Shutdown would wait five seconds: a
// pipeline that opens a second stream and then uses the first one has such a connection.
type unused struct {
	mu    sync.Mutex
	ended bool
	all   map[net.Conn]bool
}

func (u *unused) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.all, c)
	case u.ended:
		_ = c.Close()
	case u.all == nil:
		u.all = map[net.Conn]bool{c: true}
	default:
		u.all[c] = true
	}
}

// end closes them, and those that come later.
func (u *unused) end() {
	u.mu.Lock()
	u.ended = true
	all := u.all
	u.all = nil
	u.mu.Unlock()
	for c := range all {
		_ = c.Close()
	}
}

// limited accepts each stream at once, and closes those beyond a number. Closing it leaves the streams.
type limited struct {
	session *tunnel.Session
	left    atomic.Int64
	streams chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func accept(s *tunnel.Session, most int) *limited {
	l := &limited{session: s, streams: make(chan net.Conn), closed: make(chan struct{})}
	l.left.Store(int64(most))
	go l.pump()
	return l
}

// pump passes on streams until the session ends.
func (l *limited) pump() {
	defer close(l.streams)
	for {
		c, err := l.session.Accept()
		if err != nil {
			return
		}
		if l.left.Add(-1) < 0 {
			l.left.Add(1)
			_ = c.Close()
			continue
		}
		own := &counted{Conn: c, end: func() { l.left.Add(1) }}
		select {
		case l.streams <- own:
		case <-l.closed:
			_ = own.Close()
		}
	}
}

// Accept returns the next stream within the limit.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case c, ok := <-l.streams:
		if ok {
			return c, nil
		}
	case <-l.closed:
	}
	return nil, net.ErrClosed
}

// Close ends Accept.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the address of the session.
func (l *limited) Addr() net.Addr { return l.session.Addr() }

// counted is a stream with a place in the number of streams.
type counted struct {
	net.Conn
	end func()

	mu     sync.Mutex
	closed bool
}

// Read reads with the errors of package net. The HTTP server interrupts its Read after each request by a
// deadline, and TLS ends with any error that is not temporary: the stream would end with its request.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// past is a deadline that ends a Read at once.
var past = time.Unix(1, 0)

// Close closes the stream, and ends a Read, which would wait for the other end, now and later.
func (c *counted) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.end()
	}
	return errors.Join(c.Conn.Close(), c.Conn.SetReadDeadline(past))
}

// SetReadDeadline sets the time of a Read until the stream is closed: the HTTP server sets it for the
// handshake, perhaps after Close.
func (c *counted) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		at = past
	}
	return c.Conn.SetReadDeadline(at)
}

// SetDeadline sets the time of a Read, as SetReadDeadline does, and of a Write.
func (c *counted) SetDeadline(at time.Time) error {
	return errors.Join(c.SetReadDeadline(at), c.SetWriteDeadline(at))
}
