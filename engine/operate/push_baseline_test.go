package operate

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// push pushes component 0 of two.
func (n night) push(held component.Holdings, dir string) (*pushed, error) {
	n.T.Helper()
	w := newWorld(n.T)
	w.Add("identities", "user", "sam", "fine")
	w.Components(2, "of sam")
	w.Unread = w.Records["catalog"] // found by Confirm
	w.Holdings = held
	sink := &pushed{Store: w.Store}
	w.P.Sink = sink
	_, _, err := Push(n.T.Context(), w.P,
		SelectOptions{Refs: []string{w.Records["catalog"][0].Ref}, RunID: "r", State: fake.Folder{Dir: dir}.Store()})
	return sink, err
}

// TestPushTrusted: a push is refused where a run is: another state folder or program wrote
// last, or no usable baseline has the audiences of what the sink holds.
func TestPushTrusted(t *testing.T) {
	counted := component.Holdings{Streams: map[string]int{"documents": 2}}
	own := func(n night) component.Holdings { return uploads(n.Owner(), 2) }
	for name, tc := range map[string]struct {
		spoil func(n night)
		held  func(n night) component.Holdings
		none  bool   // --state none
		guard string // "" when it is sent
		says  string
	}{
		"after a good run": {held: own},
		"another owner": {held: func(night) component.Holdings {
			return uploads("feedfacefeedface", 2)
		}, guard: "owner", says: "of another state folder, owner feedfacefeedface"},
		"another program": {held: func(night) component.Holdings {
			return component.Holdings{Uploads: []component.Upload{{Stream: "documents", ID: "theirs"}}}
		}, guard: "owner", says: "of another program"},
		"a damaged baseline": {spoil: func(n night) {
			n.ChangeBaseline(func(text string) string { return text[:len(text)/2] })
		}, held: own, guard: "baseline", says: "is damaged: it"},
		"a newer baseline": {spoil: func(n night) {
			n.ChangeBaseline(fake.LaterVersion)
		}, held: own, guard: "baseline", says: "is of a later version of pipe"},
		"a missing baseline": {spoil: func(n night) {
			os.Remove(n.File(".state"))
		}, held: own, guard: "baseline", says: "the baseline is missing"},
		"missing, only counts": {spoil: func(n night) {
			os.Remove(n.File(".state"))
		}, held: func(night) component.Holdings { return counted }, guard: "baseline", says: "the sink counts 2 documents"},
		"missing, no status": {spoil: func(n night) {
			os.Remove(n.File(".state"))
		}, held: func(night) component.Holdings {
			return component.Holdings{Unsaid: errors.New("404")}
		}, guard: "baseline", says: "the content of the sink is unknown"},
		"missing, and empty": {spoil: func(n night) {
			os.Remove(n.File(".state"))
		}, held: func(night) component.Holdings { return component.Holdings{} }},
		"no state folder": {held: func(night) component.Holdings { return counted }, none: true, guard: "baseline",
			says: "--state none"},
		"no folder, and empty": {held: func(night) component.Holdings { return component.Holdings{} }, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNight(t)
			n.good(func(w *world) { w.Components(2, "of sam") })
			held := tc.held(n)
			if tc.spoil != nil {
				tc.spoil(n)
			}
			dir := n.Dir
			if tc.none {
				dir = ""
			}
			sink, err := n.push(held, dir)
			var refused *fault.Refusal
			switch {
			case tc.guard == "":
				if err != nil || sink.n != 1 {
					t.Errorf("%v, %d sent", err, sink.n)
				}
			case !errors.As(err, &refused) || refused.Guard != tc.guard || !strings.Contains(err.Error(), tc.says) || sink.n > 0:
				t.Errorf("%v, %d sent", err, sink.n)
			}
		})
	}
}

// TestPushFirst: items that are pushed into an empty place before the first run belong to this
// state folder, and the run is not refused for a missing baseline.
func TestPushFirst(t *testing.T) {
	n := newNight(t)
	for _, held := range []component.Holdings{{}, {Streams: map[string]int{"documents": 1}}} {
		if sink, err := n.push(held, n.Dir); err != nil || sink.n != 1 {
			t.Fatalf("%v, %d sent", err, sink.n)
		}
	}
	n.good(func(w *world) {
		w.Components(2, "of sam")
		w.Holdings = component.Holdings{Streams: map[string]int{"documents": 1}}
	})
}

// TestPushUnsaid: when the sink cannot report what it holds, a push with a baseline fails, and
// a push without one is refused.
func TestPushUnsaid(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(2, "of sam") })
	failing := func() error {
		w := newWorld(t)
		w.Add("identities", "user", "sam", "fine")
		w.Components(2, "of sam")
		w.Unread = w.Records["catalog"]
		w.Store.Fail["holds"] = &component.UnsaidError{Err: errors.New("500")}
		w.P.Sink = &pushed{Store: w.Store}
		_, _, err := Push(t.Context(), w.P,
			SelectOptions{Refs: []string{w.Records["catalog"][0].Ref}, RunID: "r", State: n.Store()})
		return err
	}
	if err := failing(); err == nil || errors.As(err, new(*fault.Refusal)) {
		t.Errorf("with a baseline: %v", err)
	}
	if err := n.Baseline().SetOwner(baseline.Owner{ID: n.Owner(), Kept: true}); err != nil {
		t.Fatal(err)
	}
	os.Remove(n.File(".state"))
	if err := failing(); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("without: %v", err)
	}
}
