package connection

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// maxErrorBody is how much of an answer that reports a failure is read.
const maxErrorBody = 64 << 10

// read reads the whole answer and checks that it is what k wants. The caller closes the
// body.
func (c *Connection) read(k *call, resp *http.Response) (*Response, error) {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		body, _ := take(resp, maxErrorBody, 0) // whatever can be read of it
		if k.Secret && k.Reason != nil {
			body = []byte(k.Reason(body))
		} else if k.Secret {
			body = nil
		}
		f := c.statusFault(resp, body)
		if s := (*StatusError)(nil); k.Throttled != nil && errors.As(f.cause, &s) && k.Throttled(s) {
			f.class = fault.Throttled
		}
		return nil, f
	}
	if k.Stream != nil {
		return c.stream(k, resp)
	}
	body, err := take(resp, k.limit, int(c.expected.Load()))
	c.expected.Store(int64(len(body)))
	switch {
	case errors.Is(err, ErrTooLarge):
		return nil, c.tooLarge(k)
	case errors.Is(err, errEncoding):
		return nil,
			&failure{class: fault.Permanent,
				text: fmt.Sprintf("the response has the encoding %q, which was not requested",
					resp.Header.Get("Content-Encoding"))}
	case err != nil:
		return nil, &failure{class: fault.Transient, text: fmt.Sprintf("the response ended early: %v", err)}
	}
	if err := c.judge(k, resp, body); err != nil {
		return nil, err
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// hideHeaders removes from the header of an answer that may hold a secret what errors and
// logs quote.
func hideHeaders(h http.Header) {
	kind := h.Get("Content-Type")
	media, _, _ := mime.ParseMediaType(kind)
	switch {
	case isJSON(kind):
		kind = "application/json"
	case media == "text/html", media == "application/xhtml+xml":
		kind = "text/html"
	case kind != "":
		kind = "of another kind"
	}
	encoding := strings.ToLower(h.Get("Content-Encoding"))
	if encoding != "" && encoding != "identity" && encoding != "gzip" && encoding != "x-gzip" {
		encoding = "of another kind"
	}
	kept := http.Header{"Content-Type": {kind}, "Content-Encoding": {encoding}}
	for _, name := range []string{"Date", "Retry-After", "Location", "Deprecation", "Sunset"} {
		kept[name] = h.Values(name)
	}
	clear(h)
	maps.Copy(h, kept)
}

func (c *Connection) tooLarge(k *call) *failure {
	f := &failure{class: fault.Permanent, cause: ErrTooLarge,
		text: fmt.Sprintf("the response is larger than %v", config.Bytes(k.limit))}
	if k.MaxBytes <= 0 {
		f.remedy = fmt.Sprintf("request less at a time, or raise `max_response` of %s", c.s.Name)
	}
	return f
}

var errEncoding = errors.New("unknown content encoding")

// plainBody returns the decompressed body and its size, -1 when that is not known; nil for an
// empty compressed one.
func plainBody(resp *http.Response) (r io.Reader, size int64, err error) {
	switch strings.ToLower(resp.Header.Get("Content-Encoding")) {
	case "", "identity":
		return resp.Body, resp.ContentLength, nil
	case "gzip", "x-gzip":
		b := bufio.NewReader(resp.Body)
		if _, err := b.Peek(1); err == io.EOF {
			return nil, 0, nil
		}
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, 0, err
		}
		return z, -1, nil
	}
	return nil, 0, errEncoding
}

// take reads and decompresses the whole body. A body of more than limit bytes is
// ErrTooLarge, with its beginning. If the answer does not say how long it is, the buffer
// starts with a quarter more than expected.
func take(resp *http.Response, limit int64, expected int) ([]byte, error) {
	r, size, err := plainBody(resp)
	if r == nil {
		return nil, err
	}
	var buf bytes.Buffer
	switch {
	case size > 0 && size <= limit:
		buf.Grow(int(size) + bytes.MinRead)
	case size < 0 && expected > 0:
		buf.Grow(int(min(int64(expected+expected/4), limit)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	if n > limit {
		return buf.Bytes()[:limit], ErrTooLarge
	}
	return exact(&buf), err
}

// exact returns the bytes of a buffer with little spare capacity, because a kept part of
// an answer keeps its whole memory.
func exact(buf *bytes.Buffer) []byte {
	b := buf.Bytes()
	if cap(b)-len(b) > len(b)/4+bytes.MinRead {
		return bytes.Clone(b)
	}
	return b
}

// judge checks and parses an answer. Where the address is proven, an answer that
// is wrong may be right the next time.
func (c *Connection) judge(k *call, resp *http.Response, body []byte) error {
	var err error
	if k.Want != Any || k.Accept != nil {
		err = c.check(k, resp, body)
	}
	if err == nil && k.Parse != nil {
		if wrong := k.Parse(body); wrong != nil {
			err = &failure{class: fault.ClassOf(wrong), text: wrong.Error(), remedy: fault.RemedyOf(wrong)}
		}
	}
	if err == nil || !k.Proven {
		return err
	}
	f := *asFault(err)
	f.class = fault.Transient
	return &f
}

// check looks at an answer's type, beginning and end; the decoder does the rest.
func (c *Connection) check(k *call, resp *http.Response, body []byte) error {
	contentType := resp.Header.Get("Content-Type")
	if k.Accept != nil && len(bytes.TrimSpace(body)) == 0 { // whatever its type, it is no page
		return c.accept(k, resp.StatusCode, body)
	}
	if title, ok := htmlPage(contentType, body); ok {
		if k.Secret {
			title = ""
		}
		who, remedy := c.page(resp, body)
		return &failure{class: fault.Fatal, remedy: remedy,
			text: fmt.Sprintf("%d, but the response is %s instead of the API's: %s", resp.StatusCode, c.pageName(title), who)}
	}
	if k.Accept != nil {
		return c.accept(k, resp.StatusCode, body)
	}
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return &failure{class: fault.Permanent,
			text:   fmt.Sprintf("%d, but the response is empty instead of JSON", resp.StatusCode),
			remedy: "check the address"}
	case !isJSON(contentType):
		return &failure{class: fault.Permanent,
			text:   fmt.Sprintf("%d, but the response has the type %q instead of JSON", resp.StatusCode, contentType),
			remedy: "check the address"}
	case !strings.ContainsRune(`{["-0123456789tfn`, rune(body[0])):
		return &failure{class: fault.Permanent,
			text:   fmt.Sprintf("%d, but the response claims to be JSON and is not", resp.StatusCode),
			remedy: "check the address"}
	case body[0] == '{' && body[len(body)-1] != '}', body[0] == '[' && body[len(body)-1] != ']':
		return &failure{class: fault.Transient, text: "the response ended early: its JSON is incomplete"}
	}
	return nil
}

// maxQuoted is how much of an answer that was not accepted is quoted.
const maxQuoted = 200

// accept calls k.Accept for an answer.
func (c *Connection) accept(k *call, status int, body []byte) error {
	err := k.Accept(status, body)
	if err == nil {
		return nil
	}
	f := &failure{class: fault.ClassOf(err), text: fmt.Sprintf("%d, and %s", status, err), remedy: fault.RemedyOf(err)}
	if quoted := c.excerpt(c.whole(body[:min(len(body), maxErrorBody)]), maxQuoted); quoted != "" && !k.Secret {
		f.text += ": " + quoted
	}
	return f
}

func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || strings.HasSuffix(t, "+json"))
}

func (c *Connection) pageRemedy() string {
	return fmt.Sprintf("check the address of %s, and let API requests pass the proxy in front of it, with "+
		"`auth` if it needs any", c.s.Name)
}
