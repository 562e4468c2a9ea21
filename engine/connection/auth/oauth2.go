package auth

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// OAuth2 is the client credentials grant of OAuth 2.0, or with refresh_token the sign-in of a
// person by a device code (RFC 8628). The client proves itself with one of client_secret,
// client_assertion_file and private_key. For a person it needs no proof, and takes
// client_secret alone.
type OAuth2 struct {
	Issuer        string        `yaml:"issuer" doc:"The address of the identity provider, from which its metadata gives the token endpoint."`
	TokenURL      string        `yaml:"token_url" doc:"The address of the token endpoint, instead of issuer."`
	ClientID      string        `yaml:"client_id" required:"true" doc:"The client that the identity provider knows pipe by."`
	ClientSecret  config.Secret `yaml:"client_secret" doc:"The secret of the client."`
	ClientAuth    string        `yaml:"client_auth" default:"basic" enum:"basic|post" doc:"How client_secret is sent: in Authorization, or in the body of the request."`
	AssertionFile string        `yaml:"client_assertion_file" path:"true" doc:"A file with a token that proves the client, such as a projected token of Kubernetes; it is read for every request of a token."`
	PrivateKey    config.Secret `yaml:"private_key" doc:"A private key in PEM that signs such a token (RFC 7523)."`
	PrivateKeyID  string        `yaml:"private_key_id" doc:"The ID of the key (kid) that the identity provider knows it by."`
	RefreshToken  config.SignIn `yaml:"refresh_token" doc:"The sign-in of a person, ${secret:NAME} of the secret store, where pipe login FILE keeps the refresh token. Only a run in a terminal uses it."`
	DeviceURL     string        `yaml:"device_authorization_url" doc:"The address at which pipe login asks for a code, where token_url replaces issuer."`
	Scope         string        `yaml:"scope" doc:"The scopes, separated by spaces."`
	Audience      string        `yaml:"audience" doc:"The parameter audience, which some identity providers require."`
	Resource      string        `yaml:"resource" doc:"The parameter resource (RFC 8707): the address that the token is for."`
	Header        string        `yaml:"header" default:"Authorization" doc:"The header that carries the token, such as Proxy-Authorization for a sign-in proxy."`
}

var (
	_ scheme           = (*OAuth2)(nil)
	_ config.Validator = (*OAuth2)(nil)
	_ config.Destined  = (*OAuth2)(nil)
)

// SecretAddress is that of the identity provider.
func (o *OAuth2) SecretAddress() string { return cmp.Or(o.TokenURL, o.Issuer) }

// Validate reports an endpoint that is missing or not encrypted, and a client that proves
// itself in no way or in two.
func (o *OAuth2) Validate(report func(field, code, message, hint string)) {
	switch {
	case o.Issuer == "" && o.TokenURL == "":
		report("issuer token_url", codeConnection, "the identity provider is missing",
			"set issuer to its address, or token_url to that of its token endpoint")
	case o.Issuer != "" && o.TokenURL != "":
		report("token_url issuer", codeConnection, "issuer and token_url both give the token endpoint",
			"keep one of the two")
	}
	validateEndpoint("issuer", o.Issuer, report)
	validateEndpoint("token_url", o.TokenURL, report)
	validateEndpoint("device_authorization_url", o.DeviceURL, report)
	switch {
	case o.DeviceURL != "" && !o.RefreshToken.IsSet():
		report("device_authorization_url", codeConnection, "device_authorization_url is for the sign-in of a person",
			"set refresh_token to the ${secret:NAME} of the sign-in, or remove this line")
	case o.DeviceURL != "" && o.Issuer != "":
		report("device_authorization_url issuer", codeConnection, "issuer gives the device authorization endpoint, too",
			"remove this line, or write token_url in place of issuer")
	case o.RefreshToken.IsSet() && o.TokenURL != "" && o.DeviceURL == "":
		report("device_authorization_url token_url refresh_token", codeConnection,
			"the address where pipe login asks for a code is missing",
			"set device_authorization_url, or write issuer in place of token_url")
	}
	const proofs = "client_secret client_assertion_file private_key"
	switch n := o.proofs(); {
	case o.RefreshToken.IsSet() && (o.AssertionFile != "" || o.PrivateKey.IsSet()):
		report("refresh_token client_assertion_file private_key", codeConnection,
			"the token is for a person (refresh_token) and for the client alone (client_assertion_file, private_key)",
			"keep one of the two: refresh_token for a person at a terminal, the other for nightly runs")
	case o.RefreshToken.IsSet():
	case n == 0:
		report(proofs+" refresh_token", codeConnection, "nothing proves the client",
			"set client_secret, client_assertion_file or private_key; or refresh_token, for the sign-in of a person")
	case n > 1:
		report(proofs, codeConnection, "the client proves itself in more than one way",
			"keep one of client_secret, client_assertion_file and private_key")
	}
	validateSecret("client_secret", o.ClientSecret, report)
	if o.PrivateKey.IsSet() {
		if _, err := parseKey(o.PrivateKey.Reveal(), ""); err != nil {
			report("private_key", codeConnection, "the private key cannot be used: "+err.Error(),
				"write private_key: ${file:key.pem}, with a key of RSA, P-256, P-384, P-521 or Ed25519")
		}
	}
	if message, hint := nameProblem(o.Header); message != "" && o.Header != "" {
		report("header", codeConnection, message, hint)
	}
}

func (o *OAuth2) proofs() (n int) {
	for _, set := range []bool{o.ClientSecret.IsSet(), o.AssertionFile != "", o.PrivateKey.IsSet()} {
		if set {
			n++
		}
	}
	return n
}

func (o *OAuth2) headers() []string { return []string{http.CanonicalHeaderKey(o.Header)} }

func (o *OAuth2) authorizer(field string, s Settings) (Authorizer, error) {
	secret, err := newWatched(field+".client_secret", o.ClientSecret, nil, s)
	if err != nil {
		return nil, err
	}
	key, err := newWatched(field+".private_key", o.PrivateKey, nil, s)
	if err != nil {
		return nil, err
	}
	p := &provider{OAuth2: o, secret: secret, key: key, s: s}
	return &bearerToken{newCached(s.Now, p.token), http.CanonicalHeaderKey(o.Header)}, nil
}

// bearerToken is a layer that obtains its token.
type bearerToken struct {
	*cached
	header string
}

// Authorize writes the token.
func (a *bearerToken) Authorize(ctx context.Context, r *http.Request, _ []byte) (int, error) {
	token, revision, err := a.get(ctx)
	if err == nil {
		r.Header[a.header] = []string{"Bearer " + token}
	}
	return revision, err
}

// Renew obtains another token.
func (a *bearerToken) Renew(ctx context.Context, revision int) (bool, error) {
	return a.renew(ctx, revision)
}

// provider is an identity provider with the client that asks it for tokens.
type provider struct {
	*OAuth2
	secret, key *watched
	s           Settings
	endpoint    string // discovered; the gate of cached guards it
}

// token asks for one.
func (p *provider) token(ctx context.Context) (credential, error) {
	endpoint, err := p.discover(ctx)
	if err != nil {
		return credential{}, err
	}
	if err := p.mayReceive(endpoint); err != nil {
		return credential{}, err
	}
	g := p.grant(endpoint)
	switch {
	case p.RefreshToken.IsSet():
		return p.refresh(ctx, g)
	case p.AssertionFile != "":
		assertion, err := p.s.readAssertion(p.AssertionFile)
		if err != nil {
			return credential{}, err
		}
		g.assert(assertion)
	case p.PrivateKey.IsSet():
		assertion, err := p.assertion(ctx, endpoint)
		if err != nil {
			return credential{}, err
		}
		g.assert(assertion)
	default:
		g.secret, _ = p.secret.value(ctx)
	}
	c, _, err := g.token(ctx, p.s)
	return c, err
}

// grant is a request of a token as the settings of the file have it, without a proof.
func (o *OAuth2) grant(endpoint string) grant {
	g := grant{endpoint: endpoint, name: "client_credentials", client: o.ClientID, post: o.ClientAuth == "post",
		scopes: strings.Fields(o.Scope), params: url.Values{}}
	if o.Audience != "" {
		g.params.Set("audience", o.Audience)
	}
	if o.Resource != "" {
		g.params.Set("resource", o.Resource)
	}
	return g
}

// mayReceive refuses to send a stored secret to a token endpoint that it is not stored for:
// the metadata of an issuer may name another server.
func (o *OAuth2) mayReceive(endpoint string) error {
	origin, err := config.Origin(endpoint)
	if err != nil {
		return fault.Errorf(fault.Fatal, "check issuer or token_url", "the token endpoint: %w", err)
	}
	for _, s := range []config.Secret{o.ClientSecret, o.PrivateKey} {
		if _, err := s.SendTo(origin); err != nil {
			return err
		}
	}
	return nil
}

// assertionLife is how long a signed assertion is valid. It is used at once.
const assertionLife = time.Minute

// assertion proves the client with its private key (RFC 7523, section 3).
func (p *provider) assertion(ctx context.Context, endpoint string) (string, error) {
	text, _ := p.key.value(ctx)
	key, err := parseKey(text, p.PrivateKeyID)
	if err != nil {
		return "", fault.Errorf(fault.Fatal, "write private_key: ${file:key.pem}", "private_key: %w", err)
	}
	now := p.s.Now()
	assertion, err := key.token(claims{"iss": p.ClientID, "sub": p.ClientID, "aud": endpoint, "jti": randomID(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix()})
	p.s.Redactor.Add(assertion)
	return assertion, err
}

const maxAssertion = 64 << 10

// readAssertion reads a token from a file that another program keeps fresh.
func (s Settings) readAssertion(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxAssertion {
		err = fmt.Errorf("%s is larger than 64 KiB", path)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	text := strings.TrimSpace(string(b))
	if err == nil && text == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	if err != nil {
		return "", fault.Errorf(fault.Fatal, "check that the file is mounted here and readable",
			"client_assertion_file: %w", err)
	}
	s.Redactor.Add(text)
	return text, nil
}
