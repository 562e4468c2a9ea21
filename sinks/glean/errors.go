package glean

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

var errNoConnection = fault.Errorf(fault.Fatal, "set instance or server_url, and token, of sink.glean", "glean: the address or the token is not set")

// errShape is wrapped by the error of an answer that is JSON of another shape.
var errShape = errors.New("the answer cannot be read")

// statusOf is the HTTP status that an error is about, 0 when it is about none.
func statusOf(err error) int {
	var s *connection.StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// reasonOf is what Glean said about a refusal.
func reasonOf(err error) string {
	var s *connection.StatusError
	if errors.As(err, &s) && s.Reason != "" {
		return s.Reason
	}
	return err.Error()
}
