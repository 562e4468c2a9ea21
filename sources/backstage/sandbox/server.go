package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// idle is when Node closes an unused connection; clients have to cope.
const idle = 5 * time.Second

// Options define what to serve and how.
type Options struct {
	Entities [][]byte              // raw JSON objects, served as they are
	Sites    map[string][]byte     // files of TechDocs, by namespace/kind/name/path
	Token    string                // the required bearer token; "" for none
	Prefix   string                // a path before /api/catalog, such as /backstage
	Version  string                // the Backstage release to behave like, "1.12" and up; "" is 1.55
	Latency  time.Duration         // waited before each answer
	Observe  func(r *http.Request) // sees each request first, its body readable; called concurrently
	// Intercept answers each request, from many goroutines; nil: the server does.
	Intercept Interceptor
}

// Server serves a catalog until Close. Its methods are safe to call at any
// time, also while a client reads.
type Server struct {
	options Options
	release release
	url     string
	http    *http.Server
	served  chan struct{}

	token   atomic.Pointer[string]
	catalog atomic.Pointer[catalog]
	sites   atomic.Pointer[map[string][]byte]
	change  sync.Mutex // held while the catalog or the sites are exchanged
}

// Start listens on a free port of 127.0.0.1 and returns immediately.
func Start(o Options) (*Server, error) {
	rel, err := parseRelease(o.Version)
	if err != nil {
		return nil, err
	}
	c, err := newCatalog(o.Entities, rel)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the Backstage sandbox: %w", err)
	}
	o.Prefix = strings.TrimRight(o.Prefix, "/")
	s := &Server{options: o, release: rel, url: "http://" + l.Addr().String() + o.Prefix, served: make(chan struct{})}
	s.catalog.Store(c)
	s.sites.Store(&o.Sites)
	s.token.Store(&o.Token)
	s.http = &http.Server{Handler: s.handler(), IdleTimeout: idle, ReadHeaderTimeout: idle}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // always http.ErrServerClosed, after Close
	}()
	return s, nil
}

// URL is the base URL, prefix included and without a slash at its end: what
// BACKSTAGE_BASE_URL holds.
func (s *Server) URL() string { return s.url }

// Close cuts all connections and frees the port.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.served
	return err
}

// SetToken changes the required token, as when one has expired.
func (s *Server) SetToken(token string) { s.token.Store(&token) }

// Replace replaces the whole catalog.
func (s *Server) Replace(entities [][]byte) error {
	s.change.Lock()
	defer s.change.Unlock()
	c, err := newCatalog(entities, s.release)
	if err != nil {
		return err
	}
	s.catalog.Store(c)
	return nil
}

// Put adds entities, or replaces those with the same ref. Relations of other entities stay
// unchanged.
func (s *Server) Put(entities ...[]byte) error {
	s.change.Lock()
	defer s.change.Unlock()
	c, err := s.catalog.Load().with(entities, s.release)
	if err != nil {
		return err
	}
	s.catalog.Store(c)
	return nil
}

// Remove removes entities by ref, in any case; unknown refs are ignored.
func (s *Server) Remove(refs ...string) {
	s.change.Lock()
	defer s.change.Unlock()
	s.catalog.Store(s.catalog.Load().without(refs))
}

func (s *Server) handler() http.Handler {
	base := s.options.Prefix + "/api/catalog"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/entities/by-query", s.byQuery)
	mux.HandleFunc("POST "+base+"/entities/by-refs", s.byRefs)
	mux.HandleFunc("GET "+base+"/entities/by-name/{kind}/{namespace}/{name}", s.byName)
	mux.HandleFunc("GET "+base+"/entity-facets", s.facets)
	mux.HandleFunc("GET "+s.options.Prefix+"/api/techdocs/static/docs/{path...}", s.staticDocs)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Keep-Alive", "timeout=5")
		if err := s.receive(r); err != nil {
			invalid("%s", err).write(w, r)
			return
		}
		if pause(r.Context(), s.options.Latency) != nil {
			panic(http.ErrAbortHandler)
		}
		serve := func(w http.ResponseWriter, r *http.Request, c Changes) {
			if p, ok := s.admit(r); !ok {
				p.write(w, r)
				return
			}
			mux.ServeHTTP(w, r.WithContext(withChanges(r.Context(), c)))
		}
		if s.options.Intercept != nil {
			s.options.Intercept(w, r, serve)
			return
		}
		serve(w, r, Changes{})
	})
}

// maxBody is the real server's limit of a body.
const maxBody = 100 << 10

// receive buffers the body for both Observe and the handler.
func (s *Server) receive(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if s.options.Observe != nil {
		s.options.Observe(r)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if err == nil && len(body) > maxBody {
		err = errors.New("request entity too large")
	}
	return err
}

// admit checks the token as Backstage does: a scheme other than Bearer counts
// as no credentials at all.
func (s *Server) admit(r *http.Request) (problem, bool) {
	want := *s.token.Load()
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case want == "":
		return problem{}, true
	case !strings.EqualFold(scheme, "bearer"):
		return problem{status: http.StatusUnauthorized, name: "AuthenticationError", message: "Missing credentials"}, false
	case got != want:
		return problemFor(http.StatusUnauthorized), false
	}
	return problem{}, true
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
