package connection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Connection sends the requests of one component to one origin. It is safe for
// concurrent use.
type Connection struct {
	s           Settings
	base        *url.URL
	timeout     time.Duration
	maxResponse int64
	retry       fault.Retry
	limiter     *rate.Limiter
	auth        *auth.List
	redactor    *redact.Redactor
	transport   transports
	proxy       *proxyChoice            // nil for none
	certificate *KeyPair                // nil for none
	source      *atomic.Pointer[string] // the address of this machine that was used last
	warnings    []string
	expected    *atomic.Int64 // bytes of the last answer
	compress    string        // Config.Compress
	distance    *distance
	circuit     *circuit
	deprecated  *deprecations
	wait        func(context.Context, time.Duration) error
}

// New checks the configuration, reads the TLS files and logs the warnings; it
// opens no connection. Its errors name the field.
func New(cfg Config, s Settings) (*Connection, error) {
	c := &Connection{s: s, redactor: s.Redactor, retry: s.Retry, timeout: time.Duration(cfg.Timeout),
		maxResponse: int64(cfg.MaxResponse), wait: sleep,
		expected: &atomic.Int64{}, source: &atomic.Pointer[string]{}, deprecated: &deprecations{}, compress: cfg.Compress,
		distance: &distance{}}
	if c.redactor == nil {
		c.redactor = &redact.Redactor{}
	}
	if c.s.Log == nil {
		c.s.Log = slog.New(slog.DiscardHandler)
	}
	if c.s.ContentType == "" {
		c.s.ContentType = "application/json"
	}
	c.bound(cfg.Retries)
	c.circuit = newCircuit(c.retry.Attempts)
	if err := c.build(cfg); err != nil {
		return nil, fault.Errorf(fault.Fatal, fault.RemedyOf(err), "%s: %w", s.Name, err)
	}
	for _, w := range c.warnings {
		c.s.Log.Warn(w)
	}
	return c, nil
}

// bound fills what was left open and lets the user's bounds win.
func (c *Connection) bound(user Retries) {
	if c.retry == (fault.Retry{}) {
		c.retry = fault.DefaultRetry()
	}
	if user.Attempts > 0 {
		c.retry.Attempts = user.Attempts
	}
	if user.Within > 0 {
		c.retry.Within = time.Duration(user.Within)
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.maxResponse <= 0 {
		c.maxResponse = defaultMaxResponse
	}
	if c.s.Rate > 0 {
		c.limiter = rate.NewLimiter(rate.Limit(c.s.Rate), max(1, c.s.Burst))
	}
}

func (c *Connection) build(cfg Config) (err error) {
	if c.s.Allow == nil {
		return errors.New("Settings.Allow is required")
	}
	if err := cfg.problems(); err != nil {
		return err
	}
	if c.base, err = parseBase(c.s.URL); err != nil {
		return err
	}
	if err = c.newTransports(cfg); err != nil {
		return err
	}
	c.auth, err = auth.New(auth.Settings{Token: c.s.Token, Headers: cfg.Headers, Layers: cfg.Auth, Origin: c.base,
		Fetch: fetcher{c, c.transport.fetch}, Cloud: fetcher{c, c.transport.cloud},
		CloudTransport: c.transport.cloud, Redactor: c.redactor, Log: c.s.Log})
	if err != nil {
		return err
	}
	return c.refusePlain(cfg.InsecureHTTP)
}

// Renew obtains the credentials anew, and reads those of files again.
func (c *Connection) Renew(ctx context.Context) error {
	_, err := c.auth.Renew(ctx, nil)
	return err
}

// parseBase reads the base address. Its errors do not repeat the address, which
// may hold a password.
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, errors.New("the address is empty")
	case err != nil:
		return nil, errors.New("the address is not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Hostname() == "":
		return nil, errors.New("the address does not start with http:// or https:// and a host")
	case auth.IsMetadata(u.Hostname()):
		return nil, fault.Errorf(
			fault.Fatal,
			"write the address of the server",
			"the address is link-local, where cloud "+
				"metadata servers are",
		)
	case u.User != nil:
		return nil,
			fault.Errorf(fault.Fatal, "put credentials under token or headers", "the address contains a user "+
				"name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the address has a query or fragment")
	case !isClean(u.Path) && u.Path != "":
		return nil, fmt.Errorf("the address's path %q has empty or dot segments", u.Path)
	}
	return u, nil
}

// Warnings are the sentences about this connection that a person should read
// on every run, each once. New has logged them.
func (c *Connection) Warnings() []string { return slices.Clone(c.warnings) }

// Allowing returns a connection that allows the requests of allow instead of those
// of Settings.Allow. It shares everything else with c, such as the rate and the
// credentials; closing either closes both.
func (c *Connection) Allowing(allow func(method, path string) bool) *Connection {
	out := *c
	out.s.Allow = allow
	return &out
}

// Close closes idle connections. Requests under way go on.
func (c *Connection) Close() {
	for _, t := range []*http.Transport{c.transport.origin, c.transport.fetch, c.transport.cloud} {
		t.CloseIdleConnections()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil || d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
