package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// prefix begins the paths of requests.
const prefix = "/api/v1/pipelines/"

// callTime is how long one request may take: the server lets some wait.
const callTime = time.Minute

// Options say which server is asked, and as which principal.
type Options struct {
	Address   string // as https://pipe.example.com
	Token     string
	UserAgent string
	// Redactor learns the token; may be nil.
	Redactor *redact.Redactor
	Log      *slog.Logger // may be nil
}

// Client makes requests. It is safe for concurrent use.
type Client struct{ server *connection.Connection }

// Open returns a client. It makes no request. It returns a *fault.Invalid when the address is
// wrong, or the token would be sent to another machine without encryption.
func Open(o Options) (*Client, error) {
	address := strings.TrimSuffix(o.Address, "/")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &fault.Invalid{Reason: address + " is not the address of a server",
			Remedy: "write it as https://pipe.example.com"}
	}
	if u.User != nil {
		return nil, &fault.Invalid{Reason: u.Redacted() + " has a user name or a password in the address",
			Remedy: "write the address without it, and sign in with a token"}
	}
	if o.Redactor != nil {
		o.Redactor.Add(o.Token)
	}
	cfg, secret := connection.Default(), config.NewSecret(o.Token)
	var wrong error
	cfg.ValidateEncryption("the server", address, secret, func(_, _, message, _ string) {
		wrong = &fault.Invalid{Reason: message, Remedy: "write https://, or use a server on this machine"}
	})
	if wrong != nil {
		return nil, wrong
	}
	server, err := connection.New(cfg, connection.Settings{
		Name: "pipe serve", URL: address, Token: secret, UserAgent: o.UserAgent, Redactor: o.Redactor, Log: o.Log,
		Allow: func(method, path string) bool { return strings.HasPrefix(path, prefix) },
	})
	if err != nil {
		return nil, err
	}
	return &Client{server}, nil
}

// Close closes the connections to the server.
func (c *Client) Close() { c.server.Close() }

// Error is the answer of a server that refuses a request. It wraps a *fault.Invalid: the same
// request will be refused again.
type Error struct {
	Status        int
	Name          string // the code of the error in the answer, as conflict
	Message, Help string
}

// Error returns the status and the reason.
func (e *Error) Error() string { return fmt.Sprintf("the server answers %d: %s", e.Status, e.Message) }

// Unwrap returns a *fault.Invalid.
func (e *Error) Unwrap() error { return &fault.Invalid{Reason: e.Message, Remedy: e.Help} }

// Code returns the code of the error in the answer.
func (e *Error) Code() string { return e.Name }

// Hint returns what to do about it.
func (e *Error) Hint() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "check the token; pipe serve token list shows those that the server knows"
	case e.Status == http.StatusNotFound && e.Help == "":
		return "check the name of the pipeline and the pipelines of the token"
	}
	return cmp.Or(e.Help, "the log of the server may have the reason")
}

// IsStatus reports whether a server refused a request with one of these statuses.
func IsStatus(err error, statuses ...int) bool {
	var refused *Error
	if !errors.As(err, &refused) {
		return false
	}
	for _, s := range statuses {
		if refused.Status == s {
			return true
		}
	}
	return false
}

// path returns the path of something of a pipeline.
func path(pipeline, rest string) string { return prefix + pipeline + rest }

// get makes a request and decodes its answer.
func (c *Client) get(ctx context.Context, path string, query url.Values, answer any) (*connection.Response, error) {
	return c.do(ctx, connection.Request{Method: http.MethodGet, Path: path, Query: query}, answer)
}

// post is get with a body. A request that is idempotent is made again when there was no answer.
func (c *Client) post(ctx context.Context, path string, idempotent bool, body, answer any) error {
	b, err := codec.Marshal(body)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, connection.Request{Method: http.MethodPost, Path: path, Body: b, Idempotent: idempotent}, answer)
	return err
}

func (c *Client) do(ctx context.Context, r connection.Request, answer any) (*connection.Response, error) {
	var refused struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Hint    string `json:"hint"`
		} `json:"error"`
	}
	r.Timeout, r.Secret = callTime, true // answers hold private texts
	r.Reason = func(body []byte) string {
		if codec.Unmarshal(body, &refused) != nil {
			return ""
		}
		return refused.Error.Message
	}
	response, err := c.server.Do(ctx, r)
	var status *connection.StatusError
	switch {
	case errors.As(err, &status) && refused.Error.Code != "":
		e := refused.Error
		if status.Status < 500 {
			return nil, &Error{status.Status, e.Code, e.Message, e.Hint}
		}
		return nil, fault.Errorf(fault.ClassOf(err), cmp.Or(e.Hint, "the log of the server may have the reason"),
			"the server answers %d: %s", status.Status, e.Message)
	case err != nil:
		return nil, err
	}
	return response, codec.Unmarshal(response.Body, answer)
}
