package config

import "context"

// SignIn is the refresh token of a person: a ${secret:NAME} of the secret store, which pipe
// login writes. Its text is never part of a configuration: Use gives it to the code that
// exchanges it for an access token, and stores the token that replaces it.
type SignIn struct {
	name string
	kept Kept // nil when the sign-in was not read
	at   Problem
}

// Kept is a secret in a place that pipe writes to.
type Kept interface {
	// Exchange calls use with the secret, while no other process changes it, and stores the
	// text that use returns; "" leaves the secret as it is.
	Exchange(ctx context.Context, use func(SecretText) (next string, err error)) error
}

// SignIns is what decoding does with the sign-ins of people.
type SignIns int

const (
	// RefuseSignIns reports each one: no person watches this program.
	RefuseSignIns SignIns = iota
	// UseSignIns reads them: a person watches this program.
	UseSignIns
	// RenewSignIns reads none and reports none that is missing: the program signs in.
	RenewSignIns
)

var (
	_ Decodable = (*SignIn)(nil)
	_ Described = (*SignIn)(nil)
)

// IsSet reports whether the file names a sign-in.
func (s SignIn) IsSet() bool { return s.name != "" }

// Stored is the name of the ${secret:NAME}.
func (s SignIn) Stored() string { return s.name }

// Use passes the refresh token to exchange, which returns the one that replaces it, or "". No
// other process uses the sign-in meanwhile. A sign-in that is stored for other origins than
// origin is a Problem with the position in the file, and exchange is not called.
func (s SignIn) Use(ctx context.Context, origin string, exchange func(token string) (next string, err error)) error {
	if s.kept == nil {
		p := s.at
		p.Code, p.Message = codeSecret, "the sign-in "+quote(s.name)+" was not read"
		return Problems{p}
	}
	return s.kept.Exchange(ctx, func(t SecretText) (string, error) {
		if len(t.Origins) > 0 {
			l := limit{name: s.name, origins: t.Origins, at: s.at}
			if err := l.allows(origin, "correct the address; or, if it is right, sign in again: pipe login FILE"); err != nil {
				return "", err
			}
		}
		return exchange(t.Text)
	})
}

// DescribeConfig is a secret.
func (s *SignIn) DescribeConfig() Field { return Field{Type: "secret"} }

// MarshalText is [redacted], or [unset] without a name.
func (s SignIn) MarshalText() ([]byte, error) {
	if s.IsSet() {
		return []byte(redacted), nil
	}
	return []byte(unset), nil
}

// DecodeNode reads a ${secret:NAME} of the secret store.
func (s *SignIn) DecodeNode(n *Node, d *Decoder) {
	d.vars.own(n)
	name := n.secretName()
	if name == "" {
		n.hide()
		d.Problem(n, codeSecret, "the refresh token of a person has its place in the secret store",
			"write ${secret:NAME}, such as ${secret:portal-login}; pipe login FILE stores the token")
		return
	}
	*s = SignIn{name: name, at: n.span(0, len(n.text))}
	problem := func(message, hint string, transient bool) {
		at := s.at
		at.Transient = transient
		d.fail(at, n, codeSecret, message, hint)
	}
	if d.vars.Keep == nil {
		problem("the sign-in of a person needs the secret store, which this file does not configure",
			`add secrets: {store: {file: secrets.age, identity: "${file:secrets.key}"}} and run pipe secret init FILE`, false)
		return
	}
	read := !d.vars.SkipSecrets && d.vars.SignIns == UseSignIns
	kept, err := d.vars.Keep(name, read)
	switch {
	case err != nil:
		problem(err.Message, err.Hint, err.Transient)
	case d.vars.SkipSecrets:
		d.skip(n)
	case d.vars.SignIns == RefuseSignIns:
		problem("the sign-in of a person is used in a terminal only",
			"for nightly runs, give the client client_secret, client_assertion_file or private_key in its place", false)
	default:
		s.kept = kept
	}
}

// secretName is the NAME of a scalar that is ${secret:NAME}, "" for another.
func (n *Node) secretName() string {
	if n.kind != Scalar || n.fixed {
		return ""
	}
	parts, bad := parseTemplate(n.text)
	if bad != nil || len(parts) != 1 {
		return ""
	}
	return parts[0].secret
}
