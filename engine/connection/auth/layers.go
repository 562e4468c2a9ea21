package auth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Layers are the value of `auth:`, a list of schemes.
type Layers []Layer

// Layer is one item of `auth:`. Exactly one scheme is set.
type Layer struct {
	Bearer           *Bearer           `yaml:"bearer" doc:"A token in Authorization. token is its short form."`
	Basic            *Basic            `yaml:"basic" doc:"A user name and password in Authorization."`
	Header           *Header           `yaml:"header" doc:"A secret in a header of your choice."`
	OAuth2           *OAuth2           `yaml:"oauth2" doc:"A token of an identity provider, by the client credentials grant or the sign-in of a person."`
	SignedJWT        *SignedJWT        `yaml:"signed_jwt" doc:"A JSON Web Token that pipe signs with a shared secret (HS256)."`
	GoogleIAP        *GoogleIAP        `yaml:"google_iap" doc:"An ID token for Google's Identity-Aware Proxy."`
	AWSSigV4         *AWSSigV4         `yaml:"aws_sigv4" doc:"A signature with AWS credentials, for a server behind AWS IAM."`
	CloudflareAccess *CloudflareAccess `yaml:"cloudflare_access" doc:"A service token of Cloudflare Access."`

	node *config.Node // nil when no file has it
}

// scheme is what each kind of layer implements.
type scheme interface {
	// headers are the canonical names of the headers that it writes.
	headers() []string
	authorizer(field string, s Settings) (Authorizer, error)
}

// scheme is the one that is set with its key, nil when none is.
func (l Layer) scheme() (string, scheme) {
	switch {
	case l.Bearer != nil:
		return "bearer", l.Bearer
	case l.Basic != nil:
		return "basic", l.Basic
	case l.Header != nil:
		return "header", l.Header
	case l.OAuth2 != nil:
		return "oauth2", l.OAuth2
	case l.SignedJWT != nil:
		return "signed_jwt", l.SignedJWT
	case l.GoogleIAP != nil:
		return "google_iap", l.GoogleIAP
	case l.AWSSigV4 != nil:
		return "aws_sigv4", l.AWSSigV4
	case l.CloudflareAccess != nil:
		return "cloudflare_access", l.CloudflareAccess
	}
	return "", nil
}

func (l Layer) authorizer(field string, s Settings) (Authorizer, error) {
	_, one := l.scheme()
	if one == nil {
		return nil, fmt.Errorf("%s: no scheme is set", field)
	}
	return one.authorizer(field, s)
}

var (
	_ config.Decodable = (*Layers)(nil)
	_ config.Described = (*Layers)(nil)
)

// DecodeNode decodes each item and reports two layers that write one header.
func (l *Layers) DecodeNode(n *config.Node, d *config.Decoder) {
	if n.Kind() != config.List {
		hint := "start each scheme with a dash: - oauth2: …"
		if entries := n.Entries(); len(entries) > 0 {
			hint = "start each scheme with a dash: - " + entries[0].Key + ": …"
		}
		d.Problem(n, "wrong-kind", "auth is a list of schemes", hint)
		return
	}
	for _, item := range n.Items() {
		layer := Layer{}
		if entries := item.Entries(); item.Kind() == config.Mapping && len(entries) != 1 {
			d.Problem(item, codeConnection, "an item of auth holds exactly one scheme",
				"write each scheme as an item of its own: - "+strings.Join(schemes(), ": or - ")+":")
			continue
		} else if len(entries) == 1 && entries[0].Value.IsNull() && slices.Contains(schemes(), entries[0].Key) {
			d.KeyProblem(entries[0], codeConnection, entries[0].Key+" has no settings",
				"write its settings below it, indented by four spaces")
			continue
		}
		d.Decode(item, &layer)
		layer.node = item
		*l = append(*l, layer)
	}
	l.claims(d)
}

// claims reports each layer that writes a header which one before it writes.
func (l Layers) claims(d *config.Decoder) {
	settled := l.settle(false)
	for i := range settled {
		name, _ := l[i].scheme()
		for j := range i {
			shared := slices.IndexFunc(settled.headers(i), func(h string) bool {
				return slices.Contains(settled.headers(j), h)
			})
			if shared < 0 {
				continue
			}
			other, _ := l[j].scheme()
			d.Problem(l[i].node, codeConnection, fmt.Sprintf("%s and %s both write the header %s (%s is at %v)", other, name,
				settled.headers(i)[shared], other, l[j].node.Pos()), "remove one of the two, or give one of them another header")
			break
		}
	}
}

// DescribeConfig is a list of mappings with one key each.
func (l *Layers) DescribeConfig() config.Field {
	f := config.DescribeType(&[]Layer{})
	f.Choice = schemes()
	return f
}

// schemes are the keys of a layer.
func schemes() []string {
	var out []string
	for _, f := range config.Describe(&Layer{}) {
		out = append(out, f.Name)
	}
	return out
}

// field is how errors call a layer.
func (l Layers) field(i int) string {
	name, _ := l[i].scheme()
	return fmt.Sprintf("auth.%d.%s", i, name)
}

// headers are those that a layer writes.
func (l Layers) headers(i int) []string {
	_, one := l[i].scheme()
	if one == nil {
		return nil
	}
	return one.headers()
}

// settle gives google_iap Proxy-Authorization where its header is auto and another layer,
// or owned, which is token or headers, writes Authorization.
func (l Layers) settle(owned bool) Layers {
	out := slices.Clone(l)
	for i := range out {
		iap := out[i].GoogleIAP
		if iap == nil || iap.Header != "" && iap.Header != "auto" {
			continue
		}
		elsewhere := owned
		for j := range out {
			elsewhere = elsewhere || j != i && slices.Contains(out.headers(j), authorization)
		}
		one := *iap
		one.Header = authorization
		if elsewhere {
			one.Header = proxyAuthorization
		}
		out[i].GoogleIAP = &one
	}
	return out
}

// Conflict is what is wrong when token or a header of headers writes a header that a layer
// writes too; "" when nothing is.
func (l Layers) Conflict(header string) (message, hint string) {
	settled := l.settle(header == authorization)
	for i := range settled {
		if name, _ := l[i].scheme(); slices.Contains(settled.headers(i), header) {
			where := ""
			if l[i].node != nil {
				where = fmt.Sprintf(" (%v)", l[i].node.Pos())
			}
			return fmt.Sprintf("this and auth.%d, %s%s, both write the header %s", i, name, where, header),
				"remove one of the two"
		}
	}
	return "", ""
}

// ownsAuthorization reports whether token or headers write Authorization.
func (s Settings) ownsAuthorization() bool {
	if s.Token.IsSet() {
		return true
	}
	for name := range s.Headers {
		if http.CanonicalHeaderKey(name) == authorization {
			return true
		}
	}
	return false
}

// conflict is the error of two owners of one header.
func (s Settings) conflict() error {
	if s.Token.IsSet() {
		if message, _ := s.Layers.Conflict(authorization); message != "" {
			return errors.New("token: " + message)
		}
	}
	for _, name := range sortedNames(s.Headers) {
		key := http.CanonicalHeaderKey(name)
		if s.Token.IsSet() && key == authorization {
			return errors.New("headers: token sets Authorization; use only one of the two")
		}
		if message, _ := s.Layers.Conflict(key); message != "" {
			return errors.New("headers." + name + ": " + message)
		}
	}
	return nil
}

// SignIn is a layer that uses the sign-in of a person.
type SignIn struct {
	Layer string // as auth.0.oauth2
	*OAuth2
}

// SignIns are the layers that use the sign-in of a person, in their order.
func (l Layers) SignIns() (out []SignIn) {
	for i, layer := range l {
		if o := layer.OAuth2; o != nil && o.RefreshToken.IsSet() {
			out = append(out, SignIn{l.field(i), o})
		}
	}
	return out
}
