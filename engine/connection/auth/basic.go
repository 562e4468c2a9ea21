package auth

import (
	"encoding/base64"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Basic is a user name with a password.
type Basic struct {
	Username string        `yaml:"username" required:"true" doc:"The user name."`
	Password config.Secret `yaml:"password" required:"true" doc:"The password. A ${file:PATH} is read again when it changes, and after a 401."`
}

var (
	_ scheme           = (*Basic)(nil)
	_ config.Validator = (*Basic)(nil)
)

// Validate reports a user name or password that RFC 7617 cannot carry.
func (b *Basic) Validate(report func(field, code, message, hint string)) {
	if strings.Contains(b.Username, ":") {
		report("username", codeConnection, "the user name contains a colon", "basic ends the user name at the colon")
	}
	validateSecret("password", b.Password, report)
}

func (b *Basic) headers() []string { return []string{authorization} }

func (b *Basic) authorizer(field string, s Settings) (Authorizer, error) {
	w, err := newWatched(field+".password", b.Password, nil, s)
	return &static{w, authorization, func(password string) string {
		encoded := base64.StdEncoding.EncodeToString([]byte(b.Username + ":" + password))
		s.Redactor.Add(encoded)
		return "Basic " + encoded
	}}, err
}
