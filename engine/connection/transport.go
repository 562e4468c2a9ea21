package connection

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	// idle is how long an unused connection is kept: Node's servers close theirs after 5 s,
	// and a request during the close is lost.
	idle = 4 * time.Second
	// spare is how many unused connections are kept; about 8 requests are
	// under way at a time.
	spare       = 16
	dialTimeout = 10 * time.Second
)

// transports send the requests of a connection.
type transports struct {
	// origin sends those of the component, with the client certificate.
	origin *http.Transport
	// fetch sends those by which credentials are obtained from addresses of the file,
	// cloud those of cloud libraries to addresses of their own.
	fetch, cloud *http.Transport
}

// newTransports reads the TLS files and collects the warnings. No transport has cookies or
// follows redirects.
func (c *Connection) newTransports(cfg Config) error {
	local := auth.IsLoopback(c.base.Hostname())
	onlyLoopback := c.s.LoopbackOnly
	if c.base.Scheme == "https" && !cfg.TLS.Verify {
		if !c.s.InsecureRemote && !local {
			return fault.Errorf(fault.Fatal, "set tls.ca_file to the server's authority instead",
				"tls.verify: false is only possible for an address of this machine, which %s is not",
				c.base.Hostname())
		}
		onlyLoopback = onlyLoopback || !c.s.InsecureRemote
		c.warn("tls.verify is false: anyone on the network path to %s can read the credentials and change the "+
			"responses; use tls.ca_file to trust a private authority", c.base.Hostname())
	}
	own, err := c.loadTLS(cfg.TLS)
	if err != nil {
		return err
	}
	other, err := TLS{Verify: true, CAFile: cfg.TLS.CAFile}.load()
	if err != nil {
		return err
	}
	if c.proxy, err = cfg.Proxy.choose(c.s.Proxy); err != nil {
		return err
	}
	c.distance.near.Store(hostIsNear(c.base.Hostname()))
	d := dialer{local: cfg.localAddress(), tls: other, proxy: c.proxy}
	fromFile := d.guarded(refuseMetadata)
	toOrigin := d.guarded(func(network, address string, raw syscall.RawConn) error {
		_ = c.distance.dialled(network, address, raw)
		return refuseMetadata(network, address, raw)
	})
	toOrigin.source = c.source
	toCloud := d.guarded(nil)
	if onlyLoopback {
		toOrigin, c.proxy = dialer{source: c.source}.guarded(refuseRemote), nil
	}
	if c.s.LoopbackOnly {
		fromFile, toCloud = toOrigin, toOrigin
	}
	c.transport.origin = toOrigin.transport(own, c.proxyOf(true))
	if c.s.Way != nil {
		c.transport.origin = dialer{}.transport(c.s.Way.TLS(), nil)
		c.transport.origin.DialContext = c.s.Way.DialContext
	}
	if c.s.HTTP1 || c.s.Way != nil {
		c.transport.origin.ForceAttemptHTTP2 = false
		c.transport.origin.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	c.transport.fetch = fromFile.transport(other, c.proxyOf(false))
	c.transport.cloud = toCloud.transport(other, c.proxyOf(false))
	return nil
}

// refusePlain refuses credentials that would be sent unencrypted, or warns of them where the
// user allows that.
func (c *Connection) refusePlain(allowed bool) error {
	switch {
	case !isPlain(c.base) || c.auth.Empty():
		return nil
	case !allowed:
		return fault.Errorf(fault.Fatal, encryptRemedy,
			"the address starts with http: the credentials would be sent to %s unencrypted", c.base.Hostname())
	}
	c.warn("insecure_http is true: the credentials are sent to %s unencrypted", c.base.Hostname())
	return nil
}

func (c *Connection) warn(format string, args ...any) {
	c.warnings = append(c.warnings, c.s.Name+": "+fmt.Sprintf(format, args...))
}

// dialer connects to a server or its proxy.
type dialer struct {
	local   net.Addr
	control func(network, address string, raw syscall.RawConn) error
	tls     *tls.Config             // for a proxy that is reached by TLS
	proxy   *proxyChoice            // nil for none
	source  *atomic.Pointer[string] // where the address of this machine is noted; may be nil
}

func (d dialer) guarded(control func(network, address string, raw syscall.RawConn) error) dialer {
	d.control = control
	return d
}

// transport sends requests by the dialer.
func (d dialer) transport(own *tls.Config, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		DialContext:            d.dial,
		TLSClientConfig:        own,
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // read counts the decompressed bytes
		MaxIdleConnsPerHost:    spare,
		IdleConnTimeout:        idle,
		MaxResponseHeaderBytes: 1 << 20,
		Proxy:                  proxy,
		OnProxyConnectResponse: refusedByProxy,
	}
}

// dial connects to an address, and by TLS to the proxy of the file when that asks for it.
func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	control := d.control
	if control == nil && d.proxy.isAt(address) { // the address of the proxy is of the file
		control = refuseMetadata
	}
	nd := net.Dialer{Timeout: dialTimeout, LocalAddr: d.local, Control: control}
	conn, err := nd.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if host, _, err := net.SplitHostPort(conn.LocalAddr().String()); err == nil && d.source != nil {
		d.source.Store(&host)
	}
	if d.proxy == nil || d.proxy.tlsAddress != address {
		return conn, nil
	}
	own := d.tls.Clone()
	own.ServerName, own.NextProtos = d.proxy.fixed.Hostname(), nil
	secure := tls.Client(conn, own)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &net.OpError{Op: "proxyconnect", Net: network, Err: err}
	}
	return secure, nil
}

// refuseRemote refuses connections to addresses that are not loopback. It gets addresses
// after names were resolved.
func refuseRemote(_, address string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().Unmap().IsLoopback() {
		return nil
	}
	return &failure{class: fault.Fatal,
		text: fmt.Sprintf("%s is not an address of this machine, and only such addresses are allowed here", address)}
}

// refuseMetadata refuses connections to link-local addresses and to a cloud's metadata
// server, whatever name they were resolved from.
func refuseMetadata(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !auth.IsMetadataAddress(a.Addr()) {
		return nil
	}
	return &failure{class: fault.Fatal, remedy: "check the address, and what this network resolves its name to",
		text: fmt.Sprintf("%s is a link-local address, where cloud metadata servers are; no pipeline file may name one",
			address)}
}
