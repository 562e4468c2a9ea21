package operate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/run"
)

// pushed is a store that takes single items.
type pushed struct {
	*fake.Store
	n int
}

func (p *pushed) Push(_ context.Context, s *component.Selection, _ component.Opening) (*component.Pushed, error) {
	p.n += len(s.Records)
	out := &component.Pushed{Told: s.Identities["members"]}
	for _, r := range s.Records {
		out.Told = append(out.Told, r.Items...)
	}
	return out, p.Store.Fail["push"]
}

// Decode decodes an item of the store.
func (p *pushed) Decode(stream string, body []byte) (component.Stored, error) {
	if stream == "members" {
		var g []string
		err := codec.Unmarshal(body, &g)
		return component.Stored{ID: g[0], Principals: g[1:]}, err
	}
	var d struct {
		Fate string `json:"fate"`
	}
	err := codec.Unmarshal(body, &d)
	return component.Stored{Principals: []string{strings.TrimPrefix(d.Fate, "named ")}}, err
}

// TestPushAudit: the ledger contains the documents that a push sent and the members that it
// added to groups, even if the push failed.
func TestPushAudit(t *testing.T) {
	user, team := component.UserPrincipal, component.GroupPrincipal("team")
	fill := func(w *world, members ...string) *pushed {
		w.Add("identities", "user", "sam", "fine")
		w.Add("catalog", "component", "c", "named "+team)
		w.Teams = [][]string{append([]string{"team"}, members...)}
		w.Unread = w.Records["catalog"] // found by Confirm
		sink := &pushed{Store: w.Store}
		w.P.Sink = sink
		return sink
	}
	for name, failed := range map[string]error{"sent": nil, "failed": errors.New("no answer")} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			w := newWorld(t)
			w.o.State = n.Store()
			w.Add("catalog", "component", "other", "fine")
			fill(w, user("ann"))
			if _, err := run.Run(t.Context(), w.P, w.o); err != nil {
				t.Fatal(err)
			}
			w = newWorld(t)
			fill(w, user("bob")).Store.Fail["push"] = failed
			_, _, err := Push(t.Context(), w.P,
				SelectOptions{Refs: []string{"component:default/c"}, RunID: "r", State: n.Store()})
			if !errors.Is(err, failed) {
				t.Fatal(err)
			}
			s, err := audit.Open(n.Baseline().State()).At(time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			answers := s.Who("component:default/c")
			if len(answers) != 1 || !slices.Equal(answers[0].People, []string{user("ann"), user("bob")}) ||
				answers[0].Event.Kind != "push" {
				t.Errorf("%+v", answers)
			}
		})
	}
}

// TestPushWidens: max_widen applies to a push, compared with the last good run.
func TestPushWidens(t *testing.T) {
	for name, tc := range map[string]struct {
		before, now string
		limit       component.Bound
		n           int
		refused     bool
	}{
		"none allowed, one widens":  {"of sam", "of sam and ann", component.Bound{}, 1, true},
		"none allowed, none widens": {"of sam and ann", "of sam", component.Bound{}, 3, false},
		"withheld before":           {"private", "of sam", component.Bound{}, 1, true},
		"new ones do not count":     {"", "fine", component.Bound{}, 1, false},
		"at the limit":              {"of sam", "fine", component.Bound{Items: 2}, 2, false},
		"beyond the limit":          {"of sam", "fine", component.Bound{Items: 2}, 3, true},
		"20 by default":             {"of sam", "fine", component.DefaultLimits().MaxWiden, MostPushed, false},
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
			w.Unread = w.Records["catalog"] // found by Confirm
			sink := &pushed{Store: w.Store}
			w.P.Sink, w.P.Limits.MaxWiden = sink, tc.limit
			var refs []string
			for _, r := range w.Records["catalog"] {
				refs = append(refs, r.Ref)
			}
			_, _, err := Push(t.Context(), w.P, SelectOptions{Refs: refs, RunID: "r", State: n.Store()})
			var refused *fault.Refusal
			if errors.As(err, &refused) != tc.refused || !tc.refused && err != nil ||
				tc.refused && (refused.Guard != "max_widen" || sink.n > 0) {
				t.Errorf("%v, %d sent", err, sink.n)
			}
		})
	}
}

// TestPushLetBack: a document that was let back before a run withheld it is compared with its
// audience before it was hidden.
func TestPushLetBack(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Add("catalog", "component", "back", "of sam") })
	for fate, refused := range map[string]bool{"fine": true, "of sam": false} {
		w := newWorld(t)
		w.o.State = n.Store()
		w.folder(t).Hide(baseline.Hidden{Ref: "component:default/back", At: time.Now().UTC(), Back: time.Now().UTC()})
		w.Add("identities", "user", "sam", "fine")
		w.Add("catalog", "component", "back", fate)
		w.Unread = w.Records["catalog"] // found by Confirm
		sink := &pushed{Store: w.Store}
		w.P.Sink, w.P.Limits.MaxWiden = sink, component.Bound{}
		_, _, err := Push(t.Context(), w.P,
			SelectOptions{Refs: []string{"component:default/back"}, RunID: "r", State: n.Store()})
		if errors.As(err, new(*fault.Refusal)) != refused || !refused && err != nil || refused && sink.n > 0 {
			t.Errorf("%s: %v, %d sent", fate, err, sink.n)
		}
	}
}
