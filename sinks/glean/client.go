package glean

import (
	"context"
	"net/http"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// client makes the requests to one datasource of Glean. It is used from many
// goroutines.
type client struct {
	conn       *connection.Connection // nil when the file leaves address or token open
	clean      *connection.Redactor   // the connection's
	datasource string                 // its name
}

// ready returns an error when the client has no connection.
func (c *client) ready() error {
	if c.conn == nil {
		return errNoConnection
	}
	return nil
}

// ask posts a request that changes nothing and decodes its answer.
func (c *client) ask(ctx context.Context, path string, in, out any) error {
	body, err := c.answer(ctx, path, in)
	if err == nil && codec.Unmarshal(body, out) != nil {
		err = c.unreadable(path, "its JSON is malformed or has another shape")
	}
	return err
}

func (c *client) unreadable(path, why string) error {
	return fault.Errorf(fault.Permanent, "", "glean: POST %s: %w: %s", c.conn.Path(path), errShape, why)
}

// answer posts a request that changes nothing.
func (c *client) answer(ctx context.Context, path string, in any) ([]byte, error) {
	if err := c.ready(); err != nil {
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
	resp, err := c.conn.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// send posts a request that changes something and may be repeated.
func (c *client) send(ctx context.Context, path string, in any) error {
	if err := c.ready(); err != nil {
		return err
	}
	body, err := codec.Marshal(in)
	if err != nil {
		return err
	}
	return c.write(ctx, connection.Request{Path: path, Body: body, Idempotent: true})
}

// sendOnce posts a request that changes something, without another
// attempt: where one would not help, or do harm.
func (c *client) sendOnce(ctx context.Context, path string, in any) error {
	body, err := codec.Marshal(in)
	if err != nil {
		return err
	}
	err = c.write(ctx, connection.Request{Path: path, Body: body, NoRetry: true})
	if s := statusOf(err); s == http.StatusBadRequest || s == http.StatusNotFound {
		return c.noDatasource(err)
	}
	return err
}

// write makes a request that changes something in Glean. It returns nil when
// the answer is an acknowledgement (invariant 1); every write goes through it.
func (c *client) write(ctx context.Context, r connection.Request) error {
	r.Method, r.Accept = http.MethodPost, acknowledged
	_, err := c.conn.Do(ctx, r)
	return err
}
