package print

import (
	"strings"
	"testing"
)

// TestGrid: a table that is too wide breaks its headers, then its texts, then its rows.
func TestGrid(t *testing.T) {
	header := []string{"name", "what it is", "would be delivered", "size"}
	rows := [][]string{{"a", "one two three four", "1,234", "1.6 KiB"}, {"  b", "five", "", "2 B"}}
	for width, want := range map[int]string{
		0: `
name  what it is          would be delivered     size
a     one two three four               1,234  1.6 KiB
  b   five                                        2 B`,
		50: `
name  what it is                 would be     size
                                delivered
a     one two three four            1,234  1.6 KiB
  b   five                                     2 B`,
		36: `
name  what it is   would be     size
                  delivered
a     one two         1,234  1.6 KiB
      three four
  b   five                       2 B`,
		20: `
a    what it is one two three four, would be delivered 1,234, size 1.6 KiB
  b  what it is five, size 2 B`,
	} {
		if got := string(Grid(header, rows, 2, Style{Width: width})); got != strings.TrimPrefix(want, "\n") {
			t.Errorf("%d:\n%s", width, got)
		}
	}
}
