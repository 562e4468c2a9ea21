package api

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

var errNoConnection = fault.Errorf(fault.Fatal, "set instance or server_url, and token, of sink.glean",
	"glean: the address or the token is not set")

// ErrShape is wrapped by the error of an answer that is JSON of another shape.
var ErrShape = errors.New("the response cannot be read")

// StatusOf is the HTTP status that an error is about, 0 when it is about none.
func StatusOf(err error) int {
	var s *connection.StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// ReasonOf is what Glean said about a refusal.
func ReasonOf(err error) string {
	var s *connection.StatusError
	if errors.As(err, &s) && s.Reason != "" {
		return s.Reason
	}
	return err.Error()
}
