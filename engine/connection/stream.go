package connection

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/pipe-engine/pipe/engine/fault"
)

// peeked is how much of a streamed body is looked at to recognize an HTML page.
const peeked = 4 << 10

// stream passes the body of an answer to k.Stream while it arrives. The caller closes the body.
func (c *Connection) stream(k *call, resp *http.Response) (*Response, error) {
	body, _, err := plainBody(resp)
	if errors.Is(err, errEncoding) {
		return nil, &failure{class: fault.Permanent, text: fmt.Sprintf("the response has the encoding %q, which was not "+
			"requested", resp.Header.Get("Content-Encoding"))}
	}
	if body == nil {
		body = http.NoBody
	}
	limited := &bounded{r: body, left: k.limit, err: err}
	start := bufio.NewReaderSize(limited, peeked)
	first, _ := start.Peek(peeked)
	if title, is := htmlPage(resp.Header.Get("Content-Type"), first); is && !k.HTML {
		who, remedy := c.page(resp, first)
		return nil, &failure{class: fault.Fatal, remedy: remedy, text: fmt.Sprintf("%d, but the response is %s instead of "+
			"the API's: %s", resp.StatusCode, c.pageName(title), who)}
	}
	wrong := k.Stream(resp.Header, start)
	switch {
	case errors.Is(limited.err, ErrTooLarge):
		return nil, c.tooLarge(k)
	case limited.err != nil:
		return nil, &failure{class: fault.Transient, text: fmt.Sprintf("the response ended early: %v", limited.err)}
	case wrong != nil:
		return nil, &failure{class: fault.ClassOf(wrong), text: wrong.Error(), remedy: fault.RemedyOf(wrong)}
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header}, nil
}

// bounded reads up to a number of bytes; more is ErrTooLarge. It keeps the first error other than
// io.EOF.
type bounded struct {
	r    io.Reader
	left int64
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		err = ErrTooLarge
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
