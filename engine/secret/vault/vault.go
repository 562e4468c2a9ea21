package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

const (
	tokenHeader = "X-Vault-Token"
	// requestHeader is required by listeners that protect against forged requests.
	requestHeader = "X-Vault-Request"
	// maxAnswer is more than the largest secret that Vault stores, which has 1 MiB.
	maxAnswer = 2 << 20
)

// Provider reads secrets of one KV engine. It is safe for concurrent use.
type Provider struct {
	cfg Config
	s   connection.Settings

	mu      sync.Mutex
	session *session
	now     func() time.Time
}

// session is a connection with a token.
type session struct {
	*connection.Connection
	expires time.Time // zero when the token does not expire, or its expiry is not known
}

// New returns the provider of a config. Of s it uses UserAgent, Redactor and Log. It reads
// the TLS files and makes no request.
func New(c Config, s connection.Settings) (*Provider, error) {
	var problem error
	report := func(field, _, message, hint string) {
		if problem == nil {
			problem = fault.Errorf(fault.Fatal, hint, "%s: %s", field, message)
		}
	}
	c.Validate(report)
	if problem != nil {
		return nil, problem
	}
	p := &Provider{cfg: c, now: time.Now, s: s}
	p.s.Name, p.s.URL = "vault", c.URL
	if p.s.Redactor == nil {
		p.s.Redactor = &redact.Redactor{}
	}
	conn, err := p.connect(c.Token, p.allowRead)
	if err != nil {
		return nil, err
	}
	if c.Token.IsSet() {
		p.session = &session{Connection: conn}
	}
	return p, nil
}

// connect returns a connection that sends a token.
func (p *Provider) connect(token config.Secret, allow func(method, path string) bool) (*connection.Connection, error) {
	cfg, s := p.cfg.Config, p.s
	cfg.Headers = maps.Clone(cfg.Headers)
	if cfg.Headers == nil {
		cfg.Headers = map[string]config.Secret{}
	}
	cfg.Headers[requestHeader] = config.NewSecret("true")
	if token.IsSet() {
		cfg.Headers[tokenHeader] = token
	}
	s.Allow = allow
	return connection.New(cfg, s)
}

// below is a path of the API.
func (p *Provider) below(parts ...string) string {
	if p.cfg.Namespace != "" {
		parts = append([]string{p.cfg.Namespace}, parts...)
	}
	return "/v1/" + strings.Join(parts, "/")
}

func (p *Provider) allowRead(method, path string) bool {
	return method == http.MethodGet && strings.HasPrefix(path, p.below(p.cfg.Mount, "data")+"/")
}

// Get returns the secret of a key, PATH#FIELD or PATH for a secret with one field. Its errors
// carry nothing of the answer.
func (p *Provider) Get(ctx context.Context, key string) (string, error) {
	path, field, named := strings.Cut(key, "#")
	if !isPath(path) || named && field == "" {
		return "", fault.Errorf(fault.Fatal, "write the path below the mount and the field, such as pipe/backstage#token",
			"vault: %q is not the path of a secret", key)
	}
	s, err := p.open(ctx, nil)
	if err != nil {
		return "", err
	}
	fields, err := p.read(ctx, s, path)
	if isStatus(err, http.StatusForbidden) { // the token may have expired, or its file has another one
		if s, renewed := p.renew(ctx, s); renewed {
			fields, err = p.read(ctx, s, path)
		}
	}
	if err != nil {
		return "", p.readFault(err, path)
	}
	return choose(fields, path, field)
}

// open returns a session with a valid token that is not the one of refused.
func (p *Provider) open(ctx context.Context, refused *session) (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.session
	if s != refused && (s.expires.IsZero() || p.now().Before(s.expires)) {
		return s, nil
	}
	token, lease, err := p.login(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := p.connect(token, p.allowRead)
	if err != nil {
		return nil, err
	}
	if s != nil {
		s.Close()
	}
	p.session = &session{Connection: conn}
	if lease > 0 {
		p.session.expires = p.now().Add(lease - min(time.Minute, lease/2))
	}
	return p.session, nil
}

// renew returns a session with another token than that of s, which was refused.
func (p *Provider) renew(ctx context.Context, s *session) (*session, bool) {
	if p.cfg.Token.IsSet() {
		return s, p.cfg.Token.FromFile() && s.Renew(ctx) == nil
	}
	next, err := p.open(ctx, s)
	return next, err == nil
}

// read returns the fields of a secret.
func (p *Provider) read(ctx context.Context, s *session, path string) (map[string]any, error) {
	var answer struct {
		Data struct {
			Data map[string]any `json:"data"`
		} `json:"data"`
	}
	_, err := s.Do(ctx, connection.Request{Method: http.MethodGet, Path: p.below(p.cfg.Mount, "data", path), Secret: true,
		MaxBytes: maxAnswer, Parse: func(body []byte) error {
			if err := codec.Unmarshal(body, &answer); err != nil || answer.Data.Data == nil {
				return fault.Errorf(fault.Fatal, "check that "+p.cfg.Mount+" is a KV engine of version 2",
					"the response is not a secret of a KV engine of version 2")
			}
			return nil
		}})
	return answer.Data.Data, err
}

// choose returns a field of a secret.
func choose(fields map[string]any, path, field string) (string, error) {
	if field == "" {
		if len(fields) != 1 {
			return "", fault.Errorf(fault.Fatal, "name the field: "+path+"#FIELD",
				"vault: the secret %q has %d fields", path, len(fields))
		}
		for field = range fields {
		}
	}
	value, ok := fields[field]
	if !ok {
		return "", fault.Errorf(fault.Fatal, "check the spelling of the field", "vault: the secret %q has no field %q",
			path, field)
	}
	text, ok := value.(string)
	switch {
	case !ok:
		return "", fault.Errorf(fault.Fatal, "store it as a text", "vault: the field of the secret %q is not a text", path)
	case strings.TrimSpace(text) == "":
		return "", fault.Errorf(fault.Fatal, "store a value in it", "vault: the field of the secret %q is empty", path)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}

// readFault is what it means that a secret was not read.
func (p *Provider) readFault(err error, path string) error {
	switch {
	case isStatus(err, http.StatusNotFound):
		return fault.Errorf(fault.Fatal, "check the path, and that "+p.cfg.Mount+" is a KV engine of version 2",
			"vault: the mount %s has no secret %q, or its latest version was deleted", p.cfg.Mount, path)
	case isStatus(err, http.StatusForbidden):
		return fault.Errorf(fault.Fatal, fmt.Sprintf("allow its policy to read %s, or use another token if it has expired",
			strings.TrimPrefix(p.below(p.cfg.Mount, "data", path), "/v1/")),
			"vault: the token may not read the secret %q", path)
	}
	return err
}

func isStatus(err error, status int) bool {
	var s *connection.StatusError
	return errors.As(err, &s) && s.Status == status
}
