package connection

import (
	"io"
	"net/http"
	"sync"

	"github.com/pipe-engine/pipe/engine/fault"
)

// begin asks Settings.Watch for an attempt, and lets the way add to it.
func (c *Connection) begin(k *call, r *http.Request) (ended func(status int, received int64), err error) {
	if c.s.Way != nil {
		c.s.Way.Prepare(r.Header)
	}
	if c.s.Watch == nil {
		return func(int, int64) {}, nil
	}
	ended, err = c.s.Watch(r, len(k.sent))
	if err != nil {
		return nil, &failure{class: fault.ClassOf(err), text: err.Error(), remedy: fault.RemedyOf(err), unsent: true,
			cause: ErrRefused}
	}
	return ended, nil
}

// wayFailure is the fault of an answer of the way itself, nil for one of the server.
func (c *Connection) wayFailure(resp *http.Response) error {
	if c.s.Way == nil {
		return nil
	}
	err := c.s.Way.Failure(resp.StatusCode, resp.Header)
	if err == nil {
		return nil
	}
	return &failure{class: fault.ClassOf(err), text: err.Error(), remedy: fault.RemedyOf(err), cause: ErrRefused}
}

// watched counts the bytes of an answer's body and calls ended once, when it is closed.
type watched struct {
	io.ReadCloser
	status   int
	received int64
	ended    func(status int, received int64)
	once     sync.Once
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.received += int64(n)
	return n, err
}

// Close closes the body.
func (w *watched) Close() error {
	w.once.Do(func() { w.ended(w.status, w.received) })
	return w.ReadCloser.Close()
}
