package connection

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// SignIn is a layer of auth that uses the sign-in of a person, with the way to its identity
// provider.
type SignIn struct {
	auth.SignIn
	cfg Config
}

// SignIns are the layers of auth that use the sign-in of a person. A component that embeds
// Config has them, too.
func (c Config) SignIns() (out []SignIn) {
	for _, one := range c.Auth.SignIns() {
		out = append(out, SignIn{one, c})
	}
	return out
}

// Provider is the origin of the identity provider, as the file names it.
func (s SignIn) Provider() (string, error) {
	return config.Origin(cmp.Or(s.TokenURL, s.Issuer))
}

// Start asks the identity provider for a code. The requests go through the proxy of the
// connection and trust its authorities, and carry none of its other credentials.
func (s SignIn) Start(ctx context.Context, o Settings) (*auth.Device, error) {
	origin, err := s.Provider()
	if err != nil {
		return nil, fault.Errorf(fault.Fatal, "set issuer or token_url, and the variables that it names",
			"%s: the identity provider: %w", s.Layer, err)
	}
	o.Name = s.Layer
	c, err := toProvider(s.cfg, origin, o)
	if err != nil {
		return nil, err
	}
	d, err := s.StartDevice(ctx, auth.Settings{Fetch: fetcher{c, c.transport.fetch}, Redactor: c.redactor, Log: c.s.Log})
	if err != nil && ctx.Err() == nil {
		var known *fault.Error
		if errors.As(err, &known) {
			return nil, fault.Errorf(known.Class, fault.RemedyOf(err), "%s: %w", s.Layer, err)
		}
	}
	return d, err
}

// toProvider returns a connection that is used for its fetch transport alone.
func toProvider(cfg Config, origin string, o Settings) (*Connection, error) {
	cfg.Auth, cfg.Headers, cfg.TLS = nil, nil, TLS{Verify: true, CAFile: cfg.TLS.CAFile}
	o.URL, o.Token = origin, config.Secret{}
	o.Allow = func(string, string) bool { return false }
	return New(cfg, o)
}

// ToProvider returns a transport for requests to the identity provider at an origin. It has the
// proxy and the authorities of cfg, and none of its credentials. The errors of its requests are
// *fault.Error or those of their contexts.
func ToProvider(cfg Config, origin string, o Settings) (http.RoundTripper, error) {
	c, err := toProvider(cfg, origin, o)
	if err != nil {
		return nil, err
	}
	return fetcher{c, c.transport.fetch}, nil
}
