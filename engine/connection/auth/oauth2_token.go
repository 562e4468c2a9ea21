package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// grant is one request of a token.
type grant struct {
	endpoint       string
	name           string // of the grant in the identity provider's settings
	client, secret string
	post           bool // the secret goes into the body
	scopes         []string
	params         url.Values
	device         bool // endpoint is the device authorization endpoint
	asserted       bool // an assertion proves the client, which has a clock in it
}

// assert proves the client with a token in place of a secret.
func (g *grant) assert(token string) {
	g.params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	g.params.Set("client_assertion", token)
	g.post, g.asserted = true, true
}

// what is the endpoint, for errors.
func (g grant) what() string {
	if g.device {
		return "device authorization endpoint"
	}
	return "token endpoint"
}

// style is how the secret of the client is sent. A client without one has its ID in the body.
func (g grant) style() oauth2.AuthStyle {
	if g.post || g.secret == "" {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// token makes the request, and returns the refresh token of the answer, too. Its errors are
// faults that name the endpoint's host.
func (g grant) token(ctx context.Context, s Settings) (_ credential, refresh string, err error) {
	cc := clientcredentials.Config{ClientID: g.client, ClientSecret: g.secret, TokenURL: g.endpoint, Scopes: g.scopes,
		EndpointParams: g.params, AuthStyle: g.style()}
	now := s.Now()
	answer := &answered{next: s.Fetch}
	t, err := cc.Token(answer.within(ctx))
	if err == nil && t.TokenType != "" && !strings.EqualFold(t.TokenType, "bearer") {
		err = fault.Errorf(fault.Fatal, "ask the identity provider for a bearer token",
			"the token endpoint of %s gives a token of the type %q", hostOf(g.endpoint), display.Short(t.TokenType, 40))
	}
	if t != nil {
		s.Redactor.Add(t.AccessToken, t.RefreshToken)
		refresh = t.RefreshToken
	}
	if err != nil {
		return credential{}, refresh, g.fault(ctx, err, answer, now)
	}
	if err := valueFault(t.AccessToken); err != nil {
		return credential{}, refresh, err
	}
	// ExpiresIn counts from the answer; the library's own Expiry is on the system's clock.
	c := credential{text: t.AccessToken, obtained: now}
	if t.ExpiresIn > 0 {
		c.expires = now.Add(time.Duration(t.ExpiresIn) * time.Second)
	} else if !t.Expiry.IsZero() {
		c.expires = now.Add(time.Until(t.Expiry).Round(time.Second))
	}
	return c, refresh, nil
}

// answered remembers the answer of the token endpoint, and follows no redirect: the
// client's secret goes to the address of the file alone.
type answered struct {
	next   http.RoundTripper
	header http.Header
	status int
}

// within is a context of the library whose requests it sends.
func (a *answered) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, a.client())
}

func (a *answered) client() *http.Client {
	return &http.Client{Transport: a,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip sends a request and keeps the head of its answer.
func (a *answered) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(r)
	if resp != nil {
		a.header, a.status = resp.Header, resp.StatusCode
	}
	return resp, err
}

// fault is what a failure means, with what to do about it.
func (g grant) fault(ctx context.Context, err error, a *answered, now time.Time) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *fault.Error
	if errors.As(err, &known) { // of the network, which names the host
		return known
	}
	host := hostOf(g.endpoint)
	var refused *oauth2.RetrieveError
	switch refusal := errors.As(err, &refused); {
	case !refusal && g.device:
		return fault.Errorf(fault.Fatal, "check issuer or device_authorization_url",
			"the device authorization endpoint of %s gives no code: its answer is %s", host, a.kind(nil))
	case !refusal:
		return fault.Errorf(fault.Fatal, "check token_url: it is the address that answers a POST with an access_token",
			"the token endpoint of %s gives no token: its answer is %s", host, a.kind(nil))
	}
	code, text := refused.ErrorCode, refused.ErrorDescription
	if text != "" {
		text = ": " + display.Short(text, 200)
	}
	class, remedy := fault.Fatal, ""
	var delay time.Duration
	switch {
	case a.status == http.StatusTooManyRequests:
		class, delay = fault.Throttled, retryAfter(a.header)
	case a.status >= 500:
		class = fault.Transient
		if delay = retryAfter(a.header); delay > 0 {
			class = fault.Throttled
		}
	case code == "invalid_client":
		remedy = "check client_id and client_secret, and whether the secret is sent as the provider wants it: client_auth"
		if g.asserted {
			remedy = "check client_id, and that the identity provider trusts the issuer or key of the assertion"
			if skew := Skew(a.header, now); skew != "" {
				text += "; " + skew
			}
		}
	case code == "invalid_scope":
		remedy = "check scope"
	case code == "invalid_target":
		remedy = "check audience and resource: the identity provider does not know them"
	case code == "unauthorized_client" || code == "unsupported_grant_type":
		remedy = "allow the client the grant " + g.name + " in the identity provider"
	case code != "":
		remedy = "check the settings of oauth2 against the identity provider's"
	case g.device:
		remedy = "check device_authorization_url or issuer"
	default:
		remedy = "check token_url or issuer"
	}
	if code == "" {
		return &fault.Error{
			Class:  class,
			Delay:  delay,
			Remedy: remedy,
			Err: fmt.Errorf("the %s of %s answered "+
				"%d with %s", g.what(), host, a.status, a.kind(refused.Body)),
		}
	}
	return &fault.Error{
		Class:  class,
		Delay:  delay,
		Remedy: remedy,
		Err: &refusal{code, fmt.Sprintf("the %s of %s answered %d "+
			"%s%s", g.what(), host, a.status, display.Short(code, 60), text)},
	}
}

// refusal is an answer of an identity provider with an error code.
type refusal struct{ code, text string }

func (r *refusal) Error() string { return r.text }

// refusedWith reports whether an identity provider answered with an error code.
func refusedWith(err error, code string) bool {
	var r *refusal
	return errors.As(err, &r) && r.code == code
}

// kind is what an answer that has no token is.
func (a *answered) kind(body []byte) string {
	contentType := strings.ToLower(a.header.Get("Content-Type"))
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 200)]))
	switch {
	case strings.Contains(contentType, "text/html"), bytes.HasPrefix(start, []byte("<!doctype html")),
		bytes.HasPrefix(start, []byte("<html")):
		return "an HTML page"
	case a.status >= 300 && a.status <= 399:
		return "a redirect"
	case strings.Contains(contentType, "json") && a.status >= 400:
		return "JSON without an error code"
	case strings.Contains(contentType, "json"):
		return "JSON without access_token"
	}
	return "no JSON"
}

// retryAfter is the pause of a Retry-After in seconds or as a date, 0 when there is none.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(value); err == nil && n > 0 {
		return time.Duration(min(n, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			return max(0, at.Sub(date))
		}
	}
	return 0
}

// maxSkew is a difference of clocks that no server minds.
const maxSkew = time.Minute

// Skew is a sentence about this machine's clock when it differs from that of an answer,
// "" when it does not.
func Skew(h http.Header, now time.Time) string {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return ""
	}
	off := now.Sub(date)
	if off.Abs() <= maxSkew {
		return ""
	}
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	minutes := strings.TrimSuffix(off.Abs().Round(time.Minute).String(), "0s")
	return fmt.Sprintf("this machine's clock is %s %s the server's", minutes, way)
}
