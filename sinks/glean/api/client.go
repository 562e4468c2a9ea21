package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Client makes the requests to one datasource of Glean. It is safe for concurrent use. The
// sink's own client refuses every request; each capability makes its own with For.
type Client struct {
	Conn       *connection.Connection // nil when the file leaves address or token open
	Redactor   *redact.Redactor       // the connection's
	Datasource string                 // its name
}

// For returns a client that may make only requests to the paths.
func (c *Client) For(paths ...string) *Client {
	out := *c
	if c.Conn != nil {
		out.Conn = c.Conn.Allowing(func(method, path string) bool {
			return method == http.MethodPost && slices.Contains(paths, path)
		})
	}
	return &out
}

// Ready returns an error when the client has no connection.
func (c *Client) Ready() error {
	if c.Conn == nil {
		return errNoConnection
	}
	return nil
}

// Ask posts a request that changes nothing and decodes its answer.
func (c *Client) Ask(ctx context.Context, path string, in, out any) error {
	body, err := c.answer(ctx, path, in)
	if err == nil && codec.Unmarshal(body, out) != nil {
		err = c.unreadable(path, "its JSON is malformed or has another shape")
	}
	return err
}

func (c *Client) unreadable(path, why string) error {
	return fault.Errorf(fault.Permanent, "", "glean: POST %s: %w: %s", c.Conn.Path(path), ErrShape, why)
}

// answer posts a request that changes nothing.
func (c *Client) answer(ctx context.Context, path string, in any) ([]byte, error) {
	if err := c.Ready(); err != nil {
		return nil, err
	}
	r := connection.Request{Method: http.MethodPost, Path: path, Idempotent: true}
	if in != nil {
		body, err := codec.Marshal(in)
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	resp, err := c.Conn.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Send posts a request that changes something and may be repeated.
func (c *Client) Send(ctx context.Context, path string, in any) error {
	if err := c.Ready(); err != nil {
		return err
	}
	body, err := codec.Marshal(in)
	if err != nil {
		return err
	}
	return c.Write(ctx, connection.Request{Path: path, Body: body, Idempotent: true})
}

// SendOnce posts a request that changes something, without another
// attempt: where one would not help, or do harm.
func (c *Client) SendOnce(ctx context.Context, path string, in any) error {
	body, err := codec.Marshal(in)
	if err != nil {
		return err
	}
	err = c.Write(ctx, connection.Request{Path: path, Body: body, NoRetry: true})
	if s := StatusOf(err); s == http.StatusBadRequest || s == http.StatusNotFound {
		return c.NoDatasource(err)
	}
	return err
}

// Write makes a request that changes something in Glean. It returns nil if the answer is an
// acknowledgement (invariant 1); every write uses it.
func (c *Client) Write(ctx context.Context, r connection.Request) error {
	r.Method, r.Accept = http.MethodPost, Acknowledged
	_, err := c.Conn.Do(ctx, r)
	return err
}
