package contract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Env names the environment variable that holds the path of the document.
const Env = "GLEAN_OPENAPI"

// Spec is Glean's OpenAPI document. It may be used from many goroutines.
type Spec struct {
	router routers.Router
}

// FromEnv loads the document that the variable Env names, and skips the test if it is not
// set.
func FromEnv(t testing.TB) *Spec {
	t.Helper()
	path := os.Getenv(Env)
	if path == "" {
		t.Skipf("%s does not name Glean's OpenAPI document", Env)
	}
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Load reads the document from a file.
func Load(path string) (*Spec, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	doc.Servers = nil // the requests went to loopback
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	return &Spec{router}, nil
}

// Request checks a request: that there is such an operation, and its body.
func (s *Spec) Request(method, path, contentType string, body []byte) error {
	in, err := s.input(method, path, contentType, body)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateRequest(context.Background(), in)
}

// Response checks the answer to a request: its status, which must be one that
// the operation documents, and its body.
func (s *Spec) Response(method, path string, status int, contentType string, body []byte) error {
	in, err := s.input(method, path, "application/json", nil)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: header(contentType),
		Body:    io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

func (s *Spec) input(method, path, contentType string, body []byte) (*openapi3filter.RequestValidationInput, error) {
	r, err := http.NewRequest(method, "http://127.0.0.1"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header(contentType)
	route, params, err := s.router.FindRoute(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}, nil
}

func header(contentType string) http.Header {
	if contentType == "" {
		return http.Header{}
	}
	return http.Header{"Content-Type": {contentType}}
}
