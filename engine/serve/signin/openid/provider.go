package openid

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Settings are those of a client of an OpenID provider.
type Settings struct {
	Issuer, ClientID string
	// Secret returns the secret of the client; "" for a client without one.
	Secret func(ctx context.Context) (string, error)
	// Scopes are asked for in addition to openid.
	Scopes []string
	// Transport sends the requests to the provider.
	Transport http.RoundTripper
	Now       func() time.Time // nil means time.Now
}

// Provider is an OpenID provider. Its metadata is read when it is needed for the first time, and
// again once a day. Its methods may be called from many goroutines.
type Provider struct {
	s      Settings
	client *http.Client

	mu    sync.Mutex
	known *metadata // nil before the first success
	read  time.Time // of known
	err   error     // of the last attempt to read it
	tried time.Time
}

// metadata is what a provider says of itself.
type metadata struct {
	*oidc.Provider
	keys       *oidc.RemoteKeySet
	algorithms []string
	style      oauth2.AuthStyle
}

const (
	requestTime = 10 * time.Second
	maxAnswer   = 1 << 20
	// metadataTime is how long metadata is used, and pause how long a failure to read it is
	// returned without another attempt.
	metadataTime = 24 * time.Hour
	pause        = 5 * time.Second
)

// New returns a Provider. It sends no request.
func New(s Settings) *Provider {
	if s.Now == nil {
		s.Now = time.Now
	}
	return &Provider{s: s, client: &http.Client{Transport: bounded{s.Transport}, Timeout: requestTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Check reads the metadata of the provider. It returns a *fault.Error when it cannot be used.
func (p *Provider) Check(ctx context.Context) error {
	_, err := p.metadata(ctx)
	return err
}

// within returns a context of the libraries whose requests are sent by the provider's client.
func (p *Provider) within(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.client)
}

func (p *Provider) metadata(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.s.Now()
	switch {
	case p.known != nil && now.Sub(p.read) < metadataTime:
		return p.known, nil
	case !p.tried.IsZero() && now.Sub(p.tried) < pause && p.known != nil:
		return p.known, nil
	case !p.tried.IsZero() && now.Sub(p.tried) < pause:
		return nil, p.err
	}
	m, err := p.discover(ctx)
	p.tried = p.s.Now()
	if err != nil {
		if p.err = err; p.known != nil {
			return p.known, nil
		}
		return nil, err
	}
	p.known, p.read, p.err = m, now, nil
	return m, nil
}

// algorithms are the ones by which an ID token may be signed: with a key that the provider alone
// has.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256,
	oidc.PS384, oidc.PS512, oidc.EdDSA}

const checkIssuer = "check issuer: its address with /.well-known/openid-configuration has the provider's metadata"

func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	ctx = p.within(ctx)
	found, err := oidc.NewProvider(ctx, p.s.Issuer)
	var other *oidc.IssuerMismatchError
	switch {
	case errors.As(err, &other):
		return nil, fault.Errorf(fault.Fatal, "write issuer as the provider does, with or without the / at the end",
			"the provider at %s says that its issuer is %s", p.s.Issuer, display.Short(other.Discovered, 200))
	case err != nil:
		return nil, p.fault(err, checkIssuer, "the metadata of %s cannot be read", p.s.Issuer)
	}
	var more struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
		PKCE       []string `json:"code_challenge_methods_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, p.fault(err, checkIssuer, "the metadata of %s cannot be read", p.s.Issuer)
	}
	endpoints := found.Endpoint()
	addresses := map[string]string{"authorization_endpoint": endpoints.AuthURL, "token_endpoint": endpoints.TokenURL,
		"jwks_uri": more.Keys}
	if found.UserInfoEndpoint() != "" {
		addresses["userinfo_endpoint"] = found.UserInfoEndpoint()
	}
	for name, address := range addresses {
		if !encrypted(address) {
			return nil, fault.Errorf(fault.Fatal, checkIssuer, "the %s that %s names is not an https address", name,
				p.s.Issuer)
		}
	}
	if len(more.PKCE) > 0 && !slices.Contains(more.PKCE, "S256") {
		return nil, fault.Errorf(fault.Fatal, "turn on PKCE with S256 there", "%s does not support PKCE with S256",
			p.s.Issuer)
	}
	m := &metadata{Provider: found, keys: oidc.NewRemoteKeySet(ctx, more.Keys), style: oauth2.AuthStyleInHeader}
	for _, name := range more.Algorithms {
		if slices.Contains(algorithms, name) {
			m.algorithms = append(m.algorithms, name)
		}
	}
	if len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		m.style = oauth2.AuthStyleInParams
	}
	return m, nil
}

// encrypted reports whether an address may get codes and secrets: what is sent there is
// encrypted, or stays on this machine.
func encrypted(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Hostname() != "" && u.User == nil &&
		(u.Scheme == "https" || u.Scheme == "http" && auth.IsLoopback(u.Hostname()))
}

// fault returns what a failed request means.
func (p *Provider) fault(err error, remedy, format string, args ...any) error {
	class := fault.Fatal
	var known *fault.Error
	if errors.As(err, &known) {
		class, remedy, err = known.Class, cmp.Or(known.Remedy, remedy), known.Err
	} else if timeout := interface{ Timeout() bool }(nil); errors.As(err, &timeout) && timeout.Timeout() {
		class, err = fault.Transient, errors.New("no answer in time")
	}
	return fault.Errorf(class, remedy, format+": %s", append(args, display.Short(err.Error(), 300))...)
}

// bounded sends requests, and limits the answers. A status that means a failure of the provider
// is a *fault.Error.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		resp.Body.Close()
		return nil, fault.Errorf(fault.Transient, "check the identity provider", "%s answered %d", r.URL.Host,
			resp.StatusCode)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// config returns the settings of the library for one exchange.
func (p *Provider) config(m *metadata, secret, redirect string) *oauth2.Config {
	endpoint := m.Endpoint()
	if endpoint.AuthStyle = m.style; secret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: p.s.ClientID, ClientSecret: secret, Endpoint: endpoint, RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, p.s.Scopes...)}
}

// refused returns a RefusedError with a reason for the person.
func refused(reason, format string, args ...any) error {
	return &RefusedError{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
