package connection

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/pipe-engine/pipe/engine/fault"
)

// networkFault returns the fault for a missing or incomplete answer from u. name describes
// the server.
func (c *Connection) networkFault(err error, u *url.URL, name string) error {
	var f *failure
	if errors.As(err, &f) { // of a guard at the dial, or of a proxy
		return c.ofProxy(f)
	}
	if known := (*fault.Error)(nil); errors.As(err, &known) { // of a Way
		return &failure{class: known.Class, delay: known.Delay, text: known.Error(), remedy: fault.RemedyOf(known)}
	}
	if f := c.proxyFault(err); f != nil {
		return f
	}
	if f := c.tlsFault(err, u); f != nil {
		return f
	}
	var (
		dns     *net.DNSError
		timeout net.Error
		op      *net.OpError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return &failure{class: fault.Permanent, text: fmt.Sprintf("unknown host %s", u.Hostname()),
			remedy: fmt.Sprintf("check the address of %s and that this network can resolve it", name)}
	case errors.As(err, &timeout) && timeout.Timeout():
		return timedOut(fmt.Sprintf("%s did not answer in time", u.Host))
	case isRefused(err):
		return &failure{class: fault.Transient, text: fmt.Sprintf("%s refused the connection", u.Host),
			remedy: fmt.Sprintf("check that %s runs and listens at this address", name)}
	case isCut(err) && c.s.Way != nil:
		return &failure{class: fault.Transient, text: "the agent was lost before its response was complete",
			remedy: "check that the agent and the hub run"}
	case isCut(err):
		f = &failure{class: fault.Transient,
			text:   fmt.Sprintf("%s closed the connection before its response was complete", u.Host),
			remedy: "check the server's log" + c.allowList()}
		if u.Scheme == "https" {
			f.remedy += "; a server that rejects the client certificate closes the connection like this too: " + clientRemedy
		}
		return f
	case errors.As(err, &op) && op.Op == "dial":
		return &failure{class: fault.Transient, text: fmt.Sprintf("no connection to %s: %v", u.Host, op.Err),
			remedy: "check the address and that this network reaches it"}
	case strings.Contains(err.Error(), "malformed HTTP"):
		return &failure{class: fault.Permanent, text: fmt.Sprintf("%s does not answer as an HTTP server", u.Host),
			remedy: "check the address, its port, and whether it should start with https"}
	case strings.Contains(err.Error(), "invalid header"):
		return &failure{class: fault.Permanent, text: err.Error()}
	}
	return &failure{
		class: fault.Transient,
		text:  fmt.Sprintf("the connection to %s broke: %v", u.Host, withoutURL(err)),
	}
}

// isCut reports whether the server closed the connection. The last text is the only one of
// HTTP/2 for a close right after the handshake.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err) ||
		strings.Contains(err.Error(), "client conn could not be established")
}

// proxyFault returns the fault of a proxy; nil when err is not about one.
func (c *Connection) proxyFault(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "proxyconnect" && !strings.HasPrefix(op.Op, "socks") {
		return nil
	}
	var f *failure
	if strings.Contains(op.Err.Error(), "authentication failed") { // SOCKS
		return &failure{class: fault.Fatal, text: wrongProxyUser, remedy: c.proxy.remedy()}
	}
	if errors.As(op.Err, &f) {
		return c.ofProxy(f)
	}
	return &failure{class: fault.Transient, text: fmt.Sprintf("no connection through the proxy: %v", op.Err),
		remedy: c.proxy.remedy()}
}

// ofProxy adds what to check to what a proxy answered.
func (c *Connection) ofProxy(f *failure) *failure {
	if !f.proxy || f.remedy != "" {
		return f
	}
	out := *f
	out.remedy = c.proxy.remedy()
	return &out
}

// tlsFault returns the fault of a certificate or of missing TLS; nil when err is not about
// one.
func (c *Connection) tlsFault(err error, u *url.URL) error {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		record    tls.RecordHeaderError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		op        *net.OpError
		refuse    = func(remedy, format string, args ...any) error {
			return &failure{class: fault.Fatal, remedy: remedy, text: fmt.Sprintf(format, args...)}
		}
	)
	switch {
	case errors.As(err, &record):
		return refuse("use http:// in the address, or another port",
			"%s does not speak TLS, but the address starts with https", u.Host)
	case errors.As(err, &authority):
		return refuse("set `tls.ca_file` to the authority's certificate",
			"the certificate of %s is signed by an untrusted authority", u.Host)
	case errors.As(err, &name):
		return refuse("use a name of the certificate in the address, or set `tls.server_name` to it",
			"the certificate of %s is for another name: %v", u.Host, name)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return refuse("renew the certificate, and check this machine's clock",
			"the certificate of %s is expired or not valid yet: %v", u.Host, invalid)
	case errors.As(err, &verify):
		return refuse(
			"check `tls` against the server's certificate",
			"the certificate of %s is not accepted: %v",
			u.Host,
			verify.Err,
		)
	case errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Err.Error(), "certificate"):
		return refuse(clientRemedy, "%s does not accept the client certificate: %v", u.Host, op.Err)
	}
	return nil
}

const clientRemedy = "check `tls.cert_file` and `tls.key_file`"

// allowList names the address that requests come from, for a server that lets only some
// addresses in; "" when none was made.
func (c *Connection) allowList() string {
	source := c.source.Load()
	if source == nil {
		return ""
	}
	return ", and whether an allow list in front of it lets " + *source + c.byProxy() + " in"
}

// byProxy is how requests get to the server when a proxy is in between.
func (c *Connection) byProxy() string {
	if !c.distance.proxied.Load() {
		return ""
	}
	return ", or the proxy that this machine uses,"
}

// withoutURL is what url.Error wraps, as its text repeats a whole address.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
