package tunnel

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hub is a hub on connections in memory.
type hub struct {
	conns  chan net.Conn
	closed chan struct{}
	silent atomic.Bool // packets from here on are lost
}

func (h *hub) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}
func (h *hub) Close() error   { close(h.closed); return nil }
func (h *hub) Addr() net.Addr { return &net.UnixAddr{} }

// lossy is a connection whose packets may be lost.
type lossy struct {
	net.Conn
	hub *hub
}

func (l lossy) Write(b []byte) (int, error) {
	if l.hub.silent.Load() {
		return len(b), nil
	}
	return l.Conn.Write(b)
}

// dialled calls a function with a connection to a hub. Its time is not real.
func dialled(t *testing.T, do func(h *hub, c net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		h := &hub{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := Accept(w, r)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_, _ = io.Copy(io.Discard, c) // until the connection is closed
		})}
		go func() { _ = server.Serve(h) }()
		send := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			h.conns <- far
			return lossy{near, h}, nil
		}}
		c, err := Dial(t.Context(), send, "http://hub/", http.Header{})
		if err != nil {
			t.Fatal(err)
		}
		do(h, c)
		_ = c.Close()
		send.CloseIdleConnections()
		_ = server.Close()
	})
}

// TestSilence: a connection to a hub that says nothing more ends within half a minute.
func TestSilence(t *testing.T) {
	dialled(t, func(h *hub, c net.Conn) {
		h.silent.Store(true)
		began := time.Now()
		_, err := c.Read(make([]byte, 1))
		if took := time.Since(began); err == nil || took > 30*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// TestQuiet: a hub that answers and has nothing to say, and a program that does not read, are not silent.
func TestQuiet(t *testing.T) {
	dialled(t, func(_ *hub, c net.Conn) {
		time.Sleep(10 * time.Minute)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Error("not read:", err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		time.Sleep(10 * time.Minute)
		select {
		case err := <-ended:
			t.Error("quiet:", err)
		default:
		}
		_ = c.Close()
		<-ended
	})
}

// TestDialSilence: a hub that accepts a connection and does not answer is given up within half a minute.
func TestDialSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var far net.Conn
		send := &http.Transport{DialContext: func(context.Context, string, string) (near net.Conn, err error) {
			near, far = net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			return near, nil
		}}
		began := time.Now()
		_, err := Dial(t.Context(), send, "http://hub/", http.Header{})
		if took := time.Since(began); err == nil || took > 30*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		far.Close()
	})
}
