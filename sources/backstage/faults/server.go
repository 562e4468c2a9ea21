package faults

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// Server is a sandbox server with faults. Its methods may be called from many
// goroutines.
type Server struct {
	*sandbox.Server

	mu     sync.Mutex
	faults []*Fault
}

// Start starts a server without faults. It sets o.Intercept.
func Start(o sandbox.Options) (*Server, error) {
	s := &Server{}
	o.Intercept = s.intercept
	var err error
	s.Server, err = sandbox.Start(o)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Fail adds faults; they act from the next request on.
func (s *Server) Fail(list ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range list {
		if f.Times == 0 {
			f.Times = -1
		}
		s.faults = append(s.faults, &f)
	}
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// meet is the fault that acts on the request, nil when none does.
func (s *Server) meet(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	filters, page := sandbox.ReadOf(r)
	for _, f := range s.faults {
		if f.Times != 0 && f.meets(r, filters, page) {
			f.Times-- // a negative count never reaches 0
			met := *f
			return &met
		}
	}
	return nil
}

// intercept is the sandbox.Interceptor of the server.
func (s *Server) intercept(w http.ResponseWriter, r *http.Request,
	serve func(http.ResponseWriter, *http.Request, sandbox.Changes)) {
	f := s.meet(r)
	if f == nil {
		serve(w, r, sandbox.Changes{})
		return
	}
	if !wait(r.Context(), f.Delay) {
		panic(http.ErrAbortHandler)
	}
	if f.answer(w, r) {
		return
	}
	if f.Cut == 0 && f.Truncate == 0 {
		serve(w, r, f.changes())
		return
	}
	r.Header.Del("Accept-Encoding") // lengths are of the text
	whole := &recorder{ResponseWriter: w, status: http.StatusOK}
	serve(whole, r, f.changes())
	f.spoil(w, whole)
}

// spoil sends a part of an answer.
func (f *Fault) spoil(w http.ResponseWriter, whole *recorder) {
	text := whole.body.Bytes()
	if f.Truncate > 0 {
		text = text[:min(f.Truncate, len(text))]
	}
	w.WriteHeader(whole.status)
	if f.Cut > 0 {
		_, _ = w.Write(text[:min(f.Cut, len(text))])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(text)
}

// recorder keeps an answer; its headers go to the ResponseWriter.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int)         { r.status = status }
func (r *recorder) Write(text []byte) (int, error) { return r.body.Write(text) }

// answer answers the request in place of the server; false leaves it to the server.
func (f *Fault) answer(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Body != nil:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(f.Body)
	case f.Redirect != "":
		w.Header().Set("Location", f.Redirect)
		w.WriteHeader(http.StatusFound)
	case f.HTML, f.Status == http.StatusBadGateway, f.Status == http.StatusGatewayTimeout:
		// A gateway in front of Backstage answers with its own page.
		status, title := f.Status, "Sign in to continue"
		if status == 0 {
			status = http.StatusOK
		} else if !f.HTML {
			title = http.StatusText(status)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html><head><title>%s</title></head><body></body></html>\n", title)
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		sandbox.WriteError(w, r, f.Status)
	default:
		return false
	}
	return true
}

// wait reports whether the client is still there after a delay.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
