package text

import "testing"

// TestPositions: bytes, UTF-16 positions and rune columns are the same places.
func TestPositions(t *testing.T) {
	const s = "\ufeffa: ü\r\nb: 🚀x\rc: 1\n\n"
	d := New(s)
	if d.Lines() != 5 || d.Line(1) != "b: 🚀x" || d.Line(4) != "" || d.Line(9) != "" {
		t.Errorf("%d lines, %q", d.Lines(), d.Line(1))
	}
	for _, c := range []struct {
		p         Position
		text      string
		line, col int
	}{
		{Position{0, 0}, "a: ü", 1, 1}, {Position{0, 3}, "ü", 1, 4}, {Position{1, 3}, "🚀x", 2, 4},
		{Position{1, 5}, "x", 2, 5},
		{Position{2, 0}, "c: 1", 3, 1},
	} {
		at := d.Offset(c.p)
		if got := s[at : at+len(c.text)]; got != c.text || d.Position(at) != c.p {
			t.Errorf("%v is %q at %v", c.p, got, d.Position(at))
		}
		if line, col := d.PlaceOf(at); line != c.line || col != c.col || d.OffsetOf(line, col) != at {
			t.Errorf("%v is %d:%d, not %d:%d", c.p, line, col, c.line, c.col)
		}
	}
	for p, want := range map[Position]Position{
		{1, 4}: {1, 3}, {0, 99}: {0, 4}, {99, 0}: {4, 0}, {-1, 5}: {0, 0}, // inside a pair, beyond a line, beyond the text
	} {
		if got := d.Position(d.Offset(p)); got != want {
			t.Errorf("%v became %v, not %v", p, got, want)
		}
	}
}

// TestApply: edits apply in any order.
func TestApply(t *testing.T) {
	if got := Apply("one two three", []Edit{{8, 13, "3"}, {0, 3, "1"}, {7, 7, "!"}}); got != "1 two! 3" {
		t.Error(got)
	}
}
