package expression

import (
	"errors"
	"testing"
)

// TestPendingLookup: a deciding expression fails when it looks up a pending ref, even through a
// define that was evaluated before; in a text, the ref counts as absent.
func TestPendingLookup(t *testing.T) {
	l, errs := New(testModel(), []Define{{Name: "owned", Text: `display("component:default/late") != nil`}}, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	r := l.NewRun()
	start := func() {
		r.Start("component:default/billing", testEntity(), func(ref string) (Entry, Presence) {
			if ref == "component:default/late" {
				return Entry{}, Pending
			}
			return Entry{}, Absent
		})
	}
	for text, pending := range map[string]bool{
		`display("component:default/late") != nil`: true,
		`display("component:default/gone") != nil`: false,
		`kind == "Component" or owned`:             false,
		`owned`:                                    true,
		`kind == "Nothing" or display("component:default/late") != nil`: true,
	} {
		p := mustCompile(t, l, text)
		for name, decide := range map[string]func() error{
			"a condition":          func() error { _, err := r.True(p); return err },
			"a value that decides": func() error { _, err := r.Decide(p); return err },
		} {
			start()
			if _, err := r.Eval(p); err != nil {
				t.Errorf("%s as a text: %v", text, err)
			}
			var e *PendingError
			if err := decide(); errors.As(err, &e) != pending || pending && e.Ref != "component:default/late" {
				t.Errorf("%s as %s: %v", text, name, err)
			}
		}
	}
	start()
	if _, err := r.True(mustCompile(t, l, "owned")); err == nil {
		t.Error("a define hides what it did not see")
	}
	if holds, err := r.True(mustCompile(t, l, `kind == "Component"`)); err != nil || !holds {
		t.Errorf("the next condition: %v, %v", holds, err)
	}
}
