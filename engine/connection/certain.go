package connection

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

type certainKey struct{}

// WithCertain returns a context for requests of a caller that may lose the right to make them. certain is
// called right before each attempt and while its body is sent, of every request but GET and HEAD. Its
// error ends the request, whatever attempts are left, and is returned by Do as it is. It is called from
// many goroutines and must return at once.
func WithCertain(ctx context.Context, certain func() error) context.Context {
	return context.WithValue(ctx, certainKey{}, certain)
}

// uncertainError is an error of the function of WithCertain.
type uncertainError struct{ err error }

func (e *uncertainError) Error() string { return e.err.Error() }

// uncertain returns the error of the function of WithCertain in the chain of err; nil when there is none.
func uncertain(err error) error {
	var u *uncertainError
	if errors.As(err, &u) {
		return u.err
	}
	return nil
}

// asker asks the function of WithCertain.
type asker struct {
	ask  func() error
	lost atomic.Pointer[uncertainError]
}

// certain asks before a request is sent, and makes its body ask, too: the process may be suspended while
// the transport connects.
func certain(ctx context.Context, req *http.Request) (*asker, error) {
	a := &asker{}
	a.ask, _ = ctx.Value(certainKey{}).(func() error)
	if a.ask == nil || req.Method == http.MethodGet || req.Method == http.MethodHead {
		return a, nil
	}
	if err := a.check(); err != nil {
		return a, err
	}
	if req.GetBody == nil || req.Body == http.NoBody {
		return a, nil
	}
	req.Body = certainBody{req.Body, a}
	again := req.GetBody
	req.GetBody = func() (io.ReadCloser, error) {
		body, err := again()
		return certainBody{body, a}, err
	}
	return a, nil
}

func (a *asker) check() error {
	err := a.ask()
	if err == nil {
		return nil
	}
	u := &uncertainError{err}
	a.lost.Store(u)
	return u
}

// cause returns the error of a round trip: that of the body, also where the end of the context, which
// may follow from it, came first.
func (a *asker) cause(err error) error {
	if u := a.lost.Load(); u != nil {
		return u
	}
	return err
}

type certainBody struct {
	io.ReadCloser
	asker *asker
}

func (b certainBody) Read(p []byte) (int, error) {
	if err := b.asker.check(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}
