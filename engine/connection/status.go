package connection

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

const maxExcerpt = 500

// statusFault says what a status beyond 200 to 299 means.
func (c *Connection) statusFault(resp *http.Response, body []byte) *failure {
	e := &StatusError{
		Status:     resp.StatusCode,
		Body:       c.excerpt(c.whole(body), maxExcerpt),
		RetryAfter: retryAfter(resp.StatusCode, resp.Header, time.Now()),
		RequestID:  c.excerpt(resp.Header.Get("X-Request-Id"), maxTitle),
	}
	title, page := htmlPage(resp.Header.Get("Content-Type"), body)
	if page {
		e.Reason = c.pageName(title)
	} else if e.Reason = c.excerpt(message(body), maxExcerpt); e.Reason == "" {
		e.Reason = e.Body
	}
	f := &failure{class: classOf(e), delay: e.RetryAfter, text: e.Error(), cause: e}
	switch {
	case e.Status == http.StatusUnauthorized:
		f.remedy = c.refusedRemedy()
	case e.Status == http.StatusProxyAuthRequired:
		f.remedy = c.proxy.remedy()
	case page && e.Status < 500:
		who, remedy := c.page(resp, body)
		f.text += " instead of the API's response: " + who
		f.remedy = remedy
	case e.Status == http.StatusForbidden:
		f.remedy = fmt.Sprintf("check what the credentials of %s may do%s", c.s.Name, c.allowList())
	case f.class == fault.Throttled:
		f.remedy = fmt.Sprintf("request less from %s at a time, or raise its rate limit", c.s.Name)
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		if skew := auth.Skew(resp.Header, time.Now()); skew != "" {
			f.text += "; " + skew
			f.remedy = "set this machine's clock: credentials are valid for a time"
		}
	}
	return f
}

func (c *Connection) refusedRemedy() string {
	if !c.auth.Has("Authorization") {
		return fmt.Sprintf("%s requires a token and none is set: set `token`", c.s.Name)
	}
	return fmt.Sprintf(
		"the token of %s was refused: check that it is complete, not expired, and meant for this address",
		c.s.Name,
	)
}

// classOf is what may be done about a status.
func classOf(e *StatusError) fault.Class {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return fault.Fatal
	case http.StatusTooManyRequests:
		return fault.Throttled
	case http.StatusRequestTimeout, http.StatusTooEarly:
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return fault.Permanent
	default:
		if e.Status < 500 {
			return fault.Permanent
		}
	}
	if e.RetryAfter > 0 {
		return fault.Throttled
	}
	return fault.Transient
}

// message is the sentence in a JSON answer that reports a failure, "" when
// there is none: Backstage's {"error":{"name","message"}}, and the shapes
// usual elsewhere.
func message(body []byte) string {
	v, err := codec.Decode(body)
	if err != nil {
		return ""
	}
	if inner, ok := v["error"].(map[string]any); ok {
		v = inner
	}
	for _, name := range []string{"message", "detail", "error_description", "title", "error"} {
		if s, ok := v[name].(string); ok && s != "" {
			if kind, ok := v["name"].(string); ok && kind != "" && name == "message" {
				return kind + ": " + s
			}
			return s
		}
	}
	return ""
}

// whole is an error's body, without the end when it was cut there: a secret cut
// in two would not be recognised.
func (c *Connection) whole(body []byte) string {
	s := c.redactor.Clean(string(body))
	if len(body) < maxErrorBody {
		return s
	}
	return s[:max(0, len(s)-maxErrorBody/4)]
}

// excerpt is the beginning of a text from outside, fit for a person's eyes:
// without secrets, control characters and runs of white space.
func (c *Connection) excerpt(s string, limit int) string {
	s = strings.ToValidUTF8(c.redactor.Clean(s), "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
