package run

import (
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
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/state"
)

func hiddenNow(ref string) baseline.Hidden { return baseline.Hidden{Ref: ref, At: time.Now().UTC()} }

// TestHiddenID: a hidden item that has its ID under another ref is withheld, whether the list
// has the ID in clear or as a hash. It counts neither as lost nor, when it is let back, as
// wider.
func TestHiddenID(t *testing.T) {
	for name, h := range map[string]baseline.Hidden{
		"in clear":    {IDs: []string{"id 7"}},
		"by its hash": {Hashes: []string{baseline.HashText(codec.Hash([]byte("id 7")))}},
		"by its ref":  {Ref: "component:default/c7"},
		"another ID":  {IDs: []string{"id 8"}},
	} {
		w := newWorld(t)
		w.Digits, w.o.State = true, state.Folder(t.TempDir())
		w.Add("identities", "user", "sam", "plain")
		w.Add("catalog", "component", "c7", "plain")
		w.Add("catalog", "component", "c9", "plain")
		h.At = time.Now().UTC()
		if h.Ref == "" {
			h.Ref = "component:default/before"
		}
		store := w.folder(t).Hide(h)
		r, err := w.run(t)
		if err != nil {
			t.Fatal(name, err)
		}
		withheld := name != "another ID"
		if sent := slices.Contains(w.Published["documents"], "component:default/c7"); sent == withheld {
			t.Errorf("%s: sent %v", name, w.Published)
		}
		if withheld != strings.Contains(strings.Join(r.Notes, "\n"),
			"1 document hidden with pipe hide: component:default/c7") {
			t.Errorf("%s: %q", name, r.Notes)
		}
		h.Back = time.Now().UTC()
		w.folder(t).Hide(h)
		if r, err = w.run(t); err != nil || r.Since == nil || r.Since.Wider != 0 ||
			!slices.Contains(w.Published["documents"], "component:default/c7") {
			t.Errorf("%s: let back: %v, %+v, %v", name, err, r.Since, w.Published)
		}
		if left, err := store.Hidden(); err != nil || len(left) > 0 {
			t.Errorf("%s: it is still on the list: %v, %v", name, left, err)
		}
	}
}

// TestHiddenWhilePublishing: an item that is withheld during publishing is neither counted nor
// recorded as delivered. A record with another item stays delivered, and a record with only
// that item is withheld.
func TestHiddenWhilePublishing(t *testing.T) {
	w := newWorld(t)
	w.o.State = state.Folder(t.TempDir())
	w.Add("identities", "user", "sam", "plain")
	for i := range 3 {
		w.Add("catalog", "component", fmt.Sprint("c", i), "plain")
	}
	var unreadable error
	w.Hook = func(plan *component.Plan) {
		if is, err := plan.Hidden(); is != nil || err != nil {
			t.Errorf("nothing was hidden: %v", err)
		}
		w.folder(t).Hide(hiddenNow("component:default/c1"), hiddenNow("component:default/c2"))
		is, err := plan.Hidden()
		if err != nil || is == nil {
			t.Fatal(err)
		}
		for e, err := range plan.Stream("documents").Items {
			if err != nil {
				t.Error(err)
			}
			if is(e) {
				plan.Withhold("documents", e, true)
				if e.Ref == "component:default/c1" {
					plan.Withhold("documents", e, true) // counts once
				}
			}
		}
		w.folder(t).Change(".hidden", func(string) string { return "{" })
		_, unreadable = plan.Hidden()
	}
	r, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if unreadable == nil || errors.As(unreadable, new(*fault.StateError)) { // which would mean that nothing was sent
		t.Errorf("a list that cannot be read: %v", unreadable)
	}
	total := 0
	for _, n := range r.Endings {
		total += n
	}
	if r.Read != 4 || total != 4 || r.Endings[component.Withheld] != 2 || r.Endings[component.Delivered] != 2 {
		t.Errorf("read %d, %v", r.Read, r.Endings)
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"),
		"2 documents hidden with pipe hide while the run published, and hidden again after the upload: "+
			"component:default/c1, component:default/c2") {
		t.Errorf("%q", r.Notes)
	}
	store, _ := baseline.Open(w.o.State, fake.Place)
	snap, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if snap.Streams["documents"] != 1 {
		t.Errorf("%d documents are remembered", snap.Streams["documents"])
	}
	for e := range snap.Entries() {
		if want := e.Ref != "component:default/c0"; e.Stream == "documents" &&
			want != (e.Audience == access.Nobody.String()) {
			t.Errorf("%+v", e)
		}
	}
}

// TestHiddenAndLetBack: an item is hidden when its ref or its ID is, even when another entry of
// the list has let the other one back.
func TestHiddenAndLetBack(t *testing.T) {
	back := time.Unix(1, 0)
	for name, tc := range map[string]struct {
		list   []baseline.Hidden
		hidden bool
	}{
		"the ref is hidden, its ID is let back": {[]baseline.Hidden{{Ref: "a"},
			{Ref: "b", IDs: []string{"1"}, Back: back}}, true},
		"the ref is let back, its ID is hidden": {[]baseline.Hidden{{Ref: "a", Back: back},
			{Ref: "b", IDs: []string{"1"}}}, true},
		"the ID is let back with one and hidden with one": {[]baseline.Hidden{{Ref: "b", IDs: []string{"1"}, Back: back},
			{Ref: "c", IDs: []string{"1"}}}, true},
		"the ID is hidden with one and let back with one": {[]baseline.Hidden{{Ref: "c", IDs: []string{"1"}},
			{Ref: "b", IDs: []string{"1"}, Back: back}}, true},
		"both are let back": {[]baseline.Hidden{{Ref: "a", Back: back},
			{Ref: "b", IDs: []string{"1"}, Back: back}}, false},
		"neither is on the list": {[]baseline.Hidden{{Ref: "c", IDs: []string{"2"}}}, false},
	} {
		h := baseline.HidingOf(tc.list, nil)
		if got := h.HasID("a", "1"); got != tc.hidden {
			t.Errorf("%s: hidden %v", name, got)
		}
		if got := h.Back("a", "1"); got != (name == "both are let back") {
			t.Errorf("%s: let back %v", name, got)
		}
	}
}

// TestHiddenNotes: the report names ten hidden documents and counts the others.
func TestHiddenNotes(t *testing.T) {
	for n, more := range map[int]string{display.Shown: "", display.Shown + 1: " and 1 more, which pipe status lists",
		display.Shown + 5: " and 5 more, which pipe status lists"} {
		w := newWorld(t)
		w.o.State = state.Folder(t.TempDir())
		w.Add("identities", "user", "sam", "plain")
		w.Add("catalog", "component", "other", "plain")
		w.Add("catalog", "component", "private", "private") // withheld by a rule
		var list, late []baseline.Hidden
		for i := range n {
			w.Add("catalog", "component", fmt.Sprintf("early%02d", i), "plain")
			w.Add("catalog", "component", fmt.Sprintf("late%02d", i), "plain")
			list = append(list, hiddenNow(fmt.Sprintf("component:default/early%02d", i)))
			late = append(late, hiddenNow(fmt.Sprintf("component:default/late%02d", i)))
		}
		w.folder(t).Hide(list...)
		w.Hook = func(plan *component.Plan) {
			w.folder(t).Hide(append(list, late...)...)
			is, err := plan.Hidden()
			if err != nil {
				t.Fatal(err)
			}
			for e := range plan.Stream("documents").Items {
				if is(e) {
					plan.Withhold("documents", e, false)
				}
			}
		}
		report, err := w.run(t)
		if err != nil {
			t.Fatal(err)
		}
		for _, begins := range []string{
			fmt.Sprintf("%d documents hidden with pipe hide: component:default/early00 (", n),
			fmt.Sprintf("%d documents hidden with pipe hide while the run published, and not sent: component:default/late00, ",
				n),
		} {
			i := slices.IndexFunc(report.Notes, func(note string) bool { return strings.HasPrefix(note, begins) })
			if i < 0 || strings.Count(report.Notes[i], "component:default/") != display.Shown ||
				strings.Contains(report.Notes[i], " more") != (more != "") || !strings.HasSuffix(report.Notes[i], more) {
				t.Errorf("%d hidden: notes %q", n, report.Notes)
			}
		}
	}
}

// TestHiddenAndLetBackWider: a document that is let back before a run withheld it is compared
// with its audience before it was hidden.
func TestHiddenAndLetBackWider(t *testing.T) {
	n := newNight(t)
	fill := func(fate string) func(w *world) {
		return func(w *world) {
			w.Components(9, "of sam")
			w.Add("catalog", "component", "back", fate)
			w.P.Limits.MaxWiden = component.Bound{}
		}
	}
	n.good(fill("of sam"))
	back := func(fate string) func(w *world) {
		return func(w *world) {
			fill(fate)(w)
			w.folder(t).Hide(baseline.Hidden{Ref: "component:default/back", At: time.Now().UTC(), Back: time.Now().UTC()})
		}
	}
	n.refusedID(back("fine"))
	n.good(back("of sam"))
}

// TestHiddenListLost: a run does not publish hidden items because the list was lost: the list
// lacks refs that the last good run read from it, because its file was removed or started
// again.
func TestHiddenListLost(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { w.Components(9, "fine"); w.Add("catalog", "component", "leak", "fine") }
	leak := hiddenNow("component:default/leak")
	n.good(func(w *world) { fill(w); w.folder(t).Hide(leak) })
	for name, lose := range map[string]func(path string) error{
		"removed":           os.Remove,
		"a symlink to none": func(path string) error { return errors.Join(os.Remove(path), os.Symlink(path+".gone", path)) },
	} {
		n.good(func(w *world) { fill(w); w.folder(t).Hide(leak) })
		path := n.File(".hidden")
		if err := lose(path); err != nil {
			t.Fatal(err)
		}
		w, report, err := n.run(fill)
		if folder := new(*fault.StateError); !errors.As(err, folder) || (*folder).Remedy == "" || report.Read > 0 ||
			w.Sent() {
			t.Errorf("%s: %v, sent %t", name, err, w.Sent())
		}
		os.Remove(path)
	}
	other := hiddenNow("component:default/other")
	w, report, err := n.run(func(w *world) { fill(w); w.folder(t).Hide(other) })
	if folder := new(*fault.StateError); !errors.As(err, folder) ||
		!strings.Contains(err.Error(), "lacks 1 document that it "+
			"had in the last good run: "+leak.Ref) || report.Read > 0 ||
		w.Sent() {
		t.Errorf("another document was hidden after the loss: %v, sent %t", err, w.Sent())
	}
	n.good(func(w *world) { fill(w); w.folder(t).Hide(other, leak) })
	leak.Back, other.Back = time.Now().UTC(), time.Now().UTC()
	n.good(func(w *world) { fill(w); w.folder(t).Hide(other, leak) })
	n.good(func(w *world) { fill(w); w.folder(t).Hide() }) // good runs remove refs that were let back from the list
	n.good(fill)
}
