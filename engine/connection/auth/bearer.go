package auth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Bearer is a token that the server knows.
type Bearer struct {
	Token config.Secret `yaml:"token" required:"true" doc:"The token, without the word Bearer. A ${file:PATH} is read again when it changes, and after a 401."`
}

var (
	_ scheme           = (*Bearer)(nil)
	_ config.Validator = (*Bearer)(nil)
)

// Validate reports a token that no server takes.
func (b *Bearer) Validate(report func(field, code, message, hint string)) {
	ValidateToken("token", b.Token, report)
}

func (b *Bearer) headers() []string { return []string{authorization} }

func (b *Bearer) authorizer(field string, s Settings) (Authorizer, error) {
	return newBearer(field+".token", b.Token, s)
}

// static writes a secret of the file into a header, as it is or after a word such as Bearer.
type static struct {
	*watched
	header string
	format func(text string) string
}

func newBearer(field string, token config.Secret, s Settings) (Authorizer, error) {
	w, err := newWatched(field, token, checkToken, s)
	return &static{w, authorization, func(text string) string { return "Bearer " + text }}, err
}

// Authorize writes the header.
func (a *static) Authorize(ctx context.Context, r *http.Request, _ []byte) (int, error) {
	text, revision := a.value(ctx)
	if text != "" {
		r.Header[a.header] = []string{a.format(text)}
	}
	return revision, nil
}

// Renew reads the secret's file again.
func (a *static) Renew(ctx context.Context, revision int) (bool, error) {
	return a.renew(ctx, revision)
}

// Expires is zero: when such a secret expires is not known.
func (a *static) Expires() time.Time { return time.Time{} }

// quotes are what people put around a token and a file does not always take off.
var quotes = []string{`"`, `'`, "`", "“", "”", "‘", "’", "«"}

// tokenForm is what is wrong with how a bearer token is written, "" when nothing is. It
// quotes no part of the token.
func tokenForm(token string) (message, hint string) {
	word, _, several := strings.Cut(strings.TrimSpace(token), " ")
	switch {
	case several && strings.EqualFold(word, "Bearer"):
		return "the token begins with Bearer", "write only the token: pipe adds Bearer"
	case strings.HasPrefix(strings.ToLower(word), "authorization:"):
		return "the token begins with the name of the header", "write only the token: pipe adds the header name"
	}
	for _, q := range quotes {
		if strings.HasPrefix(strings.TrimSpace(token), q) {
			return "the token begins with a quotation mark",
				"write the token without quotes: docker --env-file and secret stores keep them in the value"
		}
	}
	if strings.TrimRight(token, "\r\n") != token {
		return "the token ends with a line break", "store the token without it, as printf %s TOKEN does"
	}
	return "", ""
}

// ValidateToken reports a token that is written in a way that no server takes. Components
// call it in their Validate for each field that they send as a bearer token.
func ValidateToken(field string, token config.Secret, report func(field, code, message, hint string)) {
	if message, hint := tokenForm(token.Reveal()); message != "" {
		report(field, codeConnection, message, hint)
	}
}

// checkToken is ValidateToken for a token that was read again from its file.
func checkToken(token config.Secret) error {
	if err := valueFault(token.Reveal()); err != nil {
		return err
	}
	if message, hint := tokenForm(token.Reveal()); message != "" {
		return fault.Errorf(fault.Fatal, hint, "%s", message)
	}
	return nil
}

// validateSecret reports white space around a secret that is not sent as a header, where
// no server would say what is wrong with it.
func validateSecret(field string, s config.Secret, report func(field, code, message, hint string)) {
	if text := s.Reveal(); strings.TrimSpace(text) != text {
		report(field, codeConnection, "the secret begins or ends with white space",
			"store it without the line break or space, as printf %s SECRET does")
	}
}
