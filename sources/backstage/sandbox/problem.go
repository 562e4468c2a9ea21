package sandbox

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
)

const (
	contentJSON = "application/json; charset=utf-8"
	inputError  = "InputError"
)

// problem is an error answer in Backstage's form.
type problem struct {
	status  int
	name    string
	message string
}

// invalid is the 400 for something wrong with the request.
func invalid(format string, args ...any) problem {
	return problem{http.StatusBadRequest, inputError, fmt.Sprintf(format, args...)}
}

// problemFor returns a backend's error for a status that is not about the request itself.
func problemFor(status int) problem {
	p := problem{status: status, name: "Error", message: http.StatusText(status)}
	switch status {
	case http.StatusBadRequest:
		p.name, p.message = inputError, "Malformed cursor: SyntaxError: Unexpected end of JSON input"
	case http.StatusUnauthorized:
		p.name, p.message = "AuthenticationError", "Illegal token"
	case http.StatusForbidden:
		p.name, p.message = "NotAllowedError", "This token's access is restricted to plugin(s) 'events'"
	case http.StatusNotFound:
		p.name, p.message = "NotFoundError", "Not found"
	case http.StatusTooManyRequests:
		p.name, p.message = "RateLimitError", "Too many requests, please try again later."
	case http.StatusInternalServerError:
		p.message = "An internal error occurred logId=5f1d0c9a"
	case http.StatusServiceUnavailable:
		p.name, p.message = "ServiceUnavailableError", "Service has not started up yet"
	}
	return p
}

// write answers r with the problem. The body quotes the address as the catalog's router sees
// it: without the prefix of its own routes.
func (p problem) write(w http.ResponseWriter, r *http.Request) {
	_, path, _ := strings.Cut(r.URL.RequestURI(), "/api/catalog")
	body := codec.Quote([]byte(`{"error":{"name":`), p.name)
	body = codec.Quote(append(body, `,"message":`...), p.message)
	body = append(body, '}')
	if p.status != http.StatusTooManyRequests { // the limiter runs before the router
		body = codec.Quote(append(body, `,"request":{"method":`...), r.Method)
		body = codec.Quote(append(body, `,"url":`...), path)
		body = append(body, '}')
	}
	body = fmt.Appendf(body, `,"response":{"statusCode":%d}}`, p.status)
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(p.status)
	_, _ = w.Write(body)
}
