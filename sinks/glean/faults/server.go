package faults

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// Server is a sandbox server with faults. Its methods may be called from many
// goroutines.
type Server struct {
	*sandbox.Server

	mu     sync.Mutex
	faults []*fault
	late   []*arrival
}

// fault is a Fault with the number of requests that it matched.
type fault struct {
	Fault
	seen int
}

// arrival is a request that takes effect later.
type arrival struct {
	after      int // further requests
	takeEffect func() sandbox.Answer
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

// Fail adds a fault.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{Fault: f})
}

// Heal removes all faults and all delayed requests.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.late = nil
}

// intercept is the sandbox.Interceptor of the server.
func (s *Server) intercept(r *http.Request, body []byte, answer func() sandbox.Answer) sandbox.Answer {
	f := s.faultFor(r.URL.Path, body)
	f.wait(r.Context())
	a, replaced := f.replace()
	if !replaced || f.TakesEffect {
		own := answer()
		if f != nil && f.Twice {
			own = answer()
		}
		if !replaced {
			a = own
			f.spoil(&a)
		}
	}
	s.delay(f, answer)
	s.arrive()
	return a
}

func (s *Server) faultFor(path string, body []byte) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if !strings.HasSuffix(path, f.Path) || !f.Page.matches(body) || f.Match != nil && !f.Match(body) {
			continue
		}
		f.seen++
		if f.seen > f.After && (f.Times == 0 || f.seen <= f.After+f.Times) {
			return &f.Fault
		}
	}
	return nil
}

// delay keeps a request that a fault lets take effect late.
func (s *Server) delay(f *Fault, answer func() sandbox.Answer) {
	if f == nil || f.Late == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, &arrival{after: f.Late + 1, takeEffect: answer})
}

// arrive applies the delayed requests that are due after one more request.
func (s *Server) arrive() {
	s.mu.Lock()
	var due []*arrival
	s.late = slices.DeleteFunc(s.late, func(a *arrival) bool {
		if a.after--; a.after > 0 {
			return false
		}
		due = append(due, a)
		return true
	})
	s.mu.Unlock()
	for _, a := range due {
		a.takeEffect()
	}
}
