package guard

import (
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// TestBaselineGuard: an approval allows a run without a baseline when it covers every document
// and the run lacks no more than max_loss of the documents that it showed.
func TestBaselineGuard(t *testing.T) {
	shown := func(n int) []fault.Change {
		var out []fault.Change
		for i := range n {
			out = append(out, fault.Change{
				Stream: "documents", ID: fmt.Sprint(i), Before: fault.Unknown, After: "all-users", N: 1,
			})
		}
		return out
	}
	ten := func(ch fault.Change) []fault.Change {
		var out []fault.Change
		for i := range 10 {
			ch.ID = fmt.Sprint("other ", i)
			out = append(out, ch)
		}
		return out
	}
	upload := ten(fault.Change{Stream: "documents", Type: UploadChange, Before: fault.Unknown, After: fault.Added, N: 1})
	emptied := ten(fault.Change{Stream: "users", Before: fault.Unknown, After: fault.Gone, N: 1})
	widened := ten(fault.Change{Stream: "documents", Before: "listed:1", After: "all-users", N: 1})
	for name, tc := range map[string]struct {
		changes, approved []fault.Change
		refused           bool
	}{
		"not approved":                      {shown(3), nil, true},
		"approved":                          {shown(3), shown(3), false},
		"one more":                          {shown(4), shown(3), true},
		"one fewer":                         {shown(2), shown(3), false},
		"20 fewer of 100":                   {shown(80), shown(100), false},
		"21 fewer of 100":                   {shown(79), shown(100), true},
		"nothing is left":                   {nil, shown(3), true},
		"22 fewer of 110":                   {shown(88), shown(110), false},
		"21 fewer of 100 and ten uploads":   {append(shown(79), upload...), append(shown(100), upload...), true},
		"21 fewer of 100 and ten streams":   {append(shown(79), emptied...), append(shown(100), emptied...), true},
		"21 fewer of 100 and ten widenings": {append(shown(79), widened...), append(shown(100), widened...), true},
		"a list of other changes":           {fake.Gone("a"), fake.Gone("a", "b"), false},
	} {
		v := &Review{Pipeline: twoStreams(), Untrusted: &fault.Refusal{Guard: Baseline, Changes: tc.changes}}
		if got := v.BaselineGuard(nil, component.Holdings{}, NewCoverage(tc.approved)); (got != nil) != tc.refused {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := (&Review{Pipeline: twoStreams()}).BaselineGuard(nil, component.Holdings{}, nil); got != nil {
		t.Errorf("with a baseline: %+v", got)
	}
}

// TestBaselineOfNothing: no approval covers a run without documents and without a baseline,
// because such a run has no changes to name.
func TestBaselineOfNothing(t *testing.T) {
	v := &Review{Untrusted: &fault.Refusal{Guard: Baseline}}
	if refused := v.BaselineGuard(nil, component.Holdings{}, &Coverage{}); refused == nil {
		t.Error("it was allowed")
	}
}
