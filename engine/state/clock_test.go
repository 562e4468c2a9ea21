package state

import (
	"testing"
	"time"
)

// TestPassed: a time has passed when one of the clocks says so. A time without a reading of the other
// clock has that of the wall only.
func TestPassed(t *testing.T) {
	now := time.Now()
	for name, tc := range map[string]struct {
		until  time.Time
		passed bool
	}{
		"before":              {now.Add(-time.Minute), true},
		"now":                 {now, true},
		"after":               {now.Add(time.Minute), false},
		"before, on the wall": {now.Add(-time.Minute).Round(0), true},
		"after, on the wall":  {now.Add(time.Minute).Round(0), false},
	} {
		if got := Passed(tc.until); got != tc.passed {
			t.Errorf("%s: %t", name, got)
		}
	}
}
