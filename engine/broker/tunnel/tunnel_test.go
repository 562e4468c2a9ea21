package tunnel

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns both ends of a WebSocket connection over TLS.
func pair(t *testing.T) (dialed, accepted net.Conn) {
	t.Helper()
	got, ended := make(chan net.Conn, 1), make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r)
		if err != nil {
			t.Error(err)
		}
		got <- c
		<-ended
	}))
	c, err := Dial(t.Context(), server.Client().Transport, server.URL, http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	other := <-got
	t.Cleanup(func() {
		_ = c.Close()
		_ = other.Close()
		close(ended)
		server.Close()
	})
	return c, other
}

func within(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(4 * time.Second):
		t.Error(what)
	}
}

func after(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return done
}

// TestFinishDoesNotWaitLong: an end that does not read holds up no relay.
func TestFinishDoesNotWaitLong(t *testing.T) {
	_, accepted := pair(t)
	within(t, "Finish waits for an end that does not read", after(func() { Finish(accepted) }))
}

func TestFinishLosesNothing(t *testing.T) {
	dialed, accepted := pair(t)
	want := 4 << 20
	go func() {
		_, _ = accepted.Write(make([]byte, want))
		Finish(accepted)
	}()
	if n, err := io.Copy(io.Discard, dialed); n != int64(want) || err != nil {
		t.Errorf("%d of %d bytes, %v", n, want, err)
	}
}

// TestSilenceIsNoticed: each end notices that the other one does not answer any more.
func TestSilenceIsNoticed(t *testing.T) {
	const short = 20 * time.Millisecond
	for name, begin := range map[string]func(net.Conn, time.Duration) (*Session, error){"hub": open, "agent": serve} {
		own, other := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, other) }() // takes everything and answers nothing
		s, err := begin(own, short)
		if err != nil {
			t.Fatal(err)
		}
		within(t, name+": the session goes on", s.CloseChan())
		_ = s.Close()
		_ = other.Close()
	}
	dialed, _ := pair(t) // which does not read, and so answers no ping
	own, ok := dialed.(*conn)
	if !ok {
		t.Fatalf("%T", dialed)
	}
	go own.watch(t.Context(), short)
	within(t, "pipeline: the stream goes on", after(func() { _, _ = dialed.Read(make([]byte, 1)) }))
}

// TestSilenceIsNoticedInTime holds the bound of the documentation.
func TestSilenceIsNoticedInTime(t *testing.T) {
	const bound = 30 * time.Second
	s := settings(silence)
	if !s.EnableKeepAlive || s.KeepAliveInterval+2*s.ConnectionWriteTimeout > bound || 3*silence > bound {
		t.Errorf("a pause of %v, %v to send and %v for the answer are more than %v", s.KeepAliveInterval,
			s.ConnectionWriteTimeout, s.ConnectionWriteTimeout, bound)
	}
}

// sessions returns both ends of a session.
func sessions(t *testing.T) (hub, agent *Session) {
	t.Helper()
	dialed, accepted := pair(t)
	hub, err := Open(accepted)
	if err != nil {
		t.Fatal(err)
	}
	agent, err = Serve(dialed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = agent.Close()
		_ = hub.Close()
	})
	return hub, agent
}

func TestStopIsHeard(t *testing.T) {
	hub, agent := sessions(t)
	stopping := agent.Stopping()
	select {
	case <-stopping:
		t.Error("stopping before it was said")
	default:
	}
	within(t, "Stop does not return", after(hub.Stop))
	within(t, "the agent does not hear it", stopping)

	hub, agent = sessions(t)
	stopping = agent.Stopping()
	_ = hub.Close()
	within(t, "Stop waits for a session that has ended", after(hub.Stop))
	<-agent.CloseChan()
	select {
	case <-stopping:
		t.Error("an end that was not announced counts as one")
	default:
	}
}

// TestUnreadStreamIsBounded: of 200 MB that are not read, no more than the window is taken, and other
// streams go on.
func TestUnreadStreamIsBounded(t *testing.T) {
	const window, large = 256 << 10, 200 << 20
	hub, agent := sessions(t)
	var taken atomic.Int64
	full := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			c, err := agent.Accept()
			if err != nil {
				return
			}
			if n > 0 {
				go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
				continue
			}
			go func() {
				part := make([]byte, 16<<10)
				for taken.Load() < large {
					if taken.Load() == window {
						close(full)
					}
					if _, err := c.Write(part); err != nil {
						return
					}
					taken.Add(int64(len(part)))
				}
			}()
		}
	}()
	unread, err := hub.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	defer unread.Close()
	within(t, "the window is not filled", full)
	for range 50 {
		c, err := hub.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		sent := make([]byte, 64<<10)
		go func() { _, _ = c.Write(sent) }()
		if _, err := io.ReadFull(c, sent); err != nil {
			t.Fatalf("another stream is blocked: %v", err)
		}
		_ = c.Close()
	}
	if n := taken.Load(); n > window {
		t.Errorf("%d bytes were taken, the window has %d", n, window)
	}
}
