package agent

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

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

// held is a target whose requests wait.
type held struct{ begun, release chan struct{} }

func newHeld() held { return held{make(chan struct{}), make(chan struct{})} }

func (h held) serve(rw http.ResponseWriter, r *http.Request) {
	close(h.begun)
	select {
	case <-h.release:
	case <-r.Context().Done():
	}
	io.WriteString(rw, "text")
}

// TestStreamIsUsedAgain: a stream takes many requests, also slow ones, whose end interrupts a read.
func TestStreamIsUsedAgain(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, strings.Repeat("x", 32<<10)) })
	c := w.stream(t, w.session(t))
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	answers := bufio.NewReader(c)
	for n := range 50 {
		if _, err := io.WriteString(c, w.get("/items/a")); err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		_ = resp.Body.Close()
	}
}

// TestClosedStream: a Read of a closed stream ends, also when its deadline is set after that.
func TestClosedStream(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	ends := 0
	c := &counted{Conn: deaf{near}, end: func() { ends++ }}
	_ = c.Close()
	_ = c.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Hour))
	_ = c.SetDeadline(time.Now().Add(time.Hour))
	within(t, "a Read goes on", after(func() {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
	}))
	if ends != 1 {
		t.Errorf("its place was given back %d times", ends)
	}
	_ = near.Close()
}

// deaf is a connection whose Close does not end a Read.
type deaf struct{ net.Conn }

// Close does nothing.
func (deaf) Close() error { return nil }

// TestDrain: when the agent or the hub stops, a running request ends, no stream is accepted any more, and
// streams without a request delay nothing.
func TestDrain(t *testing.T) {
	for _, hub := range []bool{false, true} {
		target := newHeld()
		w := start(t, target.serve)
		s := w.session(t)
		defer w.stream(t, s).Close() // without a request
		var resp *http.Response
		answered := after(func() { resp, _ = w.raw(t, s, w.get("/items/a")) })
		<-target.begun
		var ended <-chan struct{}
		if hub {
			go s.Stop()
			ended = s.CloseChan()
		} else {
			ended = after(w.stop)
		}
		refused := false
		for range 1000 {
			c, err := s.OpenStream()
			if refused = err != nil && !s.IsClosed(); refused {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			_, _ = s.Ping()
		}
		if !refused {
			t.Error("the agent accepts streams")
		}
		close(target.release)
		within(t, "the request does not end", answered)
		if resp == nil || resp.StatusCode != 200 {
			t.Errorf("%v", resp)
		}
		within(t, "the agent does not end its session", ended)
	}
}

// TestDrainIsBounded: a request that does not end is cut.
func TestDrainIsBounded(t *testing.T) {
	target := newHeld()
	w := start(t, target.serve, func(a *Agent) { a.patience = 20 * time.Millisecond })
	s := w.session(t)
	answered := after(func() {
		if resp, _ := w.raw(t, s, w.get("/items/a")); resp != nil {
			t.Errorf("%v", resp)
		}
	})
	<-target.begun
	within(t, "the agent waits for the request", after(w.stop))
	within(t, "the request is not cut", answered)
}

func TestPauses(t *testing.T) {
	refusal := func(status int, code string) error { return &tunnel.RefusedError{Status: status, Code: code} }
	for name, c := range map[string]struct {
		err  error
		want []time.Duration
	}{
		"no hub":       {errors.New("x"), []time.Duration{250e6, 500e6, 1e9, 2e9, 4e9, 8e9, 16e9, 30e9, 30e9}},
		"401":          {refusal(401, tunnel.Unauthorized), []time.Duration{30e9, 60e9, 120e9, 240e9, 300e9, 300e9}},
		"403":          {refusal(403, ""), []time.Duration{30e9, 60e9}},
		"502":          {refusal(502, ""), []time.Duration{250e6, 500e6}},
		"stopping":     {refusal(503, tunnel.Stopping), []time.Duration{250e6, 500e6, 1e9, 1e9}},
		"a short life": {nil, []time.Duration{250e6, 500e6}},
	} {
		var b backoff
		for i, want := range c.want {
			if got, alarm := b.next(c.err, time.Second); got != want || alarm != "" {
				t.Errorf("%s, %d: %v %s", name, i, got, alarm)
			}
		}
		if got, _ := b.next(nil, time.Minute); got != firstPause {
			t.Errorf("%s: %v after a long session", name, got)
		}
	}
	var b backoff
	b.next(refusal(401, ""), 0)
	if got, _ := b.next(errors.New("x"), time.Minute); got != lastPause {
		t.Errorf("%v without a hub after a refusal", got)
	}
	for _, code := range []string{tunnel.AlreadyRunning, tunnel.OtherIdentity} {
		if _, alarm := b.next(refusal(409, code), 0); alarm != code {
			t.Errorf("%q", alarm)
		}
	}
	low, high := time.Hour, time.Duration(0)
	for range 1000 {
		d := jitter(time.Second)
		low, high = min(low, d), max(high, d)
	}
	if low < 0 || high > time.Second || low > 200*time.Millisecond || high < 800*time.Millisecond {
		t.Errorf("pauses from %v to %v are no random part of a second", low, high)
	}
}

// TestRefusedAgentIsSlower: the agent waits longer after 401, and comes back.
func TestRefusedAgentIsSlower(t *testing.T) {
	limits := make(chan time.Duration, 100)
	w := start(t, func(http.ResponseWriter, *http.Request) {}, func(a *Agent) {
		a.jitter = func(limit time.Duration) time.Duration { limits <- limit; return time.Millisecond }
	})
	s := w.session(t)
	w.refuse.Store(http.StatusUnauthorized)
	_ = s.Close()
	for _, want := range []time.Duration{firstPause, refusedPause, 2 * refusedPause} {
		if got := <-limits; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	w.refuse.Store(0)
	w.session(t)
}
