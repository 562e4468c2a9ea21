package auth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	// longestSignIn is how long a sign-in waits for a person, also when the identity provider
	// says a longer time or none.
	longestSignIn = 30 * time.Minute
	// pollTime is how long one request of a sign-in may take.
	pollTime = 30 * time.Second

	maxUserCode      = 64
	maxVerifyAddress = 2000
)

// Device is a sign-in by a device code (RFC 8628) that waits for a person, who opens Address,
// or Complete, in a browser and enters Code there.
type Device struct {
	// Address is where the person enters Code. Complete has the code in it, "" when the
	// identity provider gives none.
	Address, Complete, Code string
	Expires                 time.Time

	asking, grant grant // of a code, and of the tokens for it
	answer        *oauth2.DeviceAuthResponse
	s             Settings
}

// StartDevice asks the identity provider for a code. It uses Fetch, Redactor and Now of
// the Settings. Its errors are faults.
func (o *OAuth2) StartDevice(ctx context.Context, s Settings) (*Device, error) {
	s = s.filled()
	if o.ClientID == "" || o.Issuer == "" && o.TokenURL == "" {
		return nil, fault.Errorf(fault.Fatal, "set the variables that these settings name",
			"client_id and the address of the identity provider are needed to sign in")
	}
	device, token, err := o.endpoints(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, endpoint := range []string{device, token} {
		if err := o.mayReceive(endpoint); err != nil {
			return nil, err
		}
	}
	d := &Device{grant: o.grant(token), asking: o.grant(device), s: s}
	d.grant.name = "urn:ietf:params:oauth:grant-type:device_code"
	d.grant.secret = o.ClientSecret.Reveal()
	d.asking.name, d.asking.secret, d.asking.device = d.grant.name, d.grant.secret, true
	now, sent := s.Now(), d.sender(ctx, d.asking)
	d.answer, err = d.config().DeviceAuth(sent.within(ctx), d.options(d.asking)...)
	if err != nil {
		return nil, d.asking.fault(ctx, err, sent, now)
	}
	s.Redactor.Add(d.answer.DeviceCode)
	return d, d.read(now)
}

// endpoints are the device authorization endpoint and the token endpoint.
func (o *OAuth2) endpoints(ctx context.Context, s Settings) (device, token string, err error) {
	if o.TokenURL != "" {
		return o.DeviceURL, o.TokenURL, nil
	}
	m, err := discover(ctx, o.Issuer, s)
	if err != nil {
		return "", "", err
	}
	if m.DeviceAuthorization == "" {
		return "", "", fault.Errorf(fault.Fatal, "turn on the device authorization grant (RFC 8628) there, for this client",
			"%s has no device authorization endpoint", hostOf(o.Issuer))
	}
	if message, hint := endpointProblem(m.DeviceAuthorization); message != "" {
		return "", "", fault.Errorf(fault.Fatal, hint, "the device authorization endpoint that %s names: %s",
			hostOf(o.Issuer), message)
	}
	return m.DeviceAuthorization, m.TokenEndpoint, nil
}

// read takes over what the answer says, as far as it can be shown to a person.
func (d *Device) read(now time.Time) error {
	a := d.answer
	host := hostOf(d.asking.endpoint)
	strange := strings.ContainsFunc(a.UserCode, func(r rune) bool { return !unicode.IsGraphic(r) })
	switch {
	case a.DeviceCode == "" || a.UserCode == "" || a.VerificationURI == "":
		return fault.Errorf(fault.Fatal, "check issuer or device_authorization_url",
			"the answer of %s is not that of a device authorization endpoint", host)
	case strange || len(a.UserCode) > maxUserCode || len(a.VerificationURI) > maxVerifyAddress:
		return fault.Errorf(fault.Fatal, "", "the code or address that %s gives for the sign-in cannot be shown", host)
	}
	if message, _ := endpointProblem(a.VerificationURI); message != "" {
		return fault.Errorf(fault.Fatal, "", "the address that %s gives for the sign-in: %s", host, message)
	}
	d.Address, d.Code = a.VerificationURI, a.UserCode
	if message, _ := endpointProblem(a.VerificationURIComplete); message == "" &&
		len(a.VerificationURIComplete) <= maxVerifyAddress {
		d.Complete = a.VerificationURIComplete
	}
	latest := time.Now().Add(longestSignIn)
	if a.Expiry.IsZero() || a.Expiry.After(latest) {
		a.Expiry = latest
	}
	d.Expires = now.Add(time.Until(a.Expiry)).Round(time.Second)
	return nil
}

// SignedIn is what a sign-in gives.
type SignedIn struct {
	RefreshToken string
	// Origin is that of the token endpoint, the one place where the token may be sent.
	Origin string
}

// Wait asks the identity provider until the person has signed in, the code has expired or
// ctx ends. Its errors are faults, or that of ctx.
func (d *Device) Wait(ctx context.Context) (SignedIn, error) {
	host := hostOf(d.grant.endpoint)
	waiting, cancel := context.WithDeadline(ctx, d.answer.Expiry)
	defer cancel()
	for {
		now, sent := d.s.Now(), d.sender(waiting, d.grant)
		t, err := d.config().DeviceAccessToken(sent.within(waiting), d.answer, d.options(d.grant)...)
		if t != nil {
			d.s.Redactor.Add(t.AccessToken, t.RefreshToken)
		}
		if err == nil {
			return d.signedIn(t)
		}
		expired := !time.Now().Before(d.answer.Expiry) // the library has a deadline of its own
		err = d.grant.fault(ctx, err, sent, now)
		switch class := fault.ClassOf(err); {
		case ctx.Err() != nil:
			return SignedIn{}, ctx.Err()
		case expired, refusedWith(err, "expired_token"):
			return SignedIn{}, fault.Errorf(fault.Fatal, "sign in again: pipe login FILE",
				"the code has expired before anyone signed in at %s", host)
		case refusedWith(err, "access_denied"):
			return SignedIn{}, fault.Errorf(fault.Fatal, "sign in again and approve: pipe login FILE",
				"the sign-in was refused at %s: %w", host, err)
		case class == fault.Transient || class == fault.Throttled: // the next request is an interval away
			d.s.Log.WarnContext(ctx, "the identity provider does not answer; the sign-in goes on", "error", err)
			pause(waiting, err)
		default:
			return SignedIn{}, err
		}
	}
}

// config is the library's view of the client.
func (d *Device) config() *oauth2.Config {
	return &oauth2.Config{ClientID: d.grant.client, ClientSecret: d.grant.secret, Scopes: d.grant.scopes,
		Endpoint: oauth2.Endpoint{DeviceAuthURL: d.asking.endpoint, TokenURL: d.grant.endpoint, AuthStyle: d.grant.style()}}
}

// options are the parameters that the library does not know.
func (d *Device) options(g grant) (out []oauth2.AuthCodeOption) {
	for name, values := range g.params {
		out = append(out, oauth2.SetAuthURLParam(name, values[0]))
	}
	if g.device && g.secret != "" && g.post {
		out = append(out, oauth2.SetAuthURLParam("client_secret", g.secret))
	}
	if g.device && slices.Contains(g.scopes, "offline_access") { // OpenID Connect, section 11; others pass over it
		out = append(out, oauth2.SetAuthURLParam("prompt", "consent"))
	}
	return out
}

// sender makes the requests of a grant.
func (d *Device) sender(ctx context.Context, g grant) *answered {
	s := signInSender{ctx: ctx, next: d.s.Fetch}
	if g.device && g.secret != "" && !g.post { // the library proves the client to the token endpoint alone
		s.user, s.password = url.QueryEscape(g.client), url.QueryEscape(g.secret)
	}
	return &answered{next: s}
}

// signInSender makes one request at a time, each within pollTime. The library's request of
// a code has no context.
type signInSender struct {
	ctx            context.Context
	next           http.RoundTripper
	user, password string
}

// RoundTrip sends a request and reads its answer.
func (s signInSender) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(s.ctx, pollTime)
	defer cancel()
	r = r.Clone(ctx)
	if s.password != "" {
		r.SetBasicAuth(s.user, s.password)
	}
	resp, err := s.next.RoundTrip(r)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxMetadata))
		_ = resp.Body.Close()
	}
	switch {
	case err == nil:
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, nil
	case s.ctx.Err() != nil:
		return nil, s.ctx.Err()
	case ctx.Err() != nil:
		return nil, fault.Errorf(fault.Transient, "", "%s did not answer within %v", r.URL.Host, pollTime)
	case errors.As(err, new(*fault.Error)):
		return nil, err
	}
	return nil, fault.Errorf(fault.Transient, "", "the answer of %s ended early", r.URL.Host)
}

// pause waits as long as an answer asked for.
func pause(ctx context.Context, err error) {
	var known *fault.Error
	if !errors.As(err, &known) || known.Delay <= 0 {
		return
	}
	t := time.NewTimer(known.Delay)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// signedIn is the refresh token of an answer.
func (d *Device) signedIn(t *oauth2.Token) (SignedIn, error) {
	if t.RefreshToken == "" {
		return SignedIn{}, fault.Errorf(fault.Fatal,
			"add offline_access to scope, and allow the client the grant refresh_token in the identity provider",
			"%s gives no refresh token, without which no later run is signed in", hostOf(d.grant.endpoint))
	}
	origin, err := config.Origin(d.grant.endpoint)
	return SignedIn{t.RefreshToken, origin}, err
}
