package openid

import (
	"strings"
	"unicode"
)

// Person is a person who has signed in, by what the provider says.
type Person struct {
	// Subject identifies the person at the provider, for ever.
	Subject string
	Claims  map[string]any
}

const (
	claimEmail    = "email"
	claimVerified = "email_verified"
)

// maxName is the maximum length of a name in bytes.
const maxName = 254

// Name returns the person's name: the text of a claim. It returns a *RefusedError when there is
// none, when it cannot be shown, and when the claim is email and the provider has not verified
// the address.
func (p *Person) Name(claim string) (string, error) {
	name, is := p.Claims[claim].(string)
	switch {
	case !is || name == "":
		return "", refused("The identity provider gives this server no "+claim+" of yours.",
			"subject %s has no text as claim %s: does the client ask for its scope?", p.Subject, claim)
	case len(name) > maxName || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }):
		return "", refused("The identity provider gives a name that this server cannot use.",
			"the claim %s of subject %s is too long, or has characters that cannot be shown", claim, p.Subject)
	case claim == claimEmail && p.Claims[claimVerified] != true && p.Claims[claimVerified] != "true": // AWS writes a text
		return "", &RefusedError{Name: name, Reason: "The identity provider has not verified your e-mail address.",
			Detail: "the e-mail address of subject " + p.Subject + " is not verified"}
	}
	return name, nil
}

// Groups returns the texts of a claim that is a list, or one text.
func (p *Person) Groups(claim string) (groups []string) {
	switch value := p.Claims[claim].(type) {
	case string:
		groups = []string{value}
	case []any:
		for _, one := range value {
			if name, is := one.(string); is {
				groups = append(groups, name)
			}
		}
	}
	return groups
}
