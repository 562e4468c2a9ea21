package connection

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// The steps of Diagnose, in their order.
const (
	stepWay         = "broker" // instead of name, connect and proxy
	stepName        = "name"
	stepConnect     = "connect"
	stepProxy       = "proxy"
	stepTLS         = "tls"
	stepCertificate = "client cert"
)

// Diagnose goes to the server step by step and sends no request: name resolution, connection,
// proxy, TLS, client certificate, and each layer of auth. Those after the first that
// failed are skipped.
func (c *Connection) Diagnose(ctx context.Context) []component.Finding {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	p := &diagnosis{c: c, at: time.Now()}
	p.reach(ctx)
	p.certificate()
	for _, l := range c.auth.Layers() {
		step := "auth " + strings.TrimPrefix(l.Name, "auth.")
		if p.failed {
			p.skip(step)
			continue
		}
		began := time.Now()
		r, err := c.http(ctx, &call{Request: Request{Method: http.MethodGet}}, c.base)
		if err == nil {
			if _, err = l.Authorize(ctx, r, nil); err != nil {
				err = c.authFault(ctx, err)
			}
		}
		detail := "writes " + strings.Join(l.Headers, ", ")
		if expires := l.Expires(); !expires.IsZero() {
			detail += ", valid until " + expires.UTC().Format("2006-01-02 15:04 MST")
		}
		p.step(step, time.Since(began), detail, err)
	}
	return p.found
}

// diagnosis collects the steps.
type diagnosis struct {
	c      *Connection
	found  []component.Finding
	failed bool

	mu     sync.Mutex // the hooks are called from several goroutines
	at     time.Time  // when the step under way began
	phase  string
	names  []string
	remote string
	tls    *tls.ConnectionState
	took   map[string]time.Duration
}

// step adds a step that was taken.
func (p *diagnosis) step(what string, took time.Duration, detail string, err error) {
	f := component.Finding{What: what, OK: err == nil, Detail: p.c.redactor.Clean(detail), Took: took}
	if err != nil {
		failed := asFault(err).error(p.c, nil)
		f.Detail, f.Remedy, f.Err = failed.Error(), failed.Remedy, failed
		p.failed = true
	}
	p.found = append(p.found, f)
}

func (p *diagnosis) skip(what string) {
	p.found = append(p.found, component.Finding{What: what, Skipped: true, Detail: "skipped"})
}

// next ends the step under way and begins another.
func (p *diagnosis) next(phase string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	p.phase = phase
}

func (p *diagnosis) end() {
	now := time.Now()
	p.took[p.phase] += now.Sub(p.at)
	p.at = now
}

// reach makes a connection and closes it before anything is sent.
func (p *diagnosis) reach(ctx context.Context) {
	c := p.c
	p.took = map[string]time.Duration{}
	req, err := c.http(ctx, &call{Request: Request{Method: http.MethodGet}}, c.base)
	if err != nil {
		p.step(stepConnect, 0, "", err)
		return
	}
	host, through := c.base.Hostname(), ""
	if c.proxy != nil {
		proxy, err := c.proxy.of(req)
		if err != nil {
			p.step(stepProxy, 0, "", err)
			return
		}
		if proxy != nil {
			host, through = proxy.Hostname(), proxy.Host
		}
	}
	steps := p.steps(host, through)
	p.phase = steps[0]
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err = p.establish(ctx, cancel, req, through)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	for i, step := range steps {
		if err == nil || i < slices.Index(steps, p.phase) {
			p.step(step, p.took[step], p.detail(step, through), nil)
			continue
		}
		p.step(step, p.took[step], "", c.networkFault(err, c.base, c.s.Name))
		for _, rest := range steps[i+1:] {
			p.skip(rest)
		}
		return
	}
}

// steps are those of a connection to host, which is the proxy's where through is not empty.
func (p *diagnosis) steps(host, through string) []string {
	if p.c.s.Way != nil {
		return []string{stepWay, stepTLS}
	}
	var out []string
	if net.ParseIP(host) == nil {
		out = append(out, stepName)
	}
	out = append(out, stepConnect)
	if through != "" {
		out = append(out, stepProxy)
	}
	if p.c.base.Scheme == "https" {
		out = append(out, stepTLS)
	}
	return out
}

// establish is the error of a connection that could not be made.
func (p *diagnosis) establish(ctx context.Context, cancel func(), req *http.Request, through string) error {
	got := false
	t := p.c.transport.origin.Clone()
	t.DisableKeepAlives = true
	defer t.CloseIdleConnections()
	trace := &httptrace.ClientTrace{
		DNSDone: func(info httptrace.DNSDoneInfo) {
			if info.Err == nil {
				p.next(stepConnect)
				p.mu.Lock()
				for _, a := range info.Addrs {
					p.names = append(p.names, a.String())
				}
				p.mu.Unlock()
			}
		},
		ConnectDone: func(_, address string, err error) {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.remote = address
			p.mu.Unlock()
			if through != "" {
				p.next(stepProxy)
			} else {
				p.next(stepTLS)
			}
		},
		TLSHandshakeStart: func() { p.next(stepTLS) },
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			if err == nil {
				p.mu.Lock()
				p.tls = &s
				p.mu.Unlock()
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			got = true
			cancel()
			_ = info.Conn.Close() // before the request is written
		},
	}
	resp, err := t.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if resp != nil {
		_ = resp.Body.Close()
	}
	if got {
		return nil
	}
	return err
}

// detail is what a step found. The lock is held.
func (p *diagnosis) detail(step, through string) string {
	switch step {
	case stepWay:
		return "the agent is connected"
	case stepName:
		return strings.Join(p.names, ", ")
	case stepConnect:
		detail := p.remote
		if source := p.c.source.Load(); source != nil {
			detail += " from " + *source
		}
		return detail
	case stepProxy:
		return through + " lets requests through"
	}
	if p.tls == nil || len(p.tls.PeerCertificates) == 0 {
		return "established"
	}
	leaf := p.tls.PeerCertificates[0]
	return fmt.Sprintf("%s, %s, issued by %s, valid until %s", tls.VersionName(p.tls.Version),
		nameOf(leaf.Subject.CommonName,
			leaf.DNSNames), nameOf(leaf.Issuer.CommonName, leaf.Issuer.Organization), day(leaf.NotAfter))
}

func nameOf(name string, others []string) string {
	switch {
	case len(others) > 0 && name == "":
		return others[0]
	case name == "":
		return "no name"
	}
	return name
}

// certificate looks at the validity of the client certificate.
func (p *diagnosis) certificate() {
	c := p.c.certificate
	if c == nil {
		return
	}
	if p.failed {
		p.skip(stepCertificate)
		return
	}
	now := time.Now()
	begins, expires := c.validity()
	problem := c.problem(now)
	if now.Before(begins) || now.After(expires) {
		p.step(stepCertificate, 0, "", &failure{class: fault.Fatal, text: problem,
			remedy: "renew the certificate in tls.cert_file, and check this machine's clock"})
		return
	}
	f := component.Finding{What: stepCertificate, OK: true, Detail: "valid until " + day(expires)}
	if problem != "" {
		f.Detail, f.Warning, f.Remedy = problem, true, "renew the certificate: pipe reads the files again when they change"
	}
	p.found = append(p.found, f)
}

// CertificateExpiry is when the client certificate expires, zero without one.
func (c *Connection) CertificateExpiry() time.Time {
	if c.certificate == nil {
		return time.Time{}
	}
	_, expires := c.certificate.validity()
	return expires
}
