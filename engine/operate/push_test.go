package operate

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// pushed is a store that takes single items.
type pushed struct {
	*fake.Store
	n int
}

func (p *pushed) Push(_ context.Context, s *component.Selection, _ component.Opening) (*component.Pushed, error) {
	p.n += len(s.Records)
	return &component.Pushed{}, nil
}

// TestPushWidens: a push is measured by max_widen, against the last good run.
func TestPushWidens(t *testing.T) {
	for name, tc := range map[string]struct {
		before, now string
		limit       component.Bound
		n           int
		refused     bool
	}{
		"none may, and one would":  {"of sam", "of sam and ann", component.Bound{}, 1, true},
		"none may, and none would": {"of sam and ann", "of sam", component.Bound{}, 3, false},
		"withheld before":          {"private", "of sam", component.Bound{}, 1, true},
		"new ones do not count":    {"", "fine", component.Bound{}, 1, false},
		"as many as may":           {"of sam", "fine", component.Bound{Items: 2}, 2, false},
		"one more than may":        {"of sam", "fine", component.Bound{Items: 2}, 3, true},
		"twenty by default":        {"of sam", "fine", component.DefaultLimits().MaxWiden, MostPushed, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(func(w *world) {
				w.Add("catalog", "component", "other", "fine")
				if tc.before != "" {
					w.Components(tc.n, tc.before)
				}
			})
			w := newWorld(t)
			w.Add("identities", "user", "sam", "fine")
			w.Add("identities", "user", "ann", "fine")
			w.Components(tc.n, tc.now)
			w.Unread = w.Records["catalog"] // found when they are asked for
			sink := &pushed{Store: w.Store}
			w.P.Sink, w.P.Limits.MaxWiden = sink, tc.limit
			var refs []string
			for _, r := range w.Records["catalog"] {
				refs = append(refs, r.Ref)
			}
			_, _, err := Push(t.Context(), w.P, SelectOptions{Refs: refs, RunID: "r", State: n.Dir})
			var refused *fault.Refusal
			if errors.As(err, &refused) != tc.refused || !tc.refused && err != nil ||
				tc.refused && (refused.Guard != "max_widen" || sink.n > 0) {
				t.Errorf("%v, %d sent", err, sink.n)
			}
		})
	}
}

// TestPushLetBack: a document that was let back before a run withheld it is compared
// with who found it before it was hidden.
func TestPushLetBack(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Add("catalog", "component", "back", "of sam") })
	for fate, refused := range map[string]bool{"fine": true, "of sam": false} {
		w := newWorld(t)
		w.o.State = n.Dir
		w.folder(t).Hide(baseline.Hidden{Ref: "component:default/back", At: time.Now().UTC(), Back: time.Now().UTC()})
		w.Add("identities", "user", "sam", "fine")
		w.Add("catalog", "component", "back", fate)
		w.Unread = w.Records["catalog"] // found when they are asked for
		sink := &pushed{Store: w.Store}
		w.P.Sink, w.P.Limits.MaxWiden = sink, component.Bound{}
		_, _, err := Push(t.Context(), w.P, SelectOptions{Refs: []string{"component:default/back"}, RunID: "r", State: n.Dir})
		if errors.As(err, new(*fault.Refusal)) != refused || !refused && err != nil || refused && sink.n > 0 {
			t.Errorf("%s: %v, %d sent", fate, err, sink.n)
		}
	}
}
