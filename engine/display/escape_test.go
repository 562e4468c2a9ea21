package display

import (
	"strings"
	"testing"
	"unicode"

	"github.com/pipe-engine/pipe/engine/codec"
)

func TestLine(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "Payments API", "Payments API"},
		{"letters of other scripts", "Zahlungsübersicht 支払い платежи", "Zahlungsübersicht 支払い платежи"},
		{"a colour", "\x1b[31mred", `\u001b[31mred`},
		{"the clipboard (OSC 52)", "\x1b]52;c;aGk=\x07", `\u001b]52;c;aGk=\u0007`},
		{"C1 control", "a\u009b31m", `a\u009b31m`},
		{"DEL", "a\x7fb", `a\u007fb`},
		{"line break", "a\nb\r\nc\td", `a\nb\r\nc\td`},
		{"right-to-left override", "a\u202eb", `a\u202eb`},
		{"isolates and marks", "\u2066\u2069\u200e\u200f\u061c", `\u2066\u2069\u200e\u200f\u061c`},
		{"zero width", "a\u200bb\u200cc\u2060d\ufeffe\u180ef\u00adg", `a\u200bb\u200cc\u2060d\ufeffe\u180ef\u00adg`},
		{"a joiner between letters", "a\u200db", `a\u200db`},
		{"line and paragraph separator", "a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"tags", "a\U000e0041\U000e007f", `a\udb40\udc41\udb40\udc7f`},
		{"fillers", "\u115f\u3164\uffa0\u034f", `\u115f\u3164\uffa0\u034f`},
		{"variation selectors as data", "a\ufe01\U000e0101", `a\ufe01\udb40\udd01`},
		{"not UTF-8", "a\x9bb\xff", "a\ufffdb\ufffd"},
		{"a family", "👩‍👩‍👧", "👩‍👩‍👧"},
		{"a heart on fire", "❤️‍🔥", "❤️‍🔥"},
		{"a skin tone", "👩🏽‍⚕️", "👩🏽‍⚕️"},
		{"an emoji form of a letter", "a\ufe0f\u200d🔥", `a\ufe0f\u200d🔥`},
		{"Arabic number sign", "\u0600\u0661", "\u0600\u0661"},
	} {
		if got := Line(tc.in); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	if got := Lines("a\n\tb\r"); got != "a\n\tb"+`\r` {
		t.Errorf("Lines: %q", got)
	}
}

func TestShort(t *testing.T) {
	for _, tc := range []struct {
		in   string
		most int
		want string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abcde…"},
		{"äöüäöüä", 6, "äöüäö…"},
		{"abc\x1bdef", 8, "abc…"}, // an escape is complete or absent
		{"abc\x1b", 9, `abc\u001b`},
		{strings.Repeat("\x1b", 100), 13, `\u001b\u001b…`},
		{"", 3, ""},
	} {
		if got := Short(tc.in, tc.most); got != tc.want {
			t.Errorf("Short(%q, %d) = %q, want %q", tc.in, tc.most, got, tc.want)
		}
	}
}

func TestIndent(t *testing.T) {
	if got := Indent("no\r\npipe: done\n\x1bx", "  "); got != "no\n  pipe: done\n  "+`\u001bx` {
		t.Errorf("%q", got)
	}
}

// TestJSON: escaped JSON has the same value.
func TestJSON(t *testing.T) {
	in := map[string]any{"title\u202e": "a\x1b\u009b\u202e\U000e0041\x7f ##vso[x] ::y", "list": []any{"##[z"}}
	b, err := codec.MarshalIndent(in)
	if err != nil {
		t.Fatal(err)
	}
	b = JSON(b)
	if bad := strings.IndexFunc(string(b), forbidden); bad >= 0 || strings.Contains(string(b), "##") {
		t.Errorf("%q", b)
	}
	out, err := codec.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range in {
		if text, ok := v.(string); ok && out[name] != text {
			t.Errorf("%q: %q, want %q", name, out[name], text)
		}
	}
}

// forbidden is implemented without the package's own code.
func forbidden(r rune) bool {
	return r != '\n' && r != '\t' &&
		(unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x200b || r == 0x2028 || r == 0x2029 ||
			r == 0xfeff || r >= 0xe0000 && r <= 0xe007f)
}
