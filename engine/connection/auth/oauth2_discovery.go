package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// discoveries are where an identity provider describes itself: OpenID Connect Discovery,
// and RFC 8414 for a provider without OpenID.
var discoveries = []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}

const maxMetadata = 1 << 20

// discover is the token endpoint, from the provider's metadata the first time.
func (p *provider) discover(ctx context.Context) (string, error) {
	if p.TokenURL != "" {
		return p.TokenURL, nil
	}
	if p.endpoint != "" {
		return p.endpoint, nil
	}
	m, err := discover(ctx, p.Issuer, p.s)
	if err != nil {
		return "", err
	}
	p.endpoint = m.TokenEndpoint
	return p.endpoint, nil
}

// metadata is what a provider says of itself.
type metadata struct {
	Issuer              string `json:"issuer"`
	TokenEndpoint       string `json:"token_endpoint"`
	DeviceAuthorization string `json:"device_authorization_endpoint"`
}

// discover reads the metadata of an issuer. Its errors are faults that name the host.
func discover(ctx context.Context, issuer string, s Settings) (m metadata, err error) {
	base := strings.TrimRight(issuer, "/")
	host := hostOf(base)
	for _, path := range discoveries {
		status, body, err := s.read(ctx, base+path)
		if err != nil {
			return m, err
		}
		if status == http.StatusNotFound {
			continue
		}
		if status != http.StatusOK {
			return m, metadataFault(status, host)
		}
		if err := codec.Unmarshal(body, &m); err != nil || m.TokenEndpoint == "" {
			return m, fault.Errorf(fault.Fatal, "check issuer, or set token_url in its place",
				"the answer of %s%s is not the metadata of an identity provider", host, path)
		}
		return m, m.check(base, host)
	}
	return m, metadataFault(http.StatusNotFound, host)
}

// check refuses metadata of another issuer and a token endpoint without encryption.
func (m metadata) check(base, host string) error {
	if strings.TrimRight(m.Issuer, "/") != base {
		return fault.Errorf(fault.Fatal, "write issuer as the identity provider does",
			"%s says that its issuer is %s", host, display.Short(m.Issuer, 200))
	}
	if message, hint := endpointProblem(m.TokenEndpoint); message != "" {
		return fault.Errorf(fault.Fatal, hint, "the token endpoint that %s names: %s", host, message)
	}
	return nil
}

func metadataFault(status int, host string) error {
	class := fault.Fatal
	if status >= 500 || status == http.StatusTooManyRequests {
		class = fault.Transient
	}
	return fault.Errorf(class, "check issuer, or set token_url in its place",
		"%s answered %d where the metadata of an identity provider is expected", host, status)
}

// read gets a small answer.
func (s Settings) read(ctx context.Context, address string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, fault.Errorf(fault.Fatal, "check the address", "the address cannot be used")
	}
	r.Header.Set("Accept", "application/json")
	resp, err := s.Fetch.RoundTrip(r)
	if err != nil {
		return 0, nil, ended(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata))
	if err != nil {
		return 0, nil, ended(ctx, fault.Errorf(fault.Transient, "", "the answer of %s ended early", hostOf(address)))
	}
	return resp.StatusCode, body, nil
}

// ended is the error of a context that has ended, in place of what it caused.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	return err
}
