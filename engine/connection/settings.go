package connection

import (
	"log/slog"
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

// DeprecationHeader is a header of an API that announces removals, one in each value.
// Sentence makes a sentence of a value, which holds no secret.
type DeprecationHeader struct {
	Name     string
	Sentence func(value string) string
}
