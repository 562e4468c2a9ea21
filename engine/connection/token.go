package connection

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// quotes are what people put around a token and a file does not always take off.
var quotes = []string{`"`, `'`, "`", "“", "”", "‘", "’", "«"}

// tokenForm says what is wrong with how a bearer token is written, "" when nothing
// is. It quotes no part of the token.
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
	return "", ""
}

// ValidateToken reports a token that is written in a way that no server takes.
// Components call it in their Validate for each field that they send as a bearer
// token.
func ValidateToken(field string, token config.Secret, report func(field, code, message, hint string)) {
	if message, hint := tokenForm(token.Reveal()); message != "" {
		report(field, codeConnection, message, hint)
	}
}

// tokenFault is the same as an error, for a token that was read again from its file.
func tokenFault(token config.Secret) error {
	if message, hint := tokenForm(token.Reveal()); message != "" {
		return fault.Errorf(fault.Fatal, hint, "token: %s", message)
	}
	return nil
}
