package connection

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Want is the answer that a request expects when it succeeds.
type Want uint8

const (
	// JSON: a JSON media type and a body that begins and ends as JSON does.
	JSON Want = iota
	// Any: the body as it is.
	Any
)

// Request is one request. Path is relative to Settings.URL, decoded, and starts
// with a slash. Body belongs to the connection from then on.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Body   []byte
	// Again is the body of each further attempt, called before it; nil means
	// the same body.
	Again func() []byte
	// Idempotent means that making it twice does no harm; GET always is.
	Idempotent bool
	// NoRetry means one attempt (and one more with a token read again).
	NoRetry bool
	// Secret means that any answer may hold a secret: no error quotes it, nor its headers.
	Secret bool
	// Reason returns what an error may quote of an answer to a Secret request that reports a
	// failure, such as an error code; nil quotes nothing. It becomes StatusError.Body.
	Reason func(body []byte) string
	// Throttled reports whether a status that has another meaning elsewhere is the server's limit of
	// requests; the request is then made again later. May be nil.
	Throttled func(*StatusError) bool
	Want      Want
	// Parse reads the body of an answer that is what Want says. Its error, with its
	// class and remedy, is that of the attempt.
	Parse func(body []byte) error
	// Stream reads the body of an answer with a status of 200 to 299 while it arrives, with the
	// header of the answer. It takes the place of Want, Parse and Accept, and Response.Body is
	// nil; an HTML page is an error before it is called. It is called once for each attempt. Its
	// error, with its class and remedy, is that of the attempt, unless reading the body failed.
	Stream func(header http.Header, body io.Reader) error
	// HTML means that an HTML page is what Stream expects.
	HTML bool
	// Proven means that this address has answered such requests before: an answer
	// that is no API's, such as an HTML page, is then transient and not a wrong
	// address.
	Proven bool
	// Accept judges a status of 200 to 299 with its body and takes the place of
	// Want; an HTML page is an error before it is asked. Its error says what is
	// wrong without quoting the body; the error's class decides whether the
	// request is made again.
	Accept func(status int, body []byte) error
	// MaxBytes overrides Config.MaxResponse, Timeout Config.Timeout.
	MaxBytes int64
	Timeout  time.Duration
	// Part describes the request for Settings.Observe; Parse may complete it. May be nil.
	Part *component.Part
}

// Response is a complete answer with a status of 200 to 299.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Path is the path that a request for p asks for, with that of the base address.
func (c *Connection) Path(p string) string {
	return strings.TrimSuffix(c.base.Path, "/") + p
}

// repeatable reports whether the request may be made a second time.
func (r Request) repeatable() bool {
	return !r.NoRetry && (r.Idempotent || r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// call is a request that can be sent any number of times.
type call struct {
	Request
	target  *url.URL
	sent    []byte // Body, compressed when that was asked for
	gzipped bool
	timeout time.Duration
	limit   int64
}

const worthCompressing = 1 << 10

// prepare refuses what may not be sent (invariant 8) and does what all
// attempts share.
func (c *Connection) prepare(r Request) (*call, error) {
	if !strings.HasPrefix(r.Path, "/") || !isClean(r.Path) {
		return nil, fault.Errorf(fault.Permanent, "", "%s: the path %q is not absolute and clean", c.s.Name, r.Path)
	}
	if !c.s.Allow(r.Method, r.Path) {
		return nil, fault.Errorf(fault.Fatal, "", "%s: %s %s was not sent: it is not among the requests that "+
			"pipe may send to %s",
			c.s.Name, r.Method, r.Path, c.s.Name)
	}
	k := &call{Request: r, timeout: c.timeout, limit: c.maxResponse}
	if r.Timeout > 0 {
		k.timeout = r.Timeout
	}
	if r.MaxBytes > 0 {
		k.limit = r.MaxBytes
	}
	k.target = c.base.JoinPath((&url.URL{Path: r.Path}).EscapedPath())
	k.target.RawQuery = r.Query.Encode()
	k.carry(r.Body, c.s.Compress)
	return k, nil
}

// carry sets the body of the next attempts.
func (k *call) carry(body []byte, compress bool) {
	k.Body, k.sent, k.gzipped = body, body, false
	if compress && len(body) >= worthCompressing {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(body) // a bytes.Buffer does not fail
		_ = w.Close()
		k.sent, k.gzipped = b.Bytes(), true
	}
}

// isClean reports whether p has neither dot segments nor empty ones.
func isClean(p string) bool {
	return p == "/" || path.Clean(p) == strings.TrimSuffix(p, "/")
}

// relative returns u's path below the base address; ok is false when it is not below it.
func (c *Connection) relative(u *url.URL) (p string, ok bool) {
	p, ok = strings.CutPrefix(u.Path, strings.TrimSuffix(c.base.Path, "/"))
	return p, ok && strings.HasPrefix(p, "/") && isClean(p)
}

// http returns the request to u for one attempt, without credentials.
func (c *Connection) http(ctx context.Context, k *call, u *url.URL) (*http.Request, error) {
	var body io.Reader
	if k.Body != nil {
		body = bytes.NewReader(k.sent)
	}
	req, err := http.NewRequestWithContext(ctx, k.Method, u.String(), body)
	if err != nil {
		return nil, &failure{class: fault.Permanent, text: "the request cannot be made: " + withoutURL(err).Error()}
	}
	req.Header.Set("Accept-Encoding", "identity")
	if c.wantsGzip() {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	if k.Want == Any {
		req.Header.Set("Accept", "*/*")
	} else {
		req.Header.Set("Accept", "application/json")
	}
	if c.s.UserAgent != "" {
		req.Header.Set("User-Agent", c.s.UserAgent)
	}
	if k.Body != nil {
		req.Header.Set("Content-Type", c.s.ContentType)
		if k.gzipped {
			req.Header.Set("Content-Encoding", "gzip")
		}
	}
	return req, nil
}
