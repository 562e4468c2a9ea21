package connection

import (
	"context"
	"encoding"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Proxy is the proxy of a connection: its address, or a mapping that has the credentials
// too. The zero value is that of the environment.
type Proxy struct {
	URL      string        `yaml:"url" required:"true" doc:"Its address: http, https or socks5, a host and a port."`
	Username string        `yaml:"username" doc:"The user name that it asks for."`
	Password config.Secret `yaml:"password" doc:"The password that it asks for."`
}

// noProxy is the value of an address that means no proxy, not even that of the environment.
const noProxy = "none"

// settings is Proxy as a mapping.
type settings Proxy

var (
	_ config.Decodable       = (*Proxy)(nil)
	_ config.Described       = (*Proxy)(nil)
	_ config.SecretHolder    = Proxy{}
	_ config.Destined        = Proxy{}
	_ encoding.TextMarshaler = Proxy{}
)

// DecodeNode takes an address, or a mapping. An address that a variable holds may have the
// user name and password in it, as that of HTTPS_PROXY.
func (p *Proxy) DecodeNode(n *config.Node, d *config.Decoder) {
	at := n
	if n.Kind() == config.Scalar {
		if strings.Contains(n.Text(), "@") { // a password of the file itself is hidden, and a warning
			var secret config.Secret
			d.Decode(n, &secret)
			p.URL = secret.Reveal()
		} else {
			d.Decode(n, &p.URL)
		}
		if u, err := url.Parse(p.URL); err == nil && u.User != nil {
			password, _ := u.User.Password()
			p.Username, p.Password, u.User = u.User.Username(), config.NewSecret(password), nil
			p.URL = u.String()
		}
	} else {
		d.Decode(n, (*settings)(p))
		at = n.Get("url")
	}
	if d.Unresolved(at) || p.URL == "" {
		return
	}
	if message, hint := p.problem(); message != "" {
		d.Problem(at, codeConnection, message, hint)
	}
}

// DescribeConfig is a text or a mapping.
func (p *Proxy) DescribeConfig() config.Field {
	return config.Field{Type: "text or mapping", Fields: config.Describe(&settings{})}
}

// SecretAddress is the proxy's.
func (p Proxy) SecretAddress() string { return strings.Replace(p.URL, "socks5://", "http://", 1) }

// Secrets is the password.
func (p Proxy) Secrets() []config.Secret { return []config.Secret{p.Password} }

// MarshalText is the address without the password.
func (p Proxy) MarshalText() ([]byte, error) {
	shown := p.URL
	if at := strings.LastIndexByte(shown, '@'); at >= 0 { // a problem was reported
		shown = "[redacted]" + shown[at:]
	}
	if p.Username != "" {
		shown += " as " + p.Username
	}
	return []byte(shown), nil
}

// problem is what is wrong with the address. It quotes no part of it.
func (p Proxy) problem() (message, hint string) {
	if p.URL == noProxy {
		return "", ""
	}
	const write = "write its scheme, host and port, as http://egress.example.com:3128, or none"
	u, err := url.Parse(p.URL)
	switch {
	case err != nil, u.Hostname() == "":
		return "not the address of a proxy", write
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		return "a proxy of this kind is not supported", "use http, https or socks5"
	case u.User != nil:
		return "the address contains a user name or password", "write them as username and password below proxy"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return "the address of a proxy has no path", write
	case auth.IsMetadata(u.Hostname()):
		return "the address is link-local, where cloud metadata servers are", "write the address of the proxy"
	case p.Password.IsSet() && p.Username == "":
		return "the proxy has a password without a user name", "set username"
	}
	return "", ""
}

// proxyChoice is how a proxy is found for a request.
type proxyChoice struct {
	fixed      *url.URL // that of the file, without credentials; nil leaves it to choose
	withUser   *url.URL
	tlsAddress string // the host and port that are reached by TLS, "" for none
	choose     func(*http.Request) (*url.URL, error)
}

// choose returns how the proxy is found: that of the file, that of the component's code,
// or that of the environment. It is nil for none.
func (p Proxy) choose(own func(*url.URL) (*url.URL, error)) (*proxyChoice, error) {
	switch {
	case p.URL == noProxy:
		return nil, nil
	case p.URL == "" && own != nil:
		return &proxyChoice{choose: func(r *http.Request) (*url.URL, error) { return own(r.URL) }}, nil
	case p.URL == "":
		return &proxyChoice{choose: http.ProxyFromEnvironment}, nil
	}
	if message, hint := p.problem(); message != "" {
		return nil, fault.Errorf(fault.Fatal, hint, "proxy: %s", message)
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, errors.New("proxy: not the address of a proxy")
	}
	out := &proxyChoice{fixed: u}
	sent := *u
	if u.Scheme == "https" { // the dialer speaks TLS to it, without the client certificate
		sent.Scheme = "http"
		sent.Host = net.JoinHostPort(u.Hostname(), port(u))
		out.tlsAddress = sent.Host
	}
	if p.Username != "" {
		sent.User = url.UserPassword(p.Username, p.Password.Reveal())
	}
	out.withUser = &sent
	return out, nil
}

// proxyOf is how a transport finds its proxy; note keeps whether the origin is behind one.
func (c *Connection) proxyOf(note bool) func(*http.Request) (*url.URL, error) {
	if c.proxy == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) {
		u, err := c.proxy.of(r)
		if err != nil {
			return nil, err
		}
		if note {
			c.distance.proxied.Store(u != nil)
		}
		if u != nil && u.User != nil {
			password, _ := u.User.Password()
			c.redactor.Add(password)
		}
		return u, nil
	}
}

// of chooses the proxy of a request. A metadata server is never behind one.
func (p *proxyChoice) of(r *http.Request) (*url.URL, error) {
	if auth.IsMetadata(r.URL.Hostname()) {
		return nil, nil
	}
	if p.fixed != nil {
		return p.withUser, nil
	}
	u, err := p.choose(r)
	if err != nil { // its text repeats the address, password included
		return nil, &failure{class: fault.Fatal, text: "the proxy's address is not a URL", remedy: envRemedy}
	}
	return u, nil
}

// isAt reports whether an address to dial is that of the file's proxy.
func (p *proxyChoice) isAt(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && p != nil && p.fixed != nil && strings.EqualFold(p.fixed.Hostname(), host)
}

// remedy is what to check when a proxy does not work.
func (p *proxyChoice) remedy() string {
	if p != nil && p.fixed != nil {
		return "check proxy"
	}
	return envRemedy
}

const envRemedy = "check HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY"

const wrongProxyUser = "the proxy does not accept the user name and password"

func refusedByProxy(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	f := &failure{class: fault.Permanent, proxy: true, text: "the proxy refused the connection: " + resp.Status}
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusProxyAuthRequired && proxy.User != nil:
		f.class, f.text = fault.Fatal, wrongProxyUser
	case resp.StatusCode == http.StatusProxyAuthRequired:
		f.class, f.text = fault.Fatal, "the proxy requires credentials"
		f.remedy = "set them as username and password below proxy, or in HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT"
	case resp.StatusCode >= 500:
		f.class, f.text = fault.Transient, "the proxy could not connect: "+resp.Status
	}
	return f
}
