package read

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// TestGravestEnding: a record has the greatest ending of its items, with the first reason for
// that ending. A ref that was not read has no ending.
func TestGravestEnding(t *testing.T) {
	type end struct {
		ending component.Ending
		reason string
	}
	for name, tc := range map[string]struct {
		ends []end
		want end
	}{
		"none": {nil, end{component.Pending, ""}},
		"one":  {[]end{{component.Filtered, "a"}}, end{component.Filtered, "a"}},
		"a greater one follows": {[]end{{component.Delivered, ""}, {component.Rejected, "a"}},
			end{component.Rejected, "a"}},
		"a smaller one follows": {[]end{{component.Rejected, "a"}, {component.Delivered, ""}},
			end{component.Rejected, "a"}},
		"withheld after delivered": {[]end{{component.Delivered, ""}, {component.Withheld, "a"}},
			end{component.Delivered, ""}},
		"the same for another reason": {[]end{{component.Withheld, "a"}, {component.Withheld, "b"}},
			end{component.Withheld, "a"}},
	} {
		l := NewLedger(nil, nil)
		l.Enter("a", "component")
		for _, e := range tc.ends {
			l.endItem("documents", "a", e.ending, e.reason)
			l.endItem("documents", "unread", e.ending, e.reason)
		}
		if ending, reason := l.Fate("a"); ending != tc.want.ending || reason != tc.want.reason {
			t.Errorf("%s: %s for %q", name, ending, reason)
		}
		if ending, _ := l.Fate("unread"); ending != component.Pending || l.Total() != 1 || l.Knows("unread") {
			t.Errorf("%s: a ref that was not read ends as %s", name, ending)
		}
		if err := l.Settle(); (err != nil) != (len(tc.ends) == 0) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReasonsAreBounded: each distinct reason is kept once, and at most maxReasons of them.
func TestReasonsAreBounded(t *testing.T) {
	l := NewLedger(nil, nil)
	for i := range maxReasons + 5 {
		l.Enter(fmt.Sprint(i), "component")
		l.end(fmt.Sprint(i), component.Filtered, fmt.Sprint("reason ", i))
	}
	first, reason := l.Fate("0")
	last, none := l.Fate(fmt.Sprint(maxReasons + 4))
	if len(l.reasons) != maxReasons || first != component.Filtered || reason != "reason 0" || last != component.Filtered ||
		none != "" {
		t.Errorf("%d reasons, %s for %q, %s for %q", len(l.reasons), first, reason, last, none)
	}
	l = NewLedger(nil, nil)
	for i := range 3 {
		l.Enter(fmt.Sprint(i), "component")
		l.end(fmt.Sprint(i), component.Filtered, "the same")
	}
	if len(l.reasons) != 2 || l.Ended(component.Filtered) != 3 {
		t.Errorf("%d reasons of %d records", len(l.reasons), l.Ended(component.Filtered))
	}
}

// TestLateEndings: an item that was delivered and is taken back counts once, for its stream and
// for its record. A stream without endings keeps none.
func TestLateEndings(t *testing.T) {
	l := NewLedger(nil, nil)
	for _, ref := range []string{"a", "b", "c"} {
		l.Enter(ref, "component")
		l.endItem("documents", ref, component.Delivered, "")
	}
	l.RejectLate("documents", "a", errors.New("refused"))
	l.WithholdLate("documents", "b", "hidden")
	l.TakeBack("b", "hidden")
	l.TakeBack("a", "hidden") // stays rejected
	l.TakeBack("unread", "hidden")
	l.RejectLate("members", "c", errors.New("refused"))
	l.WithholdLate("other", "unread", "hidden")

	r := l.Totals()
	for stream, want := range map[string]Counts{"documents": {component.Delivered: 1, component.Rejected: 1,
		component.Withheld: 1}, "members": {component.Rejected: 1}, "other": {}} {
		for _, e := range component.Endings {
			if got := r.Items[stream][e]; got != want[e] {
				t.Errorf("%s: %d %s, want %d", stream, got, e, want[e])
			}
		}
	}
	if r.Read != 3 || r.Endings[component.Rejected] != 2 || r.Endings[component.Withheld] != 1 ||
		r.Reasons[component.Withheld]["hidden"] != 1 {
		t.Errorf("read %d, %v, %v", r.Read, r.Endings, r.Reasons)
	}
}

// TestLongReason: a dead letter contains the beginning of a long reason.
func TestLongReason(t *testing.T) {
	if d := deadLetter("r", errors.New(strings.Repeat("é", 500))); len([]rune(d.Reason)) != maxReason {
		t.Errorf("a reason of %d characters", len([]rune(d.Reason)))
	}
}

// TestDeadLetterErrors: the first error of writing dead letters fails the run, also when later
// writes would succeed; nothing is written after it.
func TestDeadLetterErrors(t *testing.T) {
	writes := 0
	l := NewLedger(func(component.DeadLetter) error {
		writes++
		if writes == 2 {
			return errors.New("disk full")
		}
		return nil
	}, nil)
	for _, ref := range []string{"a", "b", "c"} {
		l.Enter(ref, "component")
		l.reject("documents", ref, fault.Reject(fault.StageMapping, "tags[3]", "it is a number"))
	}
	if err := l.Settle(); err == nil || !strings.Contains(err.Error(), "disk full") || writes != 2 {
		t.Errorf("%v after %d writes", err, writes)
	}
	if _, reason := l.Fate("a"); reason != "mapping tags[]" {
		t.Errorf("reason %q", reason)
	}
}

// TestSome: some returns Controls distinct refs of the wanted kinds, and not always the same
// ones; if there are fewer, all of them.
func TestSome(t *testing.T) {
	l := NewLedger(nil, nil)
	for i := range 1000 {
		l.Enter(fmt.Sprint("component:", i), "component")
	}
	l.Enter("user:a", "user")
	l.Enter("user:b", "user")
	of := func(kind string) func(string) bool { return func(k string) bool { return k == kind } }
	sample := l.some(of("component"))
	distinct := map[string]bool{}
	late := 0
	for _, ref := range sample {
		distinct[ref] = true
		if !strings.HasPrefix(ref, "component:") || !l.Knows(ref) {
			t.Errorf("%s is no component that was read", ref)
		}
		if len(ref) == len("component:100") {
			late++
		}
	}
	if len(sample) != Controls || len(distinct) != Controls || late == 0 {
		t.Errorf("%d refs, %d different ones, %d of the last 900 that were read", len(sample), len(distinct), late)
	}
	if users := l.some(of("user")); len(users) != 2 || users[0] == users[1] {
		t.Errorf("of two users %v", users)
	}
	if none := l.some(of("group")); len(none) != 0 {
		t.Errorf("of no group %v", none)
	}
	if all := l.some(func(string) bool { return true }); len(all) != Controls {
		t.Errorf("%d of all", len(all))
	}
}
