package web

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Options say where a server listens.
type Options struct {
	// Listen is a host and a port; port 0 is a free one.
	Listen string
	// PublicURL is the address under which people open the pages, when it is not that of Listen.
	PublicURL string
	// CertFile and KeyFile are the certificate of the server and its key, in PEM. They are read
	// again when they change. "" means no TLS.
	CertFile, KeyFile string
	// BehindProxy are the addresses of proxies that add TLS. Requests of others are refused.
	BehindProxy []string
	// WebhookSecretFile has the secret that signs webhooks; "" means that there are none.
	WebhookSecretFile string
	// OpenIDFile has the OpenID provider at which people sign in, and their roles; "" means that
	// there is none.
	OpenIDFile string
	// Lookup returns the value of a variable of OpenIDFile; nil means that none is set.
	Lookup func(name string) (string, bool)
}

// Check returns a *fault.Invalid when a server must not listen like this.
func (o Options) Check() error {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return invalid("--listen "+o.Listen+" is not an address", "write a host and a port, such as 127.0.0.1:7979")
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return invalid("a certificate needs its key", "write both --tls-cert and --tls-key")
	}
	tls, proxied := o.CertFile != "", len(o.BehindProxy) > 0
	if _, err := o.proxies(); err != nil {
		return err
	}
	local := auth.IsLoopback(host)
	if !local && !tls && !proxied {
		return invalid("--listen "+o.Listen+" is open to other machines, and nothing encrypts what they send",
			"add --tls-cert and --tls-key, or --behind-proxy with the addresses of a proxy that adds TLS")
	}
	if proxied && tls {
		return invalid("--behind-proxy is for a proxy that adds TLS, but this server has a certificate", "use one of the two")
	}
	if o.PublicURL == "" {
		if !local || proxied {
			return invalid("the address that people open is not known",
				"write it as --public-url, such as https://pipe.example.com")
		}
		return nil
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return invalid("--public-url "+o.PublicURL+" is not the address of a server",
			"write a scheme and a host without a path, such as https://pipe.example.com")
	}
	if secure := tls || proxied; u.Scheme != map[bool]string{true: "https", false: "http"}[secure] {
		return invalid(fmt.Sprintf("--public-url %s does not fit: the server is opened with %s", o.PublicURL,
			map[bool]string{true: "https", false: "http"}[secure]), "correct the scheme, or add a certificate")
	}
	if u.Scheme == "http" && !auth.IsLoopback(u.Hostname()) {
		return invalid("--public-url "+o.PublicURL+" is not encrypted",
			"add --tls-cert and --tls-key, or --behind-proxy with the addresses of a proxy that adds TLS")
	}
	return nil
}

func invalid(reason, remedy string) error { return &fault.Invalid{Reason: reason, Remedy: remedy} }

// pair returns the files of the certificate.
func (o Options) pair() connection.PairFiles {
	return connection.PairFiles{CertFile: o.CertFile, KeyFile: o.KeyFile, CertSetting: "--tls-cert",
		KeySetting: "--tls-key"}
}

// proxies returns BehindProxy as ranges of addresses.
func (o Options) proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range o.BehindProxy {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, addressErr := netip.ParseAddr(text)
			if addressErr != nil {
				return nil, invalid("--behind-proxy "+text+" is not an address or a range", "write it as 10.0.0.0/8")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Bits() == 0 {
			return nil, invalid("--behind-proxy "+text+" is every address", "write those of the proxy alone")
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// origins returns the addresses of the server as browsers write them, with the address on which
// it listens.
func (o Options) origins(listening net.Addr) []string {
	scheme := "http"
	if o.CertFile != "" || len(o.BehindProxy) > 0 {
		scheme = "https"
	}
	var out []string
	if o.PublicURL != "" {
		out = append(out, strings.ToLower(strings.TrimSuffix(o.PublicURL, "/")))
	}
	if len(o.BehindProxy) > 0 {
		return out // people open the address of the proxy
	}
	host, port, err := net.SplitHostPort(listening.String())
	if err != nil {
		return out
	}
	names := []string{host}
	if auth.IsLoopback(host) {
		names = append(names, "localhost")
	}
	for _, name := range names {
		origin := url.URL{Scheme: scheme, Host: net.JoinHostPort(name, port)}
		if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
			origin.Host = name
		}
		out = append(out, origin.String())
	}
	return out
}
