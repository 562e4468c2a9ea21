package connection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Forwarded is a request that another program makes and that its caller has allowed.
type Forwarded struct {
	Method            string
	RawPath, RawQuery string // of the target below the address, encoded
	Header            http.Header
	Body              []byte
}

// Forward sends a request with the credentials of the connection and returns the answer, whose body
// the caller closes. It follows no redirect, and repeats a request only once, when the credentials
// were refused and others could be obtained. Its errors are *fault.Error, without secrets.
func (c *Connection) Forward(ctx context.Context, f Forwarded) (*http.Response, error) {
	for renewed := false; ; renewed = true {
		resp, used, err := c.forward(ctx, f)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, asFault(err).error(c, nil)
		}
		if resp.StatusCode != http.StatusUnauthorized || renewed || c.auth.Empty() {
			return resp, nil
		}
		if changed, err := c.auth.Renew(ctx, used); err != nil || !changed {
			return resp, nil
		}
		_ = resp.Body.Close()
	}
}

func (c *Connection) forward(ctx context.Context, f Forwarded) (*http.Response, auth.Used, error) {
	target := *c.base
	target.RawQuery = f.RawQuery
	raw := strings.TrimSuffix(c.base.EscapedPath(), "/") + f.RawPath
	parsed, err := c.base.Parse(raw)
	if err != nil || !strings.HasPrefix(f.RawPath, "/") || !sameOrigin(c.base, parsed) || !isClean(parsed.Path) {
		return nil, nil, &failure{class: fault.Permanent, text: "the path cannot be sent"}
	}
	target.Path, target.RawPath = parsed.Path, parsed.RawPath
	var body io.Reader
	if len(f.Body) > 0 {
		body = bytes.NewReader(f.Body)
	}
	req, err := http.NewRequestWithContext(ctx, f.Method, target.String(), body)
	if err != nil {
		return nil, nil, &failure{class: fault.Permanent, text: "the request cannot be made: " +
			withoutURL(err).Error()}
	}
	req.Header = f.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", c.s.UserAgent)
	}
	used, err := c.authorize(ctx, &call{sent: f.Body}, req)
	if err != nil {
		return nil, nil, err
	}
	resp, err := c.transport.origin.RoundTrip(req)
	if err != nil {
		return nil, used, c.networkFault(err, &target, c.s.Name)
	}
	return resp, used, nil
}

// Upgrade returns a transport for the request that turns a connection into another one: with the
// TLS files, proxy and credentials of the connection, to its origin alone. Settings.HTTP1 is set.
func (c *Connection) Upgrade() http.RoundTripper { return upgrade{c} }

type upgrade struct{ c *Connection }

// RoundTrip sends the request once. Its errors are *fault.Error.
func (u upgrade) RoundTrip(r *http.Request) (*http.Response, error) {
	if !sameOrigin(u.c.base, r.URL) {
		return nil, errors.New("the request is for another server")
	}
	r = r.Clone(r.Context())
	if _, err := u.c.authorize(r.Context(), &call{}, r); err != nil {
		return nil, asFault(err).error(u.c, nil)
	}
	resp, err := u.c.transport.origin.RoundTrip(r)
	if err != nil {
		return nil, asFault(u.c.networkFault(err, u.c.base, u.c.s.Name)).error(u.c, nil)
	}
	return resp, nil
}
