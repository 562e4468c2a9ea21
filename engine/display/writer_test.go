package display

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// red paints text as a program does.
func red(s string) string { return "\x1b[1;31m" + s + "\x1b[0m" }

func written(t *testing.T, parts ...string) string {
	t.Helper()
	var b strings.Builder
	w := NewWriter(&b)
	for _, p := range parts {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriter(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"layout", "a\n\tb\n", "a\n\tb\n"},
		{"an escape sequence", "\x1b[31mred\x1b[0m\n", `\u001b[31mred\u001b[0m` + "\n"},
		{"own colour", Paint(red, "bad") + "\n", "\x1b[1;31mbad\x1b[0m\n"},
		{"own colour around an escape sequence", Paint(red, "a\x1b[8mb"), "\x1b[1;31ma" + `\u001b[8mb` + "\x1b[0m"},
		{"own colours nested", Paint(red, Paint(red, "x")), "\x1b[1;31m\x1b[1;31mx\x1b[0m\x1b[0m"},
		{"workflow command", "::add-mask::x\n", `\u003a:add-mask::x` + "\n"},
		{"workflow command, later line", "a\n  ::error::x", "a\n  " + `\u003a:error::x`},
		{"workflow command behind blanks", "\u00a0\u2003::x", "\u00a0\u2003" + `\u003a:x`},
		{"workflow command behind a colour", Paint(red, "::x"), "\x1b[1;31m" + `\u003a:x` + "\x1b[0m"},
		{"two colons in a line", "a::b", "a::b"},
		{"old workflow command", "a ##[add-mask]x", `a \u0023#[add-mask]x`},
		{"Azure and TeamCity", "##vso[task.x]\n##teamcity[y]", `\u0023#vso[task.x]` + "\n" + `\u0023#teamcity[y]`},
		{"a heading", "## title [x]", "## title [x]"},
	} {
		if got := written(t, tc.in); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		var parts []string
		for i := range len(tc.in) {
			parts = append(parts, tc.in[i:i+1])
		}
		if got := written(t, parts...); got != tc.want {
			t.Errorf("%s, byte by byte: %q, want %q", tc.name, got, tc.want)
		}
	}
}

type failing struct{ after int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterKeepsErrors(t *testing.T) {
	w := NewWriter(&failing{after: 1})
	Fprintln(w, "a")
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	Fprintln(w, "b")
	Fprintln(w, "c")
	if !errors.Is(w.Err(), errFull) {
		t.Errorf("%v", w.Err())
	}
}

func TestFprintf(t *testing.T) {
	var b strings.Builder
	type word string
	Fprintf(&b, "%s %v %d %s %s %v|%s", "a\nb", errors.New("c\x1b"), 3, word("d\t"), Block("e\nf"), []string{"g\n"},
		time.Second)
	if want := `a\nb c\u001b 3 d\t e` + "\n" + `f [g\n]|1s`; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	b.Reset()
	Fprintln(&b, strings.Repeat("a", 3*MaxValue))
	if n := utf8.RuneCountInString(b.String()); n != MaxValue+1 {
		t.Errorf("%d characters", n)
	}
}

// command matches what a CI system would take for a command.
var command = regexp.MustCompile(`(?m)^[\s\p{Z}]*::|##[A-Za-z0-9_-]{0,20}\[`)

// FuzzWriter: whatever is written, and wherever it is split, the output contains nothing
// forbidden, and text without anything to escape is unchanged.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{"", "a", "::a", "\x1b[31m", "##[a", "👩‍👩‍👧", "\xe2\x80", "a\n\t ::b", "\u202e", "a##", ":",
		"\r\n::x", "❤\ufe0f\u200d", "\u2003:"} {
		f.Add(s, s, true)
		f.Add(s, "[b", false)
		f.Add(s, ":b", false)
	}
	f.Fuzz(func(t *testing.T, a, b string, paint bool) {
		if paint {
			a = Paint(red, a)
		}
		got := written(t, a, b)
		if paint {
			got = strings.NewReplacer("\x1b[1;31m", "", "\x1b[0m", "|").Replace(got)
		}
		if i := strings.IndexFunc(got, forbidden); i >= 0 || !utf8.ValidString(got) {
			t.Fatalf("%q + %q gives %q", a, b, got)
		}
		if found := command.FindString(got); found != "" {
			t.Fatalf("%q + %q gives %q with %q", a, b, got, found)
		}
		if strings.Contains(got, mark) {
			t.Fatalf("a mark is left in %q", got)
		}
		if got := written(t, Line(a)); strings.Contains(got, "\n") {
			t.Fatalf("Line(%q) has two lines", a)
		}
	})
}

// BenchmarkWriter writes 1 MB of output of several kinds.
func BenchmarkWriter(b *testing.B) {
	for name, unit := range map[string]string{
		"plain": "component:default/payments  Payments API\n", "letters": "Zahlungsübersicht 支払い\n",
		"hashes": "#", "colons": "\n::", "escapes": "\x1b[31m", "joiners": "❤\u200d",
	} {
		text := []byte(strings.Repeat(unit, 1<<20/len(unit)))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				NewWriter(discard{}).Write(text)
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
