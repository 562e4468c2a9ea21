package fault

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestRetryDelay(t *testing.T) {
	r := Retry{Attempts: 5, Base: time.Second, Cap: 10 * time.Second}
	transient := Errorf(Transient, "", "reset")
	throttled := func(d time.Duration) error {
		return fmt.Errorf("get page: %w", &Error{Class: Throttled, Delay: d, Err: errors.New("429")})
	}
	for name, tc := range map[string]struct {
		attempt  int
		err      error
		min, max time.Duration
	}{
		"first":                    {1, transient, 0, time.Second},
		"third":                    {3, transient, 0, 4 * time.Second},
		"capped":                   {60, transient, 0, 10 * time.Second},
		"asked for":                {1, throttled(7 * time.Second), 7 * time.Second, 8 * time.Second},
		"asked for, capped":        {1, throttled(time.Hour), 10 * time.Second, 10 * time.Second},
		"throttled, delay unknown": {2, throttled(0), 0, 2 * time.Second},
	} {
		var longest time.Duration
		for range 1000 {
			d := r.Delay(tc.attempt, tc.err)
			if d < tc.min || d > tc.max {
				t.Fatalf("%s: %v is outside %v to %v", name, d, tc.min, tc.max)
			}
			longest = max(longest, d)
		}
		if longest < tc.max*8/10 {
			t.Errorf("%s: of 1000 pauses none is near %v: the jitter is not full", name, tc.max)
		}
	}
}

func TestRetryNext(t *testing.T) {
	r := Retry{Attempts: 3, Base: time.Second, Cap: time.Minute, Within: time.Minute}
	transient := Errorf(Transient, "", "reset")
	for name, tc := range map[string]struct {
		attempt int
		elapsed time.Duration
		err     error
		want    bool
	}{
		"transient":    {1, 0, transient, true},
		"wrapped":      {2, 0, fmt.Errorf("get page: %w", transient), true},
		"last attempt": {3, 0, transient, false},
		"too late":     {1, time.Minute + 1, transient, false},
		"asks for too long": {1, 30 * time.Second, &Error{Class: Throttled, Delay: 50 * time.Second, Err: errors.New("429")},
			false},
		"asks for little": {1, 30 * time.Second, &Error{Class: Throttled, Delay: 5 * time.Second, Err: errors.New("429")},
			true},
		"permanent":    {1, 0, Errorf(Permanent, "", "400"), false},
		"fatal":        {1, 0, Errorf(Fatal, "", "401"), false},
		"unclassified": {1, 0, errors.New("?"), false},
	} {
		if _, again := r.Next(tc.attempt, tc.elapsed, tc.err); again != tc.want {
			t.Errorf("%s: %v, want %v", name, again, tc.want)
		}
	}
	if _, again := (Retry{}).Next(1, 0, transient); again {
		t.Error("the zero policy retries")
	}
}
