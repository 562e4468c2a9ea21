package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Authorizer adds one credential to requests. It is safe for concurrent use. Its errors
// are *fault.Error where the class is not permanent, and hold no secret but what the
// Redactor knows.
type Authorizer interface {
	// Authorize writes the headers of the credential into r, which does not change
	// afterwards; body is what will be sent. It returns the revision of the credential.
	Authorize(ctx context.Context, r *http.Request, body []byte) (revision int, err error)
	// Renew replaces the credential of a revision that was answered with 401. It reports
	// whether the current credential is another one.
	Renew(ctx context.Context, revision int) (changed bool, err error)
	// Expires is when the current credential expires, zero when that is not known.
	Expires() time.Time
}

// Settings are what the layers of a connection are made with.
type Settings struct {
	// Token is sent as a bearer token, Headers as they are: the keys token and headers.
	Token   config.Secret
	Headers map[string]config.Secret
	Layers  Layers
	// Origin is where the credentials go.
	Origin *url.URL
	// Fetch sends requests to addresses of the pipeline file, such as a token endpoint.
	// Cloud sends those of cloud libraries, which may reach the metadata server.
	Fetch, Cloud http.RoundTripper
	// CloudTransport is what Cloud sends by, for a library that wants a transport of its
	// own; nil is the default one.
	CloudTransport *http.Transport
	Redactor       *redact.Redactor
	Log            *slog.Logger
	// Now is the clock, nil is the system's.
	Now func() time.Time
}

// List is the layers of a connection, in the order in which they write.
type List struct{ layers []Named }

// Named is an Authorizer with the key of the file that it comes from, such as
// auth.0.oauth2.
type Named struct {
	Name    string
	Headers []string
	Authorizer
}

// Used are the revisions of the credentials that a request was sent with.
type Used []int

// New makes the layers. It reads the files that they name and makes no request. An error
// names the field.
func New(s Settings) (*List, error) {
	s = s.filled()
	if err := s.conflict(); err != nil {
		return nil, err
	}
	l := &List{}
	if s.Token.IsSet() {
		a, err := newBearer("token", s.Token, s)
		if err != nil {
			return nil, err
		}
		l.add("token", a, authorization)
	}
	for _, name := range sortedNames(s.Headers) {
		a, err := newHeader("headers."+name, name, s.Headers[name], s)
		if err != nil {
			return nil, err
		}
		l.add("headers."+name, a, http.CanonicalHeaderKey(name))
	}
	s.Layers = s.Layers.settle(s.ownsAuthorization())
	for i, layer := range s.Layers {
		a, err := layer.authorizer(s.Layers.field(i), s)
		if err != nil {
			return nil, err
		}
		l.add(s.Layers.field(i), a, s.Layers.headers(i)...)
	}
	l.signLast()
	return l, nil
}

// filled are the settings with defaults for what they leave open.
func (s Settings) filled() Settings {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Redactor == nil {
		s.Redactor = &redact.Redactor{}
	}
	return s
}

func (l *List) add(name string, a Authorizer, headers ...string) {
	l.layers = append(l.layers, Named{name, headers, a})
}

// signLast puts the layers that sign a request behind those that add to it.
func (l *List) signLast() {
	var before, signers []Named
	for _, n := range l.layers {
		if _, signs := n.Authorizer.(signer); signs {
			signers = append(signers, n)
		} else {
			before = append(before, n)
		}
	}
	l.layers = append(before, signers...)
}

// signer is an Authorizer whose header depends on the rest of the request.
type signer interface{ signs() }

// Layers are the layers in the order in which they write.
func (l *List) Layers() []Named { return l.layers }

// Authorize writes the credential of every layer into a request.
func (l *List) Authorize(ctx context.Context, r *http.Request, body []byte) (Used, error) {
	used := make(Used, len(l.layers))
	for i, n := range l.layers {
		revision, err := n.Authorize(ctx, r, body)
		if err != nil {
			return nil, err
		}
		used[i] = revision
	}
	return used, nil
}

// Renew replaces the credentials of a request that was answered with 401, and reports
// whether one of them is another than was used. The first error ends it.
func (l *List) Renew(ctx context.Context, used Used) (changed bool, err error) {
	for i, n := range l.layers {
		revision := -1 // no request has been sent with it
		if i < len(used) {
			revision = used[i]
		}
		one, err := n.Renew(ctx, revision)
		if err != nil {
			return false, err
		}
		changed = changed || one
	}
	return changed, nil
}

// Has reports whether a layer writes a header.
func (l *List) Has(header string) bool {
	for _, n := range l.layers {
		for _, h := range n.Headers {
			if h == header {
				return true
			}
		}
	}
	return false
}

// Empty reports whether requests are sent without any credential.
func (l *List) Empty() bool { return len(l.layers) == 0 }
