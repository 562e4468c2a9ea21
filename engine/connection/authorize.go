package connection

import (
	"context"
	"errors"
	"net/http"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// authorize adds the credentials to a request that is otherwise final. Its error says that
// the request was not sent.
func (c *Connection) authorize(ctx context.Context, k *call, r *http.Request) (auth.Used, error) {
	used, err := c.auth.Authorize(ctx, r, k.sent)
	if err == nil {
		return used, nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return nil, c.authFault(ctx, err)
}

// authFault says what it means that a layer has no credential.
func (c *Connection) authFault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		f := timedOut("no credentials in time")
		f.remedy, f.unsent = "check that the identity provider is reachable", true
		return f
	}
	f := &failure{class: fault.ClassOf(err), text: err.Error(), remedy: fault.RemedyOf(err), unsent: true}
	var known *fault.Error
	if errors.As(err, &known) {
		f.delay = known.Delay
	}
	var problems config.Problems
	if errors.As(err, &problems) { // the file sends a secret elsewhere than it may
		f.cause = problems
	}
	return f
}

// fetcher sends the requests by which credentials are obtained: with the proxy and the
// authorities of the connection, and without its client certificate, which is for its
// origin alone.
type fetcher struct {
	c    *Connection
	next http.RoundTripper
}

// RoundTrip makes a request. Its errors are *fault.Error.
func (f fetcher) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.next.RoundTrip(r)
	if err == nil {
		return resp, nil
	}
	if ctx := r.Context(); ctx.Err() != nil {
		return nil, ctx.Err()
	}
	known := asFault(f.c.networkFault(err, r.URL, "the identity provider"))
	return nil, &fault.Error{Class: known.class, Delay: known.delay, Remedy: known.remedy, Err: errors.New(known.text)}
}
