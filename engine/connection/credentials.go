package connection

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// credentials are the token and the user's headers, as header fields. Those
// that stand in files may be read again while the program runs.
type credentials struct {
	redactor *redact.Redactor

	mu      sync.Mutex
	token   config.Secret
	extra   map[string]config.Secret
	current http.Header // replaced, never changed
}

func newCredentials(token config.Secret, extra map[string]config.Secret, r *redact.Redactor) (*credentials, error) {
	c := &credentials{redactor: r, token: token, extra: maps.Clone(extra)}
	for name := range extra {
		if token.IsSet() && http.CanonicalHeaderKey(name) == "Authorization" {
			return nil, errors.New("headers: token sets Authorization; use only one of the two")
		}
	}
	return c, c.assemble()
}

// assemble makes the header fields; its errors name the field, never the value.
func (c *credentials) assemble() error {
	h := http.Header{}
	if c.token.IsSet() {
		c.redactor.Add(c.token.Reveal())
		if !validValue(c.token.Reveal()) {
			return fault.Errorf(fault.Fatal, "remove line breaks and other control characters from it",
				"token: it cannot be sent in a header")
		}
		if err := tokenFault(c.token); err != nil {
			return err
		}
		h.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	for name, secret := range c.extra {
		value := secret.Reveal()
		c.redactor.Add(value)
		if _, bare, ok := strings.Cut(value, " "); ok { // Bearer TOKEN
			c.redactor.Add(bare)
		}
		if !validValue(value) {
			return fault.Errorf(fault.Fatal, "remove line breaks and other control characters from it",
				"headers.%s: it cannot be sent in a header", name)
		}
		if value != "" {
			h.Set(name, value)
		}
	}
	c.current = h
	return nil
}

// headers is what is sent; it must not be changed.
func (c *credentials) headers() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// Renew reads token and headers from their files again.
func (c *Connection) Renew() error {
	_, err := c.credentials.renew(nil)
	return err
}

// renew reads again what stands in files and tells whether there is something
// else to send now than what was refused.
func (c *credentials) renew(refused http.Header) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	token, err := c.token.Reload()
	if err != nil {
		return false, fmt.Errorf("read token again: %w", err)
	}
	extra := make(map[string]config.Secret, len(c.extra))
	for name, secret := range c.extra {
		if extra[name], err = secret.Reload(); err != nil {
			return false, fmt.Errorf("read headers.%s again: %w", name, err)
		}
	}
	c.token, c.extra = token, extra
	err = c.assemble()
	return err == nil && !same(c.current, refused), err
}

func same(a, b http.Header) bool {
	return maps.EqualFunc(a, b, func(x, y []string) bool { return x[0] == y[0] })
}
