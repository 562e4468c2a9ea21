package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/api"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/pages"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// Web is a server on an address.
type Web struct {
	Guard *signin.Guard

	server   *serve.Server
	tokens   *signin.Tokens
	openID   *signin.OpenID // nil when there is none
	metrics  Metrics
	listener net.Listener
	proxies  []netip.Prefix
	http     *http.Server
	stopping atomic.Bool
}

// The limits of a connection: a slow or idle one does not stay.
const (
	headerTime = 10 * time.Second
	readTime   = time.Minute
	writeTime  = 2 * time.Minute
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
)

// Metrics writes the metrics of the pipelines that a token may view.
type Metrics interface {
	Write(w http.ResponseWriter, r *http.Request, may func(pipeline string) bool)
}

// Listen opens the address and the tokens file. It returns a *fault.Invalid when the server must
// not listen like this or cannot, a *signin.FileError when the file of the OpenID provider is
// wrong, and a *fault.StateError when this file, the tokens file or that of the secret for webhooks
// cannot be used.
func Listen(server *serve.Server, o Options, secrets *redact.Redactor, m Metrics, version string) (
	*Web, error,
) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	w := &Web{server: server, metrics: m}
	w.proxies, _ = o.proxies() // checked
	var err error
	if w.tokens, err = signin.OpenTokens(signin.TokensPath(serve.Folder(server.State())), server.Now); err != nil {
		return nil, err
	}
	var hooks *signin.Webhooks
	if o.WebhookSecretFile != "" {
		if hooks, err = signin.OpenWebhooks(o.WebhookSecretFile); err != nil {
			return nil, err
		}
	}
	if o.OpenIDFile != "" {
		if w.openID, err = openID(server, o, secrets, version); err != nil {
			return nil, err
		}
	}
	var certificate *connection.KeyPair
	if o.CertFile != "" {
		if certificate, err = connection.LoadKeyPair(o.pair()); err != nil {
			return nil, invalid(err.Error(), "check the file")
		}
	}
	if w.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, invalid(fmt.Sprintf("%s cannot be opened: %v", o.Listen, err),
			"end the program that uses the port, or choose another one with --listen")
	}
	answers := api.New(server, w.tokens, hooks, w.client)
	people := w.people(o, secrets, version)
	w.http = &http.Server{
		Handler:           w.handler(answers, people),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(server.Log().Handler(), slog.LevelWarn),
	}
	if certificate != nil {
		w.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.Current(), nil }}
	}
	return w, nil
}

// openID reads the file of the OpenID provider.
func openID(server *serve.Server, o Options, secrets *redact.Redactor, version string) (*signin.OpenID, error) {
	p, err := signin.OpenOpenID(o.OpenIDFile, signin.OpenIDOptions{Lookup: o.Lookup, Secrets: secrets,
		Log: server.Log(), Now: time.Now, UserAgent: "pipe/" + version})
	if err != nil {
		return nil, err
	}
	for _, name := range p.Pipelines() {
		if server.Pipeline(name) == nil {
			server.Log().Warn("a grant is for a pipeline that this server does not run", "file", o.OpenIDFile,
				"pipeline", name)
		}
	}
	return p, nil
}

// people returns the handler of the pages.
func (w *Web) people(o Options, secrets *redact.Redactor, version string) http.Handler {
	var site *pages.Pages
	act := func(ctx context.Context, who, action, detail string) error {
		return w.server.History.Act(ctx, history.Action{At: w.server.Now(), Who: who, Action: action, Detail: detail})
	}
	origins := o.origins(w.listener.Addr())
	w.Guard = signin.NewGuard(signin.Options{
		Origins: origins, Cookie: cookieName(origins[0]), Now: w.server.Now, Log: w.server.Log(),
		Codes: codes{w.server}, Person: operator, Tokens: w.tokens, OpenID: w.openID, SignOuts: w.server.History,
		Client: w.client,
		SignedIn: func(ctx context.Context, who *signin.Principal, how string) error {
			return act(ctx, who.Name, "sign in", how)
		},
		Denied: func(ctx context.Context, name, reason string) {
			if err := act(ctx, name, "sign-in refused", reason); err != nil {
				w.server.Log().Error("a refused sign-in is not in the audit log", "error", err)
			}
		},
		Refused: func(rw http.ResponseWriter, r *http.Request, status int, text string) {
			site.Refuse(rw, r, status, text)
		},
	})
	site = pages.New(w.server, w.Guard, secrets, version)
	return w.Guard.Protect(site)
}

// cookieName returns the name of the cookie of sessions: browsers send the cookies of all servers of
// a host to each of them, whatever the port.
func cookieName(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return "pipe"
	}
	return "pipe-" + cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}

// client returns the address from which a request comes: behind a proxy, the one that the proxy
// has added to X-Forwarded-For.
func (w *Web) client(r *http.Request) string {
	if len(w.proxies) == 0 {
		return signin.Client(r)
	}
	all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if last := strings.TrimSpace(all[len(all)-1]); last != "" {
		return signin.Network(last)
	}
	return signin.Client(r)
}

// operator is the principal of a person with a link: a person who may use the machine of the
// server, and so may do everything.
func operator(name string) *signin.Principal {
	return &signin.Principal{Name: name, Person: true, Grants: []signin.Grant{{
		Roles:     []signin.Role{signin.Approve, signin.Trigger},
		Pipelines: []string{signin.AllPipelines},
	}}}
}

// codes are the codes of links in the history.
type codes struct{ server *serve.Server }

func (c codes) Take(ctx context.Context, code string) (string, error) {
	person, err := c.server.History.TakeLink(ctx, code, time.Now())
	if errors.Is(err, history.ErrNotFound) {
		err = signin.ErrUnknownCode
	}
	return person, err
}

// handler separates health, API and pages.
func (w *Web) handler(answers, people http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/healthz":
			word(rw, http.StatusOK, "ok")
		case r.URL.Path == "/readyz":
			w.ready(rw, r)
		case !w.fromProxy(r):
			word(rw, http.StatusForbidden, "forbidden")
		case r.URL.Path == api.Prefix || strings.HasPrefix(r.URL.Path, api.Prefix+"/"):
			rw.Header().Set("Cache-Control", "no-store")
			rw.Header().Set("X-Content-Type-Options", "nosniff")
			if !w.Guard.KnownHost(r) {
				word(rw, http.StatusMisdirectedRequest, "unknown host")
				return
			}
			answers.ServeHTTP(rw, r)
		case r.URL.Path == "/metrics":
			w.writeMetrics(rw, r)
		default:
			people.ServeHTTP(rw, r)
		}
	})
}

// writeMetrics answers a token with the metrics of the pipelines that it may view.
func (w *Web) writeMetrics(rw http.ResponseWriter, r *http.Request) {
	who := w.tokens.Sender(r)
	switch {
	case !w.Guard.KnownHost(r):
		word(rw, http.StatusMisdirectedRequest, "unknown host")
	case who == nil:
		rw.Header().Set("WWW-Authenticate", "Bearer")
		word(rw, http.StatusUnauthorized, "unauthorized")
	default:
		w.metrics.Write(rw, r, func(pipeline string) bool { return who.May(signin.View, pipeline) })
	}
}

// fromProxy reports whether a request comes from a proxy, where there are some.
func (w *Web) fromProxy(r *http.Request) bool {
	if len(w.proxies) == 0 {
		return true
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(w.proxies, func(p netip.Prefix) bool {
		return p.Contains(from.Addr().Unmap())
	})
}

func (w *Web) ready(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	switch {
	case w.stopping.Load():
		word(rw, http.StatusServiceUnavailable, "stopping")
	case w.tokens.Err() != nil || w.server.History.Check(ctx) != nil:
		word(rw, http.StatusServiceUnavailable, "failing")
	default:
		word(rw, http.StatusOK, "ready")
	}
}

func word(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// Addr returns the host and port on which the server listens.
func (w *Web) Addr() string { return w.listener.Addr().String() }

// Origin returns the address of the server for people.
func (w *Web) Origin() string { return w.Guard.Origin() }

// graceTime is how long requests may go on when the server ends.
const graceTime = 10 * time.Second

// Serve answers requests until stop is closed.
func (w *Web) Serve(stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(context.Background())
	var checks sync.WaitGroup
	defer checks.Wait()
	defer cancel()
	if w.openID != nil {
		checks.Go(func() { w.openID.Check(ctx) })
	}
	ended := make(chan error, 1)
	go func() {
		if w.http.TLSConfig != nil {
			ended <- w.http.ServeTLS(w.listener, "", "")
			return
		}
		ended <- w.http.Serve(w.listener)
	}()
	select {
	case err := <-ended:
		return fault.Errorf(fault.Transient, "start the server again", "the server stopped to listen: %w", err)
	case <-stop:
	}
	w.stopping.Store(true)
	ending, cancelEnding := context.WithTimeout(context.Background(), graceTime)
	defer cancelEnding()
	if err := w.http.Shutdown(ending); err != nil {
		return w.http.Close()
	}
	return nil
}

// Close releases the address of a server that Serve was not called for.
func (w *Web) Close() error { return w.listener.Close() }
