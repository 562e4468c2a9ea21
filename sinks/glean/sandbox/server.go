package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// DefaultMaxPage is the largest request body that is accepted, in bytes, where
// Options.MaxPage is 0.
const DefaultMaxPage = 10 << 20

// Options configure a server; the zero value is a server without datasources that accepts
// every token.
type Options struct {
	Token       string                 // the bearer token that is accepted; "": any
	TokenPeriod time.Duration          // within which the token has to be rotated; 0: it cannot be
	Datasources []api.DatasourceConfig // known from the start
	Visibility  string                 // of every datasource; "": ENABLED_FOR_ALL, or NOT_ENABLED for a test datasource
	MaxPage     int                    // bytes of a request body; more is refused with 413
	Rules       Rules
	Now         func() time.Time // nil: time.Now
	Observe     func(Exchange)   // sees every request with its answer, from many goroutines; may be nil
	Intercept   Interceptor      // decides each answer, from many goroutines; nil: the server's own is sent
}

// Exchange is a request and its answer. The slices must not be changed.
type Exchange struct {
	Method, Path, ContentType string
	Body                      []byte
	Status                    int
	AnswerType                string
	Answer                    []byte
}

// Server is a running index server. Its methods may be called from many
// goroutines.
type Server struct {
	options  Options
	url      string
	http     *http.Server
	requests sync.WaitGroup // added to only under mu and before closed

	mu           sync.Mutex
	closed       bool
	sources      map[string]*source // by lower-case name
	token        token
	processedAll time.Time // when all datasources were processed last
}

// Start listens on a free port of 127.0.0.1.
func Start(o Options) (*Server, error) {
	s := &Server{options: o, sources: map[string]*source{}}
	if s.options.Now == nil {
		s.options.Now = time.Now
	}
	if s.options.MaxPage == 0 {
		s.options.MaxPage = DefaultMaxPage
	}
	s.token = token{secret: o.Token, since: s.options.Now(), rotatable: o.TokenPeriod}
	for _, c := range o.Datasources {
		if err := s.configure(c); err != nil {
			return nil, fmt.Errorf("datasource %q: %w", c.Name, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute}
	s.requests.Add(1)
	go func() {
		defer s.requests.Done()
		_ = s.http.Serve(l) // ends with ErrServerClosed, after Close
	}()
	return s, nil
}

// URL is the server's address, without a slash at the end.
func (s *Server) URL() string { return s.url }

// Close ends every connection and waits for the requests in work.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = s.http.Close() // the listener's error is of no use
	s.requests.Wait()
}

// Handler returns the server's handler, for use behind another listener; Close waits for
// those requests, too.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// enter counts a request in; false after Close.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.requests.Add(1)
	return true
}
