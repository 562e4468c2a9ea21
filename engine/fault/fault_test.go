package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestRemedyOf: the remedy is the first one in the chain, of an Error or a StateError.
func TestRemedyOf(t *testing.T) {
	plain := errors.New("plain")
	state := &fault.StateError{Err: plain, Remedy: "look at the folder"}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"nil":                {nil, ""},
		"plain":              {plain, ""},
		"state":              {state, "look at the folder"},
		"wrapped":            {fmt.Errorf("open: %w", state), "look at the folder"},
		"first":              {fault.Errorf(fault.Permanent, "do this", "open: %w", state), "do this"},
		"second":             {fault.Errorf(fault.Permanent, "", "open: %w", state), "look at the folder"},
		"state around error": {&fault.StateError{Err: fault.Errorf(fault.Fatal, "do this", "x")}, "do this"},
		"joined":             {errors.Join(plain, state), "look at the folder"},
	} {
		if got := fault.RemedyOf(tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
