package connection

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Settings is what the component's code decides about its connection.
type Settings struct {
	// Name is the component's, such as "backstage", for errors and logs.
	Name string
	// URL is the base address: http or https, a path prefix if need be, no
	// user information, no query.
	URL string
	// Token is sent as a bearer token; empty means none.
	Token config.Secret
	// UserAgent is pipe/VERSION (PIPELINE; run ID).
	UserAgent string
	// Allow names the requests that may be made (invariant 8). The path is
	// relative to URL, decoded, and starts with a slash. Required.
	Allow func(method, path string) bool
	// Deprecation is the header in which answers announce removals, in addition to
	// Deprecation (RFC 9745) and Sunset (RFC 8594); the zero value is none.
	Deprecation DeprecationHeader
	// Rate is the most attempts a second, with bursts of Burst; 0 means no limit.
	Rate  float64
	Burst int
	// Retry is the policy; zero means fault.DefaultRetry. The user's
	// Config.Retries bounds it.
	Retry fault.Retry
	// LoopbackOnly refuses every address that is not loopback, after names
	// were resolved, and uses no proxy.
	LoopbackOnly bool
	// InsecureRemote allows tls.verify: false for addresses beyond loopback.
	InsecureRemote bool
	// ContentType of request bodies; empty means application/json.
	ContentType string
	// HTTP1 uses HTTP/1.1 alone, for requests that turn the connection into another one.
	HTTP1 bool
	// Way is another way to the server than a connection from this machine; nil means none. The
	// keys tls, proxy and local_address of Config have no effect with it.
	Way Way
	// Watch is called before each attempt is sent, with the size of its body. Its error refuses the
	// request. The function that it returns is called once, when the answer has ended, with the
	// status (0 when there was none) and the bytes of its body. May be nil.
	Watch func(r *http.Request, body int) (ended func(status int, received int64), err error)
	// Compress sends request bodies of a kilobyte and more with gzip.
	Compress bool
	// Proxy chooses the proxy for an address; nil means that of the
	// environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
	Proxy func(*url.URL) (*url.URL, error)
	// Redactor receives the secrets and removes them from errors and log lines; nil means one
	// of the connection's own.
	Redactor *redact.Redactor
	// Log receives warnings, retries and, at debug, failed attempts; nil drops them.
	Log *slog.Logger
	// Observe is called after every attempt, from several goroutines. It does not keep the Part. May
	// be nil.
	Observe func(component.Attempt)
}

// Way leads to a server that this machine cannot reach by itself. Its errors are *fault.Error. It is
// safe for concurrent use.
type Way interface {
	// DialContext opens a stream to the server, over which the connection speaks TLS.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is the configuration of that TLS.
	TLS() *tls.Config
	// Prepare adds to the header of a request what the way needs.
	Prepare(h http.Header)
	// Failure returns the error that an answer of the way itself reports; nil for an answer of the
	// server.
	Failure(status int, h http.Header) error
}

// DeprecationHeader is a header of an API that announces removals, one in each value.
// Sentence makes a sentence of a value, which holds no secret.
type DeprecationHeader struct {
	Name     string
	Sentence func(value string) string
}
