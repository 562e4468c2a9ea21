package auth

import (
	"net/http"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Header is a secret in a header of the user's choice.
type Header struct {
	Name  string        `yaml:"name" required:"true" doc:"The name of the header."`
	Value config.Secret `yaml:"value" required:"true" doc:"Its value. A ${file:PATH} is read again when it changes, and after a 401."`
}

var (
	_ scheme           = (*Header)(nil)
	_ config.Validator = (*Header)(nil)
)

// Validate reports a header that cannot be set.
func (h *Header) Validate(report func(field, code, message, hint string)) {
	if message, hint := nameProblem(h.Name); message != "" && h.Name != "" {
		report("name", codeConnection, message, hint)
	}
	validateSecret("value", h.Value, report)
}

func (h *Header) headers() []string { return []string{http.CanonicalHeaderKey(h.Name)} }

func (h *Header) authorizer(field string, s Settings) (Authorizer, error) {
	return newHeader(field+".value", h.Name, h.Value, s)
}

// newHeader makes the layer of one header. What follows the first space is a secret of its
// own, as in Bearer TOKEN.
func newHeader(field, name string, value config.Secret, s Settings) (Authorizer, error) {
	check := func(value config.Secret) error {
		if _, bare, ok := strings.Cut(value.Reveal(), " "); ok {
			s.Redactor.Add(bare)
		}
		return valueFault(value.Reveal())
	}
	w, err := newWatched(field, value, check, s)
	return &static{w, http.CanonicalHeaderKey(name), func(text string) string { return text }}, err
}
