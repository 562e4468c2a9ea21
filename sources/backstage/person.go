package backstage

import (
	"encoding/base64"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// asPerson returns the settings with which the source reads with a person's Backstage token: what
// the browser of that person sends. The token names the person as its subject (sub), a user's
// entity ref; its signature is for Backstage to check.
func asPerson(token string) component.AsPerson {
	p := component.AsPerson{Set: map[string]string{"token": token}, Remove: []string{"auth"}}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return p
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return p
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if codec.Unmarshal(payload, &claims) == nil && strings.HasPrefix(strings.ToLower(claims.Subject), "user:") {
		p.Ref = claims.Subject
	}
	return p
}
