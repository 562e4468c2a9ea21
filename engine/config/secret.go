package config

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
)

const (
	redacted = "[redacted]"
	unset    = "[unset]"
)

// Secret is a text that no output may show. Whatever prints it gets
// [redacted], or [unset] when it is empty; only Reveal gives the text. The zero
// value is an empty secret.
type Secret struct {
	v *secret
}

// secret holds the text behind two pointers, which fmt does not follow: it
// calls no methods of unexported fields.
type secret struct {
	text   *string
	read   func(context.Context) (string, error) // reads it again; nil when no file or provider is behind it
	file   string                                // the file that holds it and nothing else; "" when there is none
	stored string                                // the name of the ${secret:NAME} that it is; "" when it is none
	limits []*limit                              // where the stored secrets in it may be sent
	unread bool                                  // the file gives it, and its text is not known
}

var secretType = reflect.TypeFor[Secret]()

var (
	_ fmt.Formatter          = Secret{}
	_ fmt.GoStringer         = Secret{}
	_ slog.LogValuer         = Secret{}
	_ encoding.TextMarshaler = Secret{}
	_ Decodable              = (*Secret)(nil)
)

// NewSecret makes a secret of a text.
func NewSecret(text string) Secret { return Secret{&secret{text: &text}} }

// Reveal is the text itself, for the place that sends it.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v.text
}

// IsSet says that the secret is not empty.
func (s Secret) IsSet() bool { return s.Reveal() != "" }

// IsGiven reports whether the file gives a secret: it is set, or its text is not known because its
// variable is not set, or its file or provider was not asked.
func (s Secret) IsGiven() bool { return s.IsSet() || s.v != nil && s.v.unread }

// FromFile reports whether the text came from a ${file:PATH} or a ${secret:NAME}. Reload may
// then find another text.
func (s Secret) FromFile() bool { return s.v != nil && s.v.read != nil }

// File is the file whose content is the secret and nothing else; "" when there is
// none, or the secret is only partly from a file.
func (s Secret) File() string {
	if s.v == nil {
		return ""
	}
	return s.v.file
}

// Stored is the name of the ${secret:NAME} that the secret is; "" when it comes from
// elsewhere, or only partly from one.
func (s Secret) Stored() string {
	if s.v == nil {
		return ""
	}
	return s.v.stored
}

// Reload reads the files behind the secret again and asks its provider, for tokens that
// are renewed while the program runs. Without either it is the secret itself.
func (s Secret) Reload(ctx context.Context) (Secret, error) {
	if !s.FromFile() {
		return s, nil
	}
	text, err := s.v.read(ctx)
	if err != nil {
		return s, err
	}
	return Secret{&secret{text: &text, read: s.v.read, file: s.v.file, stored: s.v.stored, limits: s.v.limits}}, nil
}

// String is [redacted] or [unset].
func (s Secret) String() string {
	if s.IsSet() {
		return redacted
	}
	return unset
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format writes String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is String as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// DecodeNode reads a scalar; ${file:PATH} is allowed here alone, and text that
// is written in the file itself is a warning and hidden from Document.Source.
func (s *Secret) DecodeNode(n *Node, d *Decoder) {
	if n.kind != Scalar {
		n.hide()
	}
	d.vars.own(n)
	r, ok := d.resolve(n, true)
	if r.written {
		n.hide()
		d.add(Problem{Pos: n.pos, Code: codeLiteralSecret, Warning: true, Width: n.width(),
			Message: "a secret is written in the file itself",
			Hint:    "use a variable, ${NAME}, a file, ${file:PATH}, or ${secret:NAME}"})
	}
	switch {
	case ok:
		*s = Secret{&secret{text: &r.text, read: r.read, file: r.file, stored: r.stored, limits: r.limits}}
		d.vars.limits = append(d.vars.limits, r.limits...)
	case r.unread:
		*s = Secret{&secret{text: new(string), unread: true}}
	}
}
