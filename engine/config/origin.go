package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// SecretText is what a provider has under a name.
type SecretText struct {
	Text string
	// Origins are where the text may be sent, as scheme://host or scheme://host:port; none
	// means that the provider does not say.
	Origins []string
}

// SecretError says why a provider has no text for a name, and what to do. It carries no
// secret. Transient means that the provider did not answer.
type SecretError struct {
	Message, Hint string
	Transient     bool
}

func (e *SecretError) Error() string { return e.Message }

// limit is where one stored secret of the file may be sent.
type limit struct {
	name    string
	origins []string
	at      Problem // the place of the ${secret:NAME}
	asked   bool    // whoever sends it has asked
}

// SendTo returns the text for a request to an origin, such as https://portal.example.com. The
// error, a Problem with the position in the file, says that a secret in it is stored for
// other origins. Code that sends a secret uses it instead of Reveal.
func (s Secret) SendTo(origin string) (string, error) {
	if s.v == nil {
		return "", nil
	}
	for _, l := range s.v.limits {
		l.asked = true
		err := l.allows(origin, "correct the address; or, if it is right: pipe secret set FILE "+l.name+" --for "+origin)
		if err != nil {
			return "", err
		}
	}
	return *s.v.text, nil
}

// allows returns a Problem with a hint when the secret may not be sent to an origin.
func (l *limit) allows(origin, hint string) error {
	if slices.Contains(l.origins, origin) {
		return nil
	}
	p := l.at
	p.Code, p.Hint = codeSecretOrigin, hint
	p.Message = fmt.Sprintf("the secret %s may only be sent to %s, and this file sends it to %s", quote(l.name),
		strings.Join(l.origins, ", "), origin)
	return Problems{p}
}

// CheckOrigins are the problems of the stored secrets that the struct that spec points to
// would send elsewhere than they may be sent. address is where the component sends its
// secrets; those of a Destined part go to its own.
func CheckOrigins(spec any, address string) (out Problems) {
	eachSecret(spec, address, func(s Secret, to string) {
		origin, err := Origin(to)
		if err != nil {
			return // Unsent reports it
		}
		var problems Problems
		if _, err := s.SendTo(origin); errors.As(err, &problems) {
			out = append(out, problems...)
		}
	})
	return out
}

// Unsent are the problems of stored secrets with origins that nothing asked SendTo for:
// the file uses them where it is not known which address gets them, such as in the
// settings of a plugin.
func (v *Variables) Unsent() Problems {
	var out Problems
	for _, l := range v.limits {
		if l.asked {
			continue
		}
		p := l.at
		p.Code = codeSecretOrigin
		p.Message = fmt.Sprintf("the secret %s may only be sent to %s, and this setting is not sent there", quote(l.name),
			strings.Join(l.origins, ", "))
		p.Hint = "use it for a connection to that address, or store another secret without --for"
		out = append(out, p)
	}
	return out
}

// Origin is the part of an address that says which server it is: scheme://host, with the
// port where it is not the scheme's own. The error names no part of the address, which may
// hold a secret.
func Origin(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New("the address is not a URL that begins with https:// or http://")
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}
