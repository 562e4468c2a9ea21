package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// place opens the state of a night's place.
func (n night) place() *baseline.Store {
	n.t.Helper()
	s, err := baseline.Open(n.dir, new(store).Place())
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

// file is the one file of the state folder with a suffix.
func (n night) file(suffix string) string {
	n.t.Helper()
	files, _ := filepath.Glob(filepath.Join(n.dir, "*"+suffix))
	if len(files) != 1 {
		n.t.Fatalf("files %v", files)
	}
	return files[0]
}

// owner is the owner id of the state folder.
func (n night) owner() string {
	n.t.Helper()
	o, found, err := n.place().Owner()
	if err != nil || !found {
		n.t.Fatalf("%+v, %v, %v", o, found, err)
	}
	return o.ID
}

// spoil replaces the baseline.
func (n night) spoil(change func(text string) string) {
	n.t.Helper()
	path := n.file(".state")
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(change(string(b))), 0o600)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// TestBaseline: a baseline that is damaged, newer or missing refuses the run where
// the sink holds documents, says so or not, and only there.
func TestBaseline(t *testing.T) {
	conditions := map[string]struct {
		spoil func(n night)
		says  string
	}{
		"truncated": {func(n night) { n.spoil(func(text string) string { return text[:len(text)/2] }) }, "is damaged: it"},
		"empty":     {func(n night) { n.spoil(func(string) string { return "" }) }, "is damaged: it"},
		"a bit flip": {func(n night) {
			n.spoil(func(text string) string { return strings.Replace(text, "nobody", "nocody", 1) })
		}, "is damaged: its checksum is wrong"},
		"newer":   {func(n night) { n.spoil(newer) }, "is of a later version of pipe: its format is 9"},
		"missing": {func(n night) { os.Remove(n.file(".state")) }, "the baseline is missing: earlier runs wrote"},
		"another machine": {func(n night) {
			os.Remove(n.file(".state"))
			os.Remove(n.file(".owner"))
			os.Remove(n.file(".runs"))
		}, "no run with this state folder"},
		"none": {nil, "--state none"},
	}
	for name, condition := range conditions {
		for evidence, tc := range map[string]struct {
			held  func(own string) component.Holdings
			fails error
			says  string // "" where the run is not refused
		}{
			"counts":         {held: func(string) component.Holdings { return component.Holdings{Streams: map[string]int{"documents": 31}} }, says: "the sink counts 31 documents"},
			"stale counts":   {held: history(0), says: "the sink lists the upload of documents u"},
			"unknown counts": {held: func(own string) component.Holdings { h := history(0)(own); h.Streams = nil; return h }, says: "the sink lists the upload of documents u"},
			"no status":      {held: func(string) component.Holdings { return component.Holdings{Unsaid: errors.New("404")} }, says: "it is unknown what the sink holds (404)"},
			"failing status": {fails: &component.UnsaidError{Err: errors.New("500")}, says: "it is unknown what the sink holds (500)"},
			"new":            {held: func(string) component.Holdings { return component.Holdings{} }},
			"zero":           {held: func(string) component.Holdings { return component.Holdings{Streams: map[string]int{"documents": 0}} }},
		} {
			t.Run(name+", "+evidence, func(t *testing.T) {
				t.Parallel()
				n := night{t, t.TempDir()}
				fill := func(w *world) {
					components(w, 30, "of sam")
					w.add("catalog", "component", "secret", "private")
				}
				n.good(fill)
				own := n.owner()
				before := map[string]string{}
				if condition.spoil != nil {
					condition.spoil(n)
					before = n.texts()
				}
				for _, dry := range []bool{true, false} {
					w, report, err := n.run(func(w *world) {
						fill(w)
						w.o.Until = until(dry)
						if condition.spoil == nil {
							w.o.State = ""
						}
						if tc.fails != nil {
							w.store.fail["holds"] = tc.fails
						} else {
							w.holdings = tc.held(own)
						}
					})
					var refused *fault.Refusal
					switch {
					case tc.says == "" && err != nil:
						t.Errorf("refused: %v", err)
					case tc.says == "":
					case !errors.As(err, &refused) || w.sent() || report.Verdict != VerdictRefused:
						t.Fatalf("dry %t: %v, sent %t", dry, err, w.sent())
					case evidence == "stale counts" && (name == "none" || name == "another machine"):
						if refused.Guard != "owner" {
							t.Errorf("dry %t: %v", dry, err)
						}
					case refused.Guard == "owner" && strings.Contains(evidence, "counts"): // the same, without counts
					case refused.Guard != "baseline" || !strings.Contains(err.Error(), condition.says) || !strings.Contains(err.Error(), tc.says):
						t.Errorf("dry %t: %v", dry, err)
					}
					if tc.says != "" && (!slices.Contains(refused.Table, "       30 for listed, rule owners") || !slices.Contains(refused.Table, "        1 for nobody (withheld)") || !strings.Contains(refused.Remedy, "pipe adopt FILE") && name != "none") {
						t.Errorf("dry %t: %q, %s", dry, refused.Table, refused.Remedy)
					}
					for file, text := range before {
						if after := n.texts()[file]; tc.says != "" && after != text && !strings.HasSuffix(file, ".runs") {
							t.Errorf("dry %t: %s was changed", dry, file)
						}
					}
				}
			})
		}
	}
}

// newer is a whole baseline of a later version.
func newer(string) string {
	head := "pipe-state\t{\"version\":9,\"place\":\"https://store.example.com/company\"}\n"
	return head + fmt.Sprintf("end\t0\t%x\n", sha256.Sum256([]byte(head)))
}

// history is what a sink says that counts n documents and lists an upload.
func history(n int) func(owner string) component.Holdings {
	return func(owner string) component.Holdings {
		return component.Holdings{Streams: map[string]int{"documents": n}, Uploads: []component.Upload{{Stream: "documents", ID: "u", Owner: owner, Run: "01R"}}}
	}
}

// texts are the files of the state folder.
func (n night) texts() map[string]string {
	out := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(n.dir, "*"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			n.t.Fatal(err)
		}
		out[file] = string(b)
	}
	return out
}

// TestBaselineUnsaid: a sink whose status fails stops a run with a baseline; one
// that has no status does not.
func TestBaselineUnsaid(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { components(w, 30, "fine") })
	w, _, err := n.run(func(w *world) {
		components(w, 30, "fine")
		w.store.fail["holds"] = &component.UnsaidError{Err: errors.New("500")}
	})
	if err == nil || errors.As(err, new(*fault.Refusal)) || w.sent() {
		t.Errorf("failing status: %v", err)
	}
	n.good(func(w *world) { components(w, 30, "fine"); w.holdings = component.Holdings{Unsaid: errors.New("404")} })
}

// TestKilledFirstRun: what this state's own first run left is no missing baseline;
// what it left before a baseline was lost is.
func TestKilledFirstRun(t *testing.T) {
	n := night{t, t.TempDir()}
	if _, _, err := n.run(func(w *world) {
		components(w, 30, "fine")
		w.store.fail["publish"] = errors.New("killed")
	}); err == nil {
		t.Fatal("it was not killed")
	}
	own := n.owner()
	for name, held := range map[string]component.Holdings{"listed": history(0)(own), "counted": history(12)(own), "counted and not listed": {Streams: map[string]int{"documents": 12}}} {
		if _, _, err := n.run(func(w *world) {
			components(w, 30, "fine")
			w.holdings, w.store.fail["publish"] = held, errors.New("killed again")
		}); err == nil || errors.As(err, new(*fault.Refusal)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := n.run(func(w *world) { components(w, 30, "fine"); w.holdings = component.Holdings{Unsaid: errors.New("404")} }); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("no status: %v", err)
	}
	n.good(func(w *world) { components(w, 30, "fine"); w.holdings = history(12)(own) })
	os.Remove(n.file(".state"))
	if _, _, err := n.run(func(w *world) { components(w, 30, "fine"); w.holdings = history(30)(own) }); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("a lost baseline: %v", err)
	}
}

// TestForeignUpload: a run is refused when the last upload is of another state
// folder or program, with a baseline or without.
func TestForeignUpload(t *testing.T) {
	n := night{t, t.TempDir()}
	fill := func(w *world) { components(w, 30, "fine") }
	w, _ := n.good(fill)
	own, run := n.owner(), w.o.RunID
	for name, tc := range map[string]struct {
		last component.Upload
		says string // "" where it is this state's
	}{
		"own":                      {last: component.Upload{Owner: own, Run: "01R"}},
		"own, of an older version": {last: component.Upload{Run: run}},
		"another owner":            {component.Upload{Owner: "feedfacefeedface", Run: run}, "of another state folder, owner feedfacefeedface"},
		"older, of elsewhere":      {component.Upload{Run: "01ELSEWHERE"}, "of an earlier version of pipe with another state folder, run 01ELSEWHERE"},
		"another program":          {component.Upload{}, "of another program"},
	} {
		tc.last.Stream, tc.last.ID = "documents", "the last"
		w, _, err := n.run(func(w *world) {
			fill(w)
			w.holdings = component.Holdings{Streams: map[string]int{"documents": 30}, Uploads: []component.Upload{tc.last, {Owner: "0000000000000000", Run: "01B"}}}
		})
		var refused *fault.Refusal
		switch {
		case tc.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.says != "" && (!errors.As(err, &refused) || refused.Guard != "owner" || w.sent() || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "this state folder is owner "+own) || len(refused.Table) != 3):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPartialBaseline: a baseline without documents is not a baseline for documents.
func TestPartialBaseline(t *testing.T) {
	n := night{t, t.TempDir()}
	usersOnly := func(w *world) {
		components(w, 30, "fine")
		w.p.Unwritten = func(stream string) string { return map[string]string{"documents": "left out"}[stream] }
	}
	n.good(usersOnly)
	own := n.owner()
	if _, _, err := n.run(func(w *world) { components(w, 30, "fine"); w.holdings = component.Holdings{Unsaid: errors.New("404")} }); !errors.As(err, new(*fault.Refusal)) || !strings.Contains(err.Error(), "does not cover") {
		t.Errorf("documents: %v", err)
	}
	n.good(func(w *world) { components(w, 30, "fine") })
	n.good(func(w *world) { usersOnly(w); w.holdings = history(30)(own) })
	n.good(func(w *world) { components(w, 30, "fine"); w.holdings = history(30)(own) })
}

// TestOwnerFile: an owner id is kept, survives a lost baseline, comes back from the
// baseline, and is never replaced when it is damaged.
func TestOwnerFile(t *testing.T) {
	n := night{t, t.TempDir()}
	fill := func(w *world) { components(w, 30, "fine") }
	n.good(fill)
	own := n.owner()
	n.good(func(w *world) { fill(w); w.holdings = history(30)(own) })
	if n.owner() != own {
		t.Error("it changed")
	}
	os.Remove(n.file(".owner"))
	n.good(func(w *world) { fill(w); w.holdings = history(30)(own) })
	if n.owner() != own {
		t.Error("it did not come back from the baseline")
	}
	os.Remove(n.file(".state"))
	n.run(func(w *world) { fill(w); w.holdings = history(30)(own) })
	if n.owner() != own {
		t.Error("it did not survive a lost baseline")
	}
	if err := os.WriteFile(n.file(".owner"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, _, err := n.run(fill)
	if !errors.As(err, new(*fault.StateError)) || !strings.Contains(err.Error(), "is damaged") || len(w.calls) > 0 {
		t.Errorf("damaged: %v, calls %v", err, w.calls)
	}
}

// TestStateFolder: what cannot be used as a state folder ends the run before it
// reads anything.
func TestStateFolder(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, n night) string // gives the folder
		says  string
	}{
		"a file":               {func(t *testing.T, n night) string { return n.file(".state") }, "cannot be used"},
		"below a file":         {func(t *testing.T, n night) string { return filepath.Join(n.file(".state"), "x") }, "cannot be used"},
		"a baseline directory": {func(t *testing.T, n night) string { return n.directory(".state") }, "a directory"},
		"an owner directory":   {func(t *testing.T, n night) string { return n.directory(".owner") }, "a directory"},
		"a hidden directory": {func(t *testing.T, n night) string {
			os.Mkdir(strings.TrimSuffix(n.file(".state"), ".state")+".hidden", 0o700)
			return n.dir
		}, "a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			n := night{t, t.TempDir()}
			n.good(func(w *world) { components(w, 30, "fine") })
			n.dir = tc.spoil(t, n)
			w, report, err := n.run(func(w *world) { components(w, 30, "fine") })
			var folder *fault.StateError
			if !errors.As(err, &folder) || folder.Remedy == "" || !strings.Contains(err.Error(), tc.says) || report.Read > 0 || len(w.calls) > 0 {
				t.Errorf("%v, read %d, calls %v", err, report.Read, w.calls)
			}
		})
	}
}

// directory puts a directory in a file's place and gives the folder.
func (n night) directory(suffix string) string {
	n.t.Helper()
	path := n.file(suffix)
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		n.t.Fatal(fmt.Errorf("spoil: %w", err))
	}
	return n.dir
}

// TestApprovedBaseline: an approval of what a refused run would publish allows that
// run and any of a part of it, also when the last upload is of another owner; what
// is not in the list, or names other people, is refused anew.
func TestApprovedBaseline(t *testing.T) {
	foreign := func(w *world) {
		w.holdings = component.Holdings{Streams: map[string]int{"documents": 30}, Uploads: []component.Upload{{Stream: "documents", ID: "theirs", Owner: "feedfacefeedface", Run: "01R"}}}
	}
	counted := func(w *world) { w.holdings = component.Holdings{Streams: map[string]int{"documents": 30}} }
	for name, held := range map[string]func(w *world){"another owner": foreign, "no baseline": counted} {
		t.Run(name, func(t *testing.T) {
			n := night{t, t.TempDir()}
			fill := func(k int, fate string) func(w *world) {
				return func(w *world) { components(w, k, fate); held(w) }
			}
			id := n.refusedID(fill(30, "of sam"))
			for what, other := range map[string]func(w *world){
				"one more":      fill(31, "of sam"),
				"other people":  fill(30, "of sam and ann"),
				"everybody":     fill(30, "fine"),
				"another owner": func(w *world) { components(w, 30, "of sam"); foreign(w); w.holdings.Uploads[0].ID = "later" },
			} {
				if _, _, err := n.run(with(other, id)); !errors.As(err, new(*fault.Refusal)) || idOf(err) == "" || idOf(err) == id {
					t.Errorf("%s: %v", what, err)
				}
			}
			failing := func(w *world) { fill(30, "of sam")(w); w.store.fail["publish"] = errors.New("killed midway") }
			if _, _, err := n.run(with(failing, id)); err == nil || errors.As(err, new(*fault.Refusal)) {
				t.Fatalf("midway: %v", err)
			}
			own := history(30)(n.owner())
			n.good(with(func(w *world) { components(w, 29, "of sam"); w.holdings = own }, id))
			n.good(func(w *world) { components(w, 29, "of sam"); w.holdings = own })
		})
	}
}

// TestApprovedBaselineOfLess: where the sink does not count, an approval of a whole
// place does not allow a run that lacks more of its documents than max_loss.
func TestApprovedBaselineOfLess(t *testing.T) {
	fill := func(k int) func(w *world) {
		return func(w *world) {
			components(w, k, "of sam")
			w.holdings = component.Holdings{Uploads: []component.Upload{{Stream: "documents", ID: "theirs", Owner: "feedfacefeedface", Run: "01R"}}}
		}
	}
	n := night{t, t.TempDir()}
	id := n.refusedID(fill(300))
	w, _, err := n.run(with(fill(200), id))
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.ID == id || w.sent() || !slices.ContainsFunc(refused.Approvals, func(s string) bool { return strings.Contains(s, "missing now") }) {
		t.Fatalf("100 of 300 are missing: %v", err)
	}
	n.good(with(fill(199), id, refused.ID))
}
