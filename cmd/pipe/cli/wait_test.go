package cli

import (
	"testing"
	"time"
)

// TestWaitValue: --wait without a value is 30 minutes; a value is a time of more than 0.
func TestWaitValue(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"true": 30 * time.Minute, "1h": time.Hour, "1ns": 1, "0s": 0, "-1m": 0, "30": 0, "false": 0, "": 0,
	} {
		var w waitValue
		if err := w.Set(text); time.Duration(w) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %v, %v", text, time.Duration(w), err)
		}
	}
}
