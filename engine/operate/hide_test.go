package operate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/state"
)

// hidingSink is a sink that can hide single items.
type hidingSink struct {
	*fake.Store
	has     map[string][]string // ID → types of its items
	refuses error               // the error of every request to hide
	asked   []string            // "id [types]", in the order of the requests
	deleted []bool              // the argument of each Settle
}

func (s *hidingSink) Hide(_ context.Context, id string, types []string) (*component.Hidden, error) {
	s.asked = append(s.asked, fmt.Sprintf("%s %v", id, types))
	if s.refuses != nil {
		return nil, s.refuses
	}
	found := s.has[id]
	delete(s.has, id)
	return &component.Hidden{Types: found, Notes: []string{"asked for " + id}}, nil
}

func (s *hidingSink) Settle(_ context.Context, _ component.Opening, deleted bool) []string {
	s.deleted = append(s.deleted, deleted)
	return []string{"settled"}
}

// hiding calls Hide in a new world with the state folder of n. It fails the test when Hide does
// not return.
func (n night) hiding(prepare func(w *world, s *hidingSink, o *HideOptions)) (*hidingSink, *HideResult, error) {
	n.T.Helper()
	w := newWorld(n.T)
	w.o.State = n.Store()
	w.Add("identities", "user", "sam", "fine")
	w.Add("identities", "user", "ann", "fine")
	s := &hidingSink{Store: w.Store, has: map[string][]string{}}
	w.P.Sink = s
	o := HideOptions{SelectOptions: SelectOptions{Refs: []string{leaked}, RunID: w.o.RunID, State: n.Store(), By: "ann"}}
	prepare(w, s, &o)
	ctx, cancel := context.WithTimeout(n.T.Context(), deadline)
	defer cancel()
	result, err := Hide(ctx, w.P, o)
	if ctx.Err() != nil {
		n.T.Fatalf("Hide does not end within %s", deadline)
	}
	return s, result, err
}

const leaked = "component:default/c7"

// TestHide: which IDs the sink is asked to hide, what is known about a ref afterwards, and what
// the hidden list keeps.
func TestHide(t *testing.T) {
	type setup = func(w *world, s *hidingSink, o *HideOptions)
	type runs = []func(w *world)
	others := func(w *world) { w.Add("catalog", "component", "c1", "fine") }
	delivered := func(fate string, digits bool) runs {
		return runs{func(w *world) { w.Digits = digits; others(w); w.Add("catalog", "component", "c7", fate) }}
	}
	inSource := func(w *world, _ *hidingSink, _ *HideOptions) { w.AddUnread("component", "c7") }
	digits := func(w *world, _ *hidingSink, _ *HideOptions) { w.Digits = true }
	inSink := func(_ *world, s *hidingSink, _ *HideOptions) { s.has[leaked] = []string{"component"} }
	sourceFails := func(w *world, _ *hidingSink, _ *HideOptions) { w.Blind = true }
	listed := func(h baseline.Hidden) setup {
		return func(w *world, _ *hidingSink, _ *HideOptions) { h.Ref = leaked; w.folder(t).Hide(h) }
	}
	long := time.Unix(1_700_000_000, 0).UTC()

	for name, tc := range map[string]struct {
		ref     string           // "" means leaked
		before  []func(w *world) // good runs
		setup   []setup
		asked   string // requests to the sink
		types   string // that were hidden
		unknown bool
		err     string // of the ref
		note    string // about the ref
		source  bool   // the source failed
		ids     string // on the list
		hashes  int    // on the list
		back    bool   // let back again
		kept    bool   // the list keeps the time of an earlier call
	}{
		"delivered with its ref as ID": {
			before: delivered("fine", false), setup: []setup{inSink, sourceFails},
			asked: leaked + " [component]", types: "component", note: "asked for " + leaked, ids: leaked,
		},
		"delivered with another ID, which the source gives": {
			before: delivered("fine", true), setup: []setup{digits, inSource},
			asked: leaked + " [], id 7 [component]", ids: leaked + " id 7",
		},
		"delivered with another ID, gone from the source": {
			before: delivered("fine", true), setup: []setup{digits},
			asked: leaked + " []", err: "with an id that is not its ref", ids: leaked, hashes: 1,
		},
		"delivered with another ID, and the source fails": {
			before: delivered("fine", true), setup: []setup{digits, sourceFails}, source: true,
			asked: leaked + " []", err: "with an id that is not its ref", note: "its id could not be read from the source",
			ids: leaked, hashes: 1,
		},
		"delivered with another ID, which is on the list": {
			before: delivered("fine", true),
			setup:  []setup{listed(baseline.Hidden{At: long, IDs: []string{"id 7"}}), sourceFails},
			asked:  leaked + " [], id 7 [component]", ids: leaked + " id 7", kept: true,
		},
		"withheld by the last run": {
			before: delivered("private", false),
			asked:  leaked + " []", ids: leaked,
		},
		"withheld by the last run with another ID": {
			before: delivered("private", true), setup: []setup{digits},
			asked: leaked + " []", ids: leaked, hashes: 1,
		},
		"delivered by an earlier run": {
			before: append(delivered("fine", false), others), setup: []setup{sourceFails}, source: true,
			asked: leaked + " []", note: "its id could not be read from the source", ids: leaked,
		},
		"a user": {
			ref: "user:default/sam", before: runs{others}, setup: []setup{sourceFails}, source: true,
			asked: "user:default/sam []", err: "neither the last good run nor the source",
			note: "its id could not be read from the source",
			ids:  "user:default/sam",
		},
		"found nowhere": {
			before: runs{others},
			asked:  leaked + " []", unknown: true, back: true,
		},
		"found nowhere and to be kept": {
			setup: []setup{func(_ *world, _ *hidingSink, o *HideOptions) { o.KeepUnknown = true }},
			asked: leaked + " []", unknown: true, ids: leaked,
		},
		"found nowhere, on the list": {
			setup: []setup{listed(baseline.Hidden{At: long})},
			asked: leaked + " []", ids: leaked, kept: true,
		},
		"found nowhere, let back before": {
			setup: []setup{listed(baseline.Hidden{At: long, Back: long})},
			asked: leaked + " []", ids: leaked,
		},
		"only in the sink": {
			setup: []setup{inSink},
			asked: leaked + " []", types: "component", ids: leaked,
		},
		"only in the source": {
			setup: []setup{inSource},
			asked: leaked + " [], " + leaked + " [component]", ids: leaked,
		},
		"only in the sink, and the source fails": {
			setup: []setup{inSink, sourceFails}, source: true,
			asked: leaked + " []", types: "component", note: "its id could not be read from the source", ids: leaked,
		},
		"the first ID in the sink, the second not, and the source fails": {
			setup: []setup{listed(baseline.Hidden{At: long, IDs: []string{"id 8"}}), inSink, sourceFails}, source: true,
			asked: leaked + " [], id 8 []", types: "component", note: "its id could not be read from the source",
			ids:  leaked + " id 8",
			kept: true,
		},
		"not in the sink, and the source fails": {
			setup: []setup{sourceFails}, source: true,
			asked: leaked + " []", err: "neither the last good run nor the source has its id", ids: leaked,
		},
		"the sink fails": {
			setup: []setup{func(_ *world, s *hidingSink, _ *HideOptions) { s.refuses = errors.New("503") }},
			asked: leaked + " []", err: "503", ids: leaked,
		},
		"the ID of another ref": {
			before: runs{func(w *world) {
				w.Digits = true
				w.Add("catalog", "component", "other7", "fine")
			}}, setup: []setup{digits, inSource},
			asked: leaked + " []", note: "its id id 7 is also the id of component:default/other7, which is kept", ids: leaked,
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			for _, fill := range tc.before {
				n.good(fill)
			}
			if tc.ref == "" {
				tc.ref = leaked
			}
			began := time.Now().Add(-time.Second)
			s, result, err := n.hiding(func(w *world, s *hidingSink, o *HideOptions) {
				o.Refs = []string{tc.ref, tc.ref} // the duplicate has no effect
				for _, f := range tc.setup {
					f(w, s, o)
				}
			})
			if err != nil || len(result.Refs) != 1 {
				t.Fatal(err, result)
			}
			r := result.Refs[0]
			if got := strings.Join(s.asked, ", "); got != tc.asked || strings.Join(r.Types, " ") != tc.types {
				t.Errorf("the sink was asked for %q and had %v", got, r.Types)
			}
			if !slices.Equal(s.deleted, []bool{tc.types != ""}) || !slices.Contains(result.Notes, "settled") {
				t.Errorf("settled with %v, notes %q", s.deleted, result.Notes)
			}
			if r.Ref != tc.ref || r.Unknown != tc.unknown || (r.Err != nil) != (tc.err != "") ||
				r.Err != nil && !strings.Contains(r.Err.Error(), tc.err) {
				t.Errorf("unknown %v, %v", r.Unknown, r.Err)
			}
			if !strings.Contains(strings.Join(r.Notes, "\n"), tc.note) ||
				strings.Contains(strings.Join(r.Notes, "\n"), "its id could not be read from the source") != tc.source {
				t.Errorf("notes %q", r.Notes)
			}
			if (result.SourceErr != nil) != tc.source {
				t.Errorf("the source: %v", result.SourceErr)
			}
			all := n.Hidden()
			if len(all) != 1 || strings.Join(all[0].IDs, " ") != tc.ids || len(all[0].Hashes) != tc.hashes ||
				all[0].Back.IsZero() == tc.back || all[0].At.Before(began) != tc.kept {
				t.Errorf("on the list: %+v", all)
			}
			if !tc.kept && all[0].By != "ann" {
				t.Errorf("hidden by %q", all[0].By)
			}
		})
	}
}

// TestHideWithADamagedBaseline: when the last good run cannot be read, the result says so, and
// the source is queried for the IDs.
func TestHideWithADamagedBaseline(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Digits = true; w.Add("catalog", "component", "c7", "fine") })
	if err := os.WriteFile(n.File(".state"), []byte("pipe-state\t{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, result, err := n.hiding(func(w *world, _ *hidingSink, _ *HideOptions) {
		w.Digits = true
		w.AddUnread("component", "c7")
	})
	if err != nil || result.Refs[0].Err != nil || result.SourceErr != nil {
		t.Fatalf("%v, %+v", err, result)
	}
	if got := strings.Join(s.asked, ", "); got != leaked+" [], id 7 [component]" {
		t.Errorf("the sink was asked for %q", got)
	}
	if len(result.Notes) != 2 || !strings.Contains(result.Notes[0], "the baseline could not be read") {
		t.Errorf("notes %q", result.Notes)
	}
	if all := n.Hidden(); strings.Join(all[0].IDs, " ") != leaked+" id 7" {
		t.Errorf("on the list: %+v", all)
	}
	if ids, _, err := RememberedIDs(&fake.Store{}, n.Store(), leaked); err == nil {
		t.Errorf("the remembered IDs are %v, though the last good run cannot be read", ids)
	}
}

// TestHideWhatAnInterruptedRunSent: what belongs to a hidden record and only the journal has is
// hidden with it.
func TestHideWhatAnInterruptedRunSent(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Add("catalog", "component", "c7", "fine") })
	j, err := n.Baseline().Begin(baseline.Publishing, "r", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i, ref := range []string{"page:default/c7/p", "page:default/c8/p", "page:default/c7/gone"} {
		j.Intend(i+1, baseline.Intent{Stream: "documents", ID: ref, Ref: ref, Type: "page", Gone: i == 2,
			Grant: access.Grant{Audience: access.AllUsers}})
	}
	if err := errors.Join(j.Sync(), j.Close()); err != nil {
		t.Fatal(err)
	}
	s, result, err := n.hiding(func(w *world, _ *hidingSink, _ *HideOptions) { fake.NewLibrary(w.World) })
	if err != nil || result.Refs[0].Err != nil {
		t.Fatal(err, result)
	}
	want := []string{leaked + " [component]", "page:default/c7/p [page]"}
	if !slices.Equal(s.asked, want) {
		t.Errorf("%q, want %q", s.asked, want)
	}
	n.Damage(".journal")
	_, result, err = n.hiding(func(*world, *hidingSink, *HideOptions) {})
	if err != nil || !strings.Contains(strings.Join(result.Notes, "\n"), "since the last good run could not be read") {
		t.Errorf("%v, %q", err, result.Notes)
	}
}

// TestHideStopped: the source is not queried after the call was canceled.
func TestHideStopped(t *testing.T) {
	n := newNight(t)
	w := newWorld(t)
	w.AddUnread("component", "c7")
	w.P.Sink = &hidingSink{Store: w.Store}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result, err := Hide(ctx, w.P,
		HideOptions{SelectOptions: SelectOptions{Refs: []string{leaked}, RunID: w.o.RunID, State: n.Store()}})
	if !errors.Is(err, context.Canceled) || result == nil || result.SourceErr != nil || len(n.Hidden()) != 1 {
		t.Errorf("%v, %+v, on the list %+v", err, result, n.Hidden())
	}
}

// TestHideNeedsAHider: nothing is written for a sink that cannot hide single items.
func TestHideNeedsAHider(t *testing.T) {
	n := newNight(t)
	w := newWorld(t)
	result, err := Hide(t.Context(), w.P,
		HideOptions{SelectOptions: SelectOptions{Refs: []string{leaked}, State: n.Store()}})
	if err == nil || fault.ClassOf(err) != fault.Fatal || result != nil || len(n.Hidden()) != 0 {
		t.Errorf("%v, %+v, on the list %+v", err, result, n.Hidden())
	}
}

// TestHideLetBackMeanwhile: when another call lets a ref back while it is being hidden, the ref
// keeps the entry of that call.
func TestHideLetBackMeanwhile(t *testing.T) {
	n := newNight(t)
	store := n.Hide()
	h := &hiding{store: store, refID: strings.ToLower,
		o: HideOptions{SelectOptions: SelectOptions{Refs: []string{"a", "b", "c"}}}}
	if err := h.list(); err != nil {
		t.Fatal(err)
	}
	back := time.Unix(1_700_000_000, 0).UTC()
	n.Hide(baseline.Hidden{Ref: "a", Back: back}, baseline.Hidden{Ref: "b"})
	if err := h.relist(); err != nil {
		t.Fatal(err)
	}
	all := n.Hidden()
	if len(all) != 2 || !all[0].Back.Equal(back) || len(all[0].IDs) != 0 || strings.Join(all[1].IDs, " ") != "b" {
		t.Errorf("on the list: %+v", all)
	}
}

// TestUnhide: either all refs are let back or none.
func TestUnhide(t *testing.T) {
	back := time.Unix(1_700_000_000, 0).UTC()
	for name, tc := range map[string]struct {
		refs []string
		want string // refs that are let back
		err  string
	}{
		"one":                {refs: []string{"b"}, want: "back b"},
		"two":                {refs: []string{"b", "a"}, want: "a back b"},
		"not on the list":    {refs: []string{"a", "c"}, want: "back", err: "c is not hidden"},
		"let back before":    {refs: []string{"a", "back"}, want: "back", err: "back is not hidden"},
		"the same one twice": {refs: []string{"a", "a"}, want: "back", err: "a is not hidden"},
	} {
		w := newWorld(t)
		w.o.State = state.Folder(t.TempDir())
		w.folder(t).Hide(baseline.Hidden{Ref: "a"}, baseline.Hidden{Ref: "back", Back: back}, baseline.Hidden{Ref: "b"})
		err := Unhide(w.P, SelectOptions{Refs: tc.refs, State: w.o.State})
		if (err != nil) != (tc.err != "") ||
			err != nil && (!strings.Contains(err.Error(), tc.err) || errors.As(err, new(*fault.StateError))) {
			t.Errorf("%s: %v", name, err)
		}
		var refs []string
		for _, h := range w.folder(t).Hidden() {
			if !h.Back.IsZero() {
				refs = append(refs, h.Ref)
			}
		}
		if got := strings.Join(refs, " "); got != tc.want {
			t.Errorf("%s: let back %q, want %q", name, got, tc.want)
		}
	}
}

// TestUnreadableHiddenList: neither Hide nor Unhide replaces a list that cannot be read.
func TestUnreadableHiddenList(t *testing.T) {
	n := newNight(t)
	w := newWorld(t)
	w.o.State = n.Store()
	w.folder(t).Hide(baseline.Hidden{Ref: leaked})
	w.folder(t).Change(".hidden", func(string) string { return "{" })
	w.P.Sink = &hidingSink{Store: w.Store}
	o := SelectOptions{Refs: []string{leaked}, State: n.Store()}
	result, err := Hide(t.Context(), w.P, HideOptions{SelectOptions: o})
	if !errors.As(err, new(*fault.StateError)) || fault.RemedyOf(err) == "" || result != nil {
		t.Errorf("Hide: %v, %+v", err, result)
	}
	if err := Unhide(w.P, o); !errors.As(err, new(*fault.StateError)) {
		t.Errorf("Unhide: %v", err)
	}
	if _, _, err := RememberedIDs(&fake.Store{}, n.Store(), leaked); !errors.As(err, new(*fault.StateError)) {
		t.Errorf("RememberedIDs: %v", err)
	}
}

// TestRememberedIDs: the IDs on the hidden list, and whether the last good run delivered the
// ref under another ID.
func TestRememberedIDs(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Digits = true; w.Add("catalog", "component", "c7", "fine") })
	for _, tc := range []struct {
		ref, ids string
		listed   []baseline.Hidden
		unknown  bool
	}{
		{ref: leaked, ids: leaked, unknown: true},
		{ref: leaked, listed: []baseline.Hidden{{Ref: leaked, IDs: []string{"id 7"}}}, ids: leaked + " id 7"},
		{ref: leaked, listed: []baseline.Hidden{{Ref: leaked, IDs: []string{"id 8", leaked}}}, ids: leaked + " id 8",
			unknown: true},
		{ref: "component:default/C8", ids: "component:default/c8"},
	} {
		n.Hide(tc.listed...)
		ids, unknown, err := RememberedIDs(&fake.Store{}, n.Store(), tc.ref)
		if err != nil || strings.Join(ids, " ") != tc.ids || unknown != tc.unknown {
			t.Errorf("%s with %+v on the list: %v, unknown %v, %v", tc.ref, tc.listed, ids, unknown, err)
		}
	}
}

// TestUnknownIDs: the list keeps the hash of each ID once, and no hash of an ID that it has in
// clear.
func TestUnknownIDs(t *testing.T) {
	known, other := codec.Hash([]byte("known")), codec.Hash([]byte("other"))
	x := &target{ids: []string{"known"}, delivered: []uint64{known, other}, gone: []uint64{other, known}}
	if got := x.unknownIDs(); !slices.Equal(got, []string{baseline.HashText(other)}) {
		t.Errorf("%v", got)
	}
}

// TestHideOfAnUnknownRef: an unknown ref is let back and stays listed, since a run may have
// read it as hidden in the meantime.
func TestHideOfAnUnknownRef(t *testing.T) {
	store, err := baseline.Open(state.Folder(t.TempDir()), fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	h := &hiding{store: store, refID: strings.ToLower,
		o: HideOptions{SelectOptions: SelectOptions{Refs: []string{"component:default/typo", "component:default/known"}}}}
	if err := h.list(); err != nil {
		t.Fatal(err)
	}
	h.targets[0].Unknown = true
	if err := h.relist(); err != nil {
		t.Fatal(err)
	}
	all, err := store.Hidden()
	if err != nil || len(all) != 2 || all[0].Back.IsZero() || !all[1].Back.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
}
