package connection

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

var (
	// ErrTimeout is wrapped when an attempt took longer than its time.
	ErrTimeout = errors.New("timed out")
	// ErrTooLarge is wrapped when an answer is larger than what may be read.
	ErrTooLarge = errors.New("response too large")
	// ErrRefused is wrapped when Settings.Watch did not let a request be sent, or the way refused it.
	ErrRefused = errors.New("refused on the way")
	// ErrDown is wrapped when an attempt was not made because too many in a row
	// had failed.
	ErrDown = errors.New("no further requests")
)

// StatusError is an answer with a status other than 200 to 299.
type StatusError struct {
	Status int
	// Body is the beginning of the answer: at most 500 characters, without
	// secrets and control characters.
	Body string
	// Reason is the sentence that says why: the message of a JSON answer, the
	// title of an HTML page, else Body.
	Reason string
	// RetryAfter is the pause that the answer asks for, 0 when it asks for none.
	RetryAfter time.Duration
	// RequestID is the answer's X-Request-Id.
	RequestID string
}

// Error is the status and the reason.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// failure is the error of one attempt. It wraps no error of the network, whose text may
// contain a secret.
type failure struct {
	class  fault.Class
	delay  time.Duration
	text   string
	remedy string
	cause  error // a *StatusError, ErrTimeout, ErrTooLarge, ErrRefused or nil
	proxy  bool  // of the proxy; the remedy is that of its place in the configuration
	unsent bool  // the request itself was not sent: it may be made again
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.cause }

// asFault returns err as a failure; every error of an attempt is one.
func asFault(err error) *failure {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{class: fault.Permanent, text: err.Error()}
	}
	return f
}

// error returns the fault for callers: with its class, without secrets, and with the names
// of the component and the request unless k is nil.
func (f *failure) error(c *Connection, k *call) *fault.Error {
	text := f.text // of a step of Diagnose
	if k != nil {
		text = fmt.Sprintf("%s: %s %s: %s", c.s.Name, k.Method, c.Path(k.Path), f.text)
	}
	return &fault.Error{Class: f.class, Delay: f.delay, Remedy: c.redactor.Clean(f.remedy),
		Err: &cleaned{text: c.redactor.Clean(text), cause: f.cause}}
}

// cleaned is a text without secrets over a cause without secrets.
type cleaned struct {
	text  string
	cause error
}

func (e *cleaned) Error() string { return e.text }
func (e *cleaned) Unwrap() error { return e.cause }

func timedOut(text string) *failure {
	return &failure{class: fault.Transient, text: text, cause: ErrTimeout,
		remedy: "check whether the server is slow, or raise `timeout`"}
}
