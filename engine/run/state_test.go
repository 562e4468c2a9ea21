package run

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/stage"
)

// nowhere is a sink without a place.
type nowhere struct{ *fake.Store }

func (nowhere) Place() string { return "" }

// TestSinkWithoutPlace: runs of a sink without a place keep no state.
func TestSinkWithoutPlace(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(3, "fine"); w.P.Sink = nowhere{w.Store} })
	if files, err := os.ReadDir(n.Dir); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
}

// TestKeptIsRecorded: a run with a baseline records that there is one when the run that wrote it
// was killed before it did; a dry run records nothing.
func TestKeptIsRecorded(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { w.Components(3, "fine") }
	n.good(fill)
	owner := baseline.Owner{ID: n.Owner(), Created: time.Now().UTC(), Begun: true}
	if err := n.Baseline().SetOwner(owner); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		n.run(func(w *world) {
			fill(w)
			w.o.Until = until(dry)
			w.Company.Fail = func(string, int) error { return errors.New("killed while it reads") }
		})
		if o, _, err := n.Baseline().Owner(); err != nil || o.Kept == dry {
			t.Errorf("dry %t: %+v, %v", dry, o, err)
		}
	}
}

// TestPartialBaselineIsNotRecorded: a first run of only users writes no baseline of the documents, and the
// owner file does not say that there is one.
func TestPartialBaselineIsNotRecorded(t *testing.T) {
	n := newNight(t)
	for _, documents := range []bool{false, true} {
		n.good(func(w *world) {
			w.Components(3, "fine")
			if !documents {
				w.P.Unwritten = func(stream string) string { return map[string]string{"documents": "left out"}[stream] }
			}
		})
		if o, _, err := n.Baseline().Owner(); err != nil || o.Kept != documents {
			t.Errorf("documents %t: %+v, %v", documents, o, err)
		}
	}
}

// TestDamagedOwnerWithBaseline: a run with an intact baseline neither replaces nor ignores a
// damaged owner file.
func TestDamagedOwnerWithBaseline(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(3, "fine") })
	n.Damage(".owner")
	before := n.Texts()[n.File(".owner")]
	w, _, err := n.run(func(w *world) { w.Components(3, "fine") })
	if !errors.As(err, new(*fault.StateError)) || len(w.Calls) > 0 || n.Texts()[n.File(".owner")] != before {
		t.Errorf("%v, calls %v", err, w.Calls)
	}
}

// TestHiddenLost: a hidden list must have every ref that the last good run read from it.
func TestHiddenLost(t *testing.T) {
	var refs []string
	for i := range 12 {
		refs = append(refs, fmt.Sprintf("component:default/c%02d", i))
	}
	listed := func(refs []string) baseline.Hiding {
		var all []baseline.Hidden
		for _, ref := range refs {
			all = append(all, hiddenNow(ref))
		}
		return baseline.HidingOf(all, nil)
	}
	store := newNight(t).Baseline()
	for name, tc := range map[string]struct {
		last *baseline.Snapshot
		list baseline.Hiding
		says string
	}{
		"no last run":     {nil, listed(nil), ""},
		"nothing hidden":  {&baseline.Snapshot{}, listed(nil), ""},
		"more are hidden": {&baseline.Snapshot{Header: baseline.Header{Hidden: refs[:2]}}, listed(refs), ""},
		"one is missing": {&baseline.Snapshot{Header: baseline.Header{Hidden: refs}}, listed(refs[1:]),
			"lacks 1 document that it had in the last good run: component:default/c00"},
		"all are missing": {&baseline.Snapshot{Header: baseline.Header{Hidden: refs}}, listed(nil),
			"lacks 12 documents that it had in the last good run: " + strings.Join(refs[:10], ", ") + " and 2 more"},
	} {
		err := (&run{store: store, last: tc.last}).hiddenLost(tc.list)
		if (err == nil) != (tc.says == "") ||
			err != nil && (!errors.As(err, new(*fault.StateError)) || !strings.HasSuffix(err.Error(), tc.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStale: an unchanged count of the sink within a few hours is the count from before the
// last run, and a refusal says whether the file has changed.
func TestStale(t *testing.T) {
	for name, tc := range map[string]struct {
		ago         time.Duration
		fingerprint string
		stale       bool
		since       string
	}{
		"just now":         {0, "a", true, ""},
		"three hours ago":  {baseline.YoungCounts - time.Minute, "a", true, ""},
		"four hours ago":   {baseline.YoungCounts + time.Minute, "a", false, ""},
		"of another file":  {0, "b", true, ". The pipeline file changed since the last run ("},
		"of an older file": {48 * time.Hour, "b", false, ". The pipeline file changed since the last run ("},
	} {
		last := fake.Snapshot(t, nil)
		last.Finished, last.Fingerprint, last.Said = time.Now().Add(-tc.ago), "a", map[string]int{"documents": 7, "users": 0}
		p := twoStreams()
		p.Fingerprint = tc.fingerprint
		s := stage.New()
		r := &run{o: Options{clock: realTime{}}, p: p, plan: &component.Plan{}, staged: s, ledger: read.NewLedger(nil, nil),
			last: last}
		if err := r.compare(); err != nil {
			t.Fatal(err)
		}
		v := r.reviewer
		if v.Stale("documents", 7) != tc.stale || v.Stale("users", 0) != tc.stale || v.Stale("documents", 8) ||
			v.Stale("members", 0) {
			t.Errorf("%s: documents %t, users %t, other count %t, other stream %t", name, v.Stale("documents", 7),
				v.Stale("users", 0), v.Stale("documents", 8), v.Stale("members", 0))
		}
		if !strings.HasPrefix(v.Since, tc.since) || (v.Since == "") != (tc.since == "") {
			t.Errorf("%s: %q", name, v.Since)
		}
	}
	r := &run{o: Options{clock: realTime{}}, p: twoStreams(), ledger: read.NewLedger(nil, nil)}
	if err := r.compare(); err != nil || r.reviewer.Comparison != nil || r.reviewer.Stale("documents", 0) {
		t.Errorf("without a last run: %v, %+v", err, r.reviewer)
	}
}

// TestSince: a report compares with the last good run when the baseline has a stream with
// permissions, and contains the changes of each stream.
func TestSince(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { w.Components(30, "of sam"); w.P.Fingerprint = "a" }
	_, report := n.good(fill)
	if report.Since != nil || report.Streams[1].Changes != nil {
		t.Errorf("the first run: %+v, %+v", report.Since, report.Streams[1].Changes)
	}
	_, report = n.good(func(w *world) { fill(w); fates1(w, 2, "fine"); team(w, 0); w.P.Fingerprint = "b" })
	if s := report.Since; s == nil || s.SamePipeline || s.Wider != 2 || s.Audience[access.Listed] != 30 ||
		report.Streams[1].Changes.Changed != 2 || report.Streams[0].Changes.Same != 2 {
		t.Errorf("%+v, %+v", s, report.Streams[1].Changes)
	}
	_, report = n.good(func(w *world) { fill(w); fates1(w, 2, "fine"); team(w, 3); w.P.Fingerprint = "b" })
	if s := report.Since; s == nil || !s.SamePipeline || s.Wider != 0 ||
		!slices.Contains(report.Notes, "groups with more members than before: group:default/team +3") {
		t.Errorf("%+v, %q", s, report.Notes)
	}
	if slices.ContainsFunc(report.Notes, func(note string) bool { return note == "" }) {
		t.Errorf("an empty note: %q", report.Notes)
	}
}

// TestUnsaved: a run whose baseline cannot be written reports it and leaves the hidden list
// unchanged.
func TestUnsaved(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { w.Components(3, "fine") }
	n.good(fill)
	let := hiddenNow("component:default/c000")
	let.Back = time.Now().UTC()
	if err := n.Baseline().UpdateHidden(func([]baseline.Hidden) ([]baseline.Hidden, error) {
		return []baseline.Hidden{let}, nil
	}); err != nil {
		t.Fatal(err)
	}
	own := n.Owner()
	if err := n.Baseline().SetOwner(baseline.Owner{ID: own, Created: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
	_, _, err := n.run(func(w *world) {
		fill(w)
		w.Hook = func(*component.Plan) { n.directory(".state") }
	})
	if !errors.As(err, new(*fault.Unconfirmed)) || !errors.As(err, new(*fault.Unsaved)) ||
		!strings.Contains(err.Error(), "the baseline could not be written") {
		t.Errorf("%v", err)
	}
	if list, err := n.Baseline().Hidden(); err != nil || len(list) != 1 {
		t.Errorf("the hidden list has %v, %v", list, err)
	}
}

// TestSettledByDocuments: the first good run that writes documents removes entries that were
// let back from the hidden list.
func TestSettledByDocuments(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(3, "fine") })
	let := hiddenNow("component:default/c000")
	let.Back = time.Now().UTC()
	if err := n.Baseline().UpdateHidden(func([]baseline.Hidden) ([]baseline.Hidden, error) {
		return []baseline.Hidden{let}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, documents := range []bool{false, true} {
		n.good(func(w *world) {
			w.Components(3, "fine")
			if !documents {
				w.P.Unwritten = func(stream string) string { return map[string]string{"documents": "left out"}[stream] }
			}
		})
		if list, err := n.Baseline().Hidden(); err != nil || (len(list) == 0) != documents {
			t.Errorf("documents %t: the list has %v, %v", documents, list, err)
		}
	}
}

// entriesOf returns the entries of a state folder's baseline, by stream and ref.
func entriesOf(t *testing.T, store *baseline.Store) (baseline.Header, map[string]baseline.Entry) {
	t.Helper()
	base, err := store.Load()
	if err != nil || base.Snapshot == nil {
		t.Fatalf("%v, %+v", err, base)
	}
	defer base.Close()
	out := map[string]baseline.Entry{}
	for e, err := range base.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		name := e.Stream + " " + e.Ref
		if _, twice := out[name]; twice {
			t.Errorf("%s is listed twice", name)
		}
		out[name] = e
	}
	return base.Header, out
}

// writing returns a run that has sent a stage and writes its baseline.
func writing(t *testing.T, last *baseline.Snapshot, items ...component.Encoded) *run {
	t.Helper()
	s := stage.New()
	t.Cleanup(s.Close)
	for _, e := range items {
		if _, err := s.Put("documents", e, 1, func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	p := twoStreams()
	p.Model = fake.NewCompany()
	p.Unwritten = func(string) string { return "" }
	r := &run{o: Options{clock: realTime{}}, p: p, store: newNight(t).Baseline(), staged: s,
		ledger: read.NewLedger(nil, nil), last: last,
		plan: &component.Plan{Streams: []component.StreamPlan{s.Plan("documents")}}, report: &Report{}}
	if err := r.compare(); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestHeaderOfBaseline: the header counts what was delivered, and keeps the counts of streams
// that were left out and the fingerprint of the last complete run.
func TestHeaderOfBaseline(t *testing.T) {
	api := fake.Staged("api", "default", access.AllUsers)
	api.Type = "api"
	untyped := func(ref string) component.Encoded {
		e := fake.Staged(ref, "default", access.AllUsers)
		e.Type = ""
		return e
	}
	last := func() *baseline.Snapshot {
		s := fake.Snapshot(t, nil)
		s.Fingerprint, s.Streams, s.Types = "before", map[string]int{"documents": 9, "users": 5,
			"members": 4}, map[string]map[string]int{"members": {"group": 4}, "documents": {"old": 9}}
		return s
	}
	for name, tc := range map[string]struct {
		last        *baseline.Snapshot
		items       []component.Encoded
		refused     []string // IDs
		late        []string
		partial     bool
		streams     map[string]int
		types       string // of documents
		fingerprint string
	}{
		"the first run": {nil, []component.Encoded{api, fake.Staged("a", "default", access.AllUsers)}, nil, nil,
			false, map[string]int{"documents": 2}, "map[api:1 component:1]", "now"},
		"without types": {nil, []component.Encoded{untyped("a"), untyped("b")}, nil, nil, false,
			map[string]int{"documents": 2}, "map[]", "now"},
		"one has a type": {nil, []component.Encoded{untyped("a"), api}, nil, nil, false,
			map[string]int{"documents": 2}, "map[:1 api:1]", "now"},
		"one type": {nil, []component.Encoded{api}, nil, nil, false, map[string]int{"documents": 1},
			"map[api:1]", "now"},
		"refused, and hidden late": {nil, []component.Encoded{untyped("a"), untyped("b"), untyped("c"), untyped("d")},
			[]string{"a"}, []string{"b", "c"}, false, map[string]int{"documents": 1}, "map[]", "now"},
		"others were left out": {last(), []component.Encoded{api}, nil, nil, true,
			map[string]int{"documents": 1, "users": 5, "members": 4}, "map[api:1]", "before"},
		"others are gone": {last(), []component.Encoded{api}, nil, nil, false,
			map[string]int{"documents": 1, "users": 5, "members": 4}, "map[api:1]", "now"},
		"the first, others left out": {nil, []component.Encoded{api}, nil, nil, true, map[string]int{"documents": 1},
			"map[api:1]", "now"},
		"nothing of documents staged": {nil, nil, nil, nil, false, map[string]int{"documents": 0}, "map[]", "now"},
	} {
		t.Run(name, func(t *testing.T) {
			r := writing(t, tc.last, tc.items...)
			r.p.Fingerprint = "now"
			if tc.partial {
				r.p.Unwritten = func(stream string) string { return map[string]string{"users": "left out"}[stream] }
			}
			for _, id := range tc.refused {
				r.staged.Refuse("documents", component.Encoded{ID: id})
				r.reviewer.Refused[[2]string{"documents"}]++
			}
			for _, id := range tc.late {
				r.staged.WithholdLate("documents", component.Encoded{ID: id})
			}
			if err := r.write(); err != nil {
				t.Fatal(err)
			}
			h, _ := entriesOf(t, r.store)
			if !maps.Equal(h.Streams, tc.streams) || fmt.Sprint(h.Types["documents"]) != tc.types ||
				h.Fingerprint != tc.fingerprint {
				t.Errorf("streams %v, types %v, fingerprint %s", h.Streams, h.Types, h.Fingerprint)
			}
			if _, users := h.Types["users"]; users || (h.Types["members"] != nil) != (tc.last != nil) {
				t.Errorf("types %v", h.Types)
			}
		})
	}
}

// TestEntriesOfBaseline: what a run delivered or withheld replaces its entries in the baseline;
// items that are gone or refused are away; other streams stay.
func TestEntriesOfBaseline(t *testing.T) {
	long := fake.Away(fake.Document("away for long", access.Listed, "sam"))
	long.Away = time.Now().Add(-awayFor - time.Hour)
	almost := fake.Away(fake.Document("almost for long", access.Listed, "sam"))
	almost.Away = time.Now().Add(-awayFor + time.Hour)
	undecided := fake.Document("undecided", access.AllUsers)
	undecided.Audience = ""
	last := fake.Snapshot(t, []baseline.Entry{
		fake.Document("same", access.Listed, "sam"), fake.Document("gone", access.Listed, "sam"),
		fake.Document("refused", access.Listed, "sam"), fake.Document("hidden late", access.AllUsers),
		fake.Away(fake.Document("away", access.Listed, "sam")), almost, long, undecided,
		{Stream: "members", Ref: "group", ID: 7, Names: fake.Hashes("sam")},
	})
	open := fake.Staged("without permissions", "", access.Undecided)
	r := writing(t, last, fake.Staged("same", "default", access.AllUsers), fake.Staged("new", "default", access.AllUsers),
		fake.Staged("refused", "default", access.AllUsers), fake.Staged("hidden late", "default", access.AllUsers), open,
		component.Encoded{ID: "refused without permissions", Ref: "same"})
	for _, id := range []string{"refused", "refused without permissions"} {
		r.staged.Refuse("documents", component.Encoded{ID: id})
	}
	r.staged.WithholdLate("documents", component.Encoded{ID: "hidden late"})
	if err := r.write(); err != nil {
		t.Fatal(err)
	}
	_, got := entriesOf(t, r.store)
	for name, want := range map[string]struct {
		audience string
		away     bool
	}{
		"documents same":                {"all-users", false},
		"documents new":                 {"all-users", false},
		"documents without permissions": {"", false},
		"documents gone":                {"listed", true},
		"documents refused":             {"listed", true},
		"documents hidden late":         {"nobody", false},
		"documents away":                {"listed", true},
		"documents almost for long":     {"listed", true},
		"documents undecided":           {"", true},
		"members group":                 {"", false},
	} {
		e, there := got[name]
		if !there || e.Audience != want.audience || e.Away.IsZero() == want.away {
			t.Errorf("%s: there %t, %+v", name, there, e)
		}
		delete(got, name)
	}
	for name, e := range got {
		t.Errorf("%s is kept: %+v", name, e)
	}
}

// TestUnreadableStage: a baseline that cannot be written completely is not written at all.
func TestUnreadableStage(t *testing.T) {
	r := writing(t, nil, fake.Staged("a", "default", access.AllUsers))
	r.staged.Close()
	if err := r.write(); err == nil || !strings.Contains(err.Error(), "read the stage") {
		t.Errorf("%v", err)
	}
	if files, err := os.ReadDir(filepath.Dir(r.store.HiddenFile())); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}
