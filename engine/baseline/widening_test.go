package baseline

import (
	"fmt"
	"strings"
	"testing"
)

// TestGained: ten groups are named, and the others are counted.
func TestGained(t *testing.T) {
	c := NewComparison()
	for i := range 12 {
		if line := c.Gained(); strings.Contains(line, "more") == (i == 0) || strings.Contains(line, "and ") != (i > 10) {
			t.Errorf("%d groups: %q", i, line)
		}
		c.gains = append(c.gains, gain{fmt.Sprint("g", i), i + 1})
	}
	if line := c.Gained(); line != "groups with more members than before: g0 +1, g1 +2, g2 +3, g3 +4, g4 +5, g5 +6, g6 "+
		"+7, g7 +8, g8 +9, g9 +10 and 2 more" {
		t.Error(line)
	}
}
