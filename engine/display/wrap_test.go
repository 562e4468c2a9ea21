package display

import (
	"regexp"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		name, in, want string
		width          int
	}{
		{"it fits", "one two", "one two", 7},
		{"between words", "one two three", "one two\nthree", 8},
		{"no limit", "one two three", "one two three", 0},
		{"a long word", "see component:default/payments now", "see\ncomponent:default/payments\nnow", 10},
		{"a long word at the start", "component:default/payments now", "component:default/payments\nnow", 10},
		{"a note", "! one two three", "! one two\n  three", 9},
		{"a hint", "  hint: one two three", "  hint: one\n        two\n        three", 12},
		{"an arrow", "  → one two three", "  → one\n    two\n    three", 9},
		{"a title", "pipe: one two three", "pipe: one two\n  three", 13},
		{"an indent", "  one two three", "  one two\n  three", 10},
		{"a column", "  name  one two three four", "  name  one two\n        three\n        four", 16},
		{"a column too far right", "  a name and more  one two three", "  a name and more  one\n  two three", 24},
		{"a word too wide for its column", "  name  a pipelines/backstage.yaml", "  name  a\n  pipelines/backstage.yaml", 26},
		{"columns end", "  name  one two three       four", "  name  one two\n        three  four", 20},
		{"a branch", "│  ├── one two three", "│  ├── one two\n│  │   three", 14},
		{"the last branch", "╰── one two three", "╰── one two\n    three", 11},
		{"backticks", "use `pipe run FILE` then", "use\n`pipe run FILE`\nthen", 12},
		{"one backtick", "use ` one two three", "use ` one\ntwo three", 11},
		{"a whole piece", "use " + Whole("pipe run FILE") + ", then", "use\npipe run FILE,\nthen", 9},
		{"other scripts", "支払い 支払い платежи", "支払い\n支払い\nплатежи", 8},
		{"a colour", mark + "31mone" + mark + "0m two three", mark + "31mone" + mark + "0m two\nthree", 7},
		{"a colour across the break", "  " + mark + "31mone two" + mark + "0m three",
			"  " + mark + "31mone" + mark + "0m\n  " + mark + "31mtwo" + mark + "0m\n  three", 6},
	} {
		if got := strings.Join(Wrap(tc.in, tc.width), "\n"); got != tc.want {
			t.Errorf("%s:\n%q, want\n%q", tc.name, got, tc.want)
		}
	}
}

// TestWrapper: how a text is cut into calls does not change it, and a whole piece with
// several lines passes unchanged.
func TestWrapper(t *testing.T) {
	text := "one two three\n\n" + Whole("{\n  \"a long key\": \"a long value\"\n}") + "\nfour five six"
	const want = "one two\nthree\n\n{\n  \"a long key\": \"a long value\"\n}\nfour five\nsix"
	for size := 1; size <= len(text); size++ {
		var b strings.Builder
		w := NewWrapper(&b, func() int { return 9 }, nil)
		for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
			w.Write([]byte(rest[:min(size, len(rest))]))
		}
		w.Flush()
		if b.String() != want {
			t.Fatalf("in pieces of %d: %q, want %q", size, b.String(), want)
		}
	}
}

// TestWrapperKeeps: what matches the pattern is one word.
func TestWrapperKeeps(t *testing.T) {
	var b strings.Builder
	w := NewWrapper(&b, func() int { return 12 }, regexp.MustCompile(`pipe run \S+`))
	w.Write([]byte("then do pipe run FILE again\nand " + Whole("not pipe run FILE") + "\n"))
	if want := "then do\npipe run FILE\nagain\nand\nnot pipe run FILE\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestWholeIsCut: what is cut short inside a whole piece ends it, without a colour.
func TestWholeIsCut(t *testing.T) {
	got := Short(Whole(strings.Repeat("a ", 20)), 8)
	if want := wholeBegin + "a a a a…" + wholeEnd; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
