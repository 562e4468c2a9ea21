package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// Options configure a Server.
type Options struct {
	// Listen is a loopback address with a port; port 0 is a free one.
	Listen string
	// Page is what the page shows, in the words after "pipe", such as "preview". The name of the
	// cookie has it.
	Page string
	// Who is the person who gets the links.
	Who string
	// Idle is how long the server lasts without use; 0 means 30 minutes.
	Idle time.Duration
	Log  *slog.Logger // nil drops the lines
}

// Server has an address on this machine and the sessions of its browsers.
type Server struct {
	Guard *signin.Guard

	o        Options
	listener net.Listener
	codes    signin.Memory
}

// Listen opens the address. It returns a *fault.Invalid when other machines would reach it, or when
// it cannot be opened. The caller closes the server.
func Listen(ctx context.Context, o Options) (*Server, error) {
	if err := onLoopback(o); err != nil {
		return nil, err
	}
	o.Idle = cmp.Or(o.Idle, 30*time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &fault.Invalid{Reason: "--listen " + o.Listen + ": another program uses the port",
			Remedy: "name another one, or leave --listen out for a free one"}
	}
	if err != nil {
		return nil, &fault.Invalid{Reason: "--listen: " + err.Error(), Remedy: "leave --listen out for a free port"}
	}
	s := &Server{o: o, listener: l}
	s.Guard = signin.NewGuard(signin.Options{
		Origins: []string{"http://" + s.Address()}, Codes: &s.codes,
		Person: func(name string) *signin.Principal { return &signin.Principal{Name: name, Person: true} },
		Cookie: fmt.Sprintf("pipe-%s-%d", o.Page, l.Addr().(*net.TCPAddr).Port), // cookies are not separate by port
		Idle:   o.Idle,
	})
	return s, nil
}

// onLoopback refuses an address that other machines reach.
func onLoopback(o Options) error {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return &fault.Invalid{Reason: fmt.Sprintf("--listen %s is not an address", o.Listen),
			Remedy: "write 127.0.0.1:7979"}
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return &fault.Invalid{Reason: "--listen " + o.Listen + ": pipe " + o.Page +
			" shows private texts, so it is served to this machine alone", Remedy: "write 127.0.0.1:7979, or [::1]:7979"}
	}
	return nil
}

// Address returns the host and port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Link returns a new link, which signs a browser in once, within signin.LinkTime.
func (s *Server) Link() string { return s.Guard.Link(s.codes.Issue(s.o.Who)) }

// Close releases the address.
func (s *Server) Close() error { return s.listener.Close() }

// Handler returns a handler that makes the checks of Guard and passes only requests of browsers that
// are signed in.
func (s *Server) Handler(pages http.Handler) http.Handler {
	return s.Guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Guard.Session(r) == nil {
			http.Error(w, "Open the link that pipe "+s.o.Page+" printed: it works once, within five minutes.",
				http.StatusUnauthorized)
			return
		}
		pages.ServeHTTP(w, r)
	}))
}

// Serve serves pages until ctx ends or they have not been used for Options.Idle; then unused is
// true. ready is called when links can be opened; its error ends the server.
func (s *Server) Serve(ctx context.Context, pages http.Handler, ready func() error) (unused bool, err error) {
	server := &http.Server{
		Handler:           s.Handler(pages),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.listener) }()
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(ending) != nil {
			server.Close()
		}
	}()
	if err := ready(); err != nil {
		return false, err
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		waitUnused(ctx, s.o.Idle, s.Guard.LastUsed)
	}()
	select {
	case err := <-failed:
		return false, fmt.Errorf("serve the page: %w", err)
	case <-over:
		return ctx.Err() == nil, nil
	}
}

// waitUnused returns when nothing was used for a time, or ctx ends. lastUsed returns the zero
// time before the first use.
func waitUnused(ctx context.Context, limit time.Duration, lastUsed func() time.Time) {
	last := time.Now()
	for {
		if used := lastUsed(); used.After(last) {
			last = used
		}
		left := time.Until(last.Add(limit))
		if left <= 0 {
			return
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return
		}
	}
}
