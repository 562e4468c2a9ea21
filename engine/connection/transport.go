package connection

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	// idle is how long an unused connection is kept: Node's servers close
	// theirs after 5 s, and a request that meets the closing is lost.
	idle = 4 * time.Second
	// spare is how many unused connections are kept; about 8 requests are
	// under way at a time.
	spare       = 16
	dialTimeout = 10 * time.Second
)

// newTransport reads the TLS files, gathers the warnings and makes what sends
// the requests. It has no cookies and follows no redirect.
func (c *Connection) newTransport(cfg TLS) (*http.Transport, error) {
	tlsConfig, err := cfg.load()
	if err != nil {
		return nil, err
	}
	local := isLoopback(c.base.Hostname())
	onlyLoopback := c.s.LoopbackOnly
	if c.base.Scheme == "https" && !cfg.Verify {
		if !c.s.InsecureRemote && !local {
			return nil, fault.Errorf(fault.Fatal, "set tls.ca_file to the server's authority instead",
				"tls.verify: false is only possible for an address of this machine, which %s is not",
				c.base.Hostname())
		}
		onlyLoopback = onlyLoopback || !c.s.InsecureRemote
		c.warn("tls.verify is false: anyone on the network path to %s can read the credentials and change the "+
			"responses; use tls.ca_file to trust a private authority", c.base.Hostname())
	}
	if c.base.Scheme == "http" && !local && len(c.credentials.headers()) > 0 {
		c.warn("the address starts with http: credentials go to %s unencrypted", c.base.Hostname())
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // read counts the decompressed bytes
		MaxIdleConnsPerHost:    spare,
		IdleConnTimeout:        idle,
		MaxResponseHeaderBytes: 1 << 20,
	}
	c.distance.near.Store(hostIsNear(c.base.Hostname()))
	if onlyLoopback {
		dialer.Control = refuseRemote
		return t, nil
	}
	dialer.Control = c.distance.dialled
	t.Proxy = c.proxy
	t.OnProxyConnectResponse = refusedByProxy
	return t, nil
}

func (c *Connection) warn(format string, args ...any) {
	c.warnings = append(c.warnings, c.s.Name+": "+fmt.Sprintf(format, args...))
}

// proxy chooses the proxy of a request and keeps its password secret.
func (c *Connection) proxy(r *http.Request) (*url.URL, error) {
	var (
		u   *url.URL
		err error
	)
	if c.s.Proxy != nil {
		u, err = c.s.Proxy(r.URL)
	} else {
		u, err = http.ProxyFromEnvironment(r)
	}
	if err != nil { // its text repeats the address, password included
		return nil, &failure{class: fault.Fatal, text: "the proxy's address is not a URL", remedy: proxyRemedy}
	}
	c.distance.proxied.Store(u != nil)
	if u != nil && u.User != nil {
		password, _ := u.User.Password()
		c.redactor.Add(password)
	}
	return u, nil
}

func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return &failure{class: fault.Fatal, text: "the proxy requires credentials",
			remedy: "set them in HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT, or name the host in NO_PROXY"}
	case resp.StatusCode >= 500:
		return &failure{class: fault.Transient, text: "the proxy " +
			"could not connect: " + resp.Status, remedy: proxyRemedy}
	}
	return &failure{class: fault.Permanent, text: "the proxy refused the connection: " + resp.Status, remedy: proxyRemedy}
}

// refuseRemote lets no connection be made to an address that is not loopback.
// It sees addresses after names were resolved.
func refuseRemote(_, address string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().Unmap().IsLoopback() {
		return nil
	}
	return &failure{class: fault.Fatal,
		text: fmt.Sprintf("%s is not an address of this machine, and only such addresses are allowed here", address)}
}

// isLoopback tells whether host names this machine itself.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
