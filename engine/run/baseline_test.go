package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// TestBaseline: a damaged, newer or missing baseline refuses the run if and only if the sink
// holds documents or does not report whether it does.
func TestBaseline(t *testing.T) {
	conditions := map[string]struct {
		spoil func(n night)
		says  string
	}{
		"truncated": {func(n night) {
			n.ChangeBaseline(func(text string) string { return text[:len(text)/2] })
		}, "is damaged: it"},
		"empty": {func(n night) { n.ChangeBaseline(func(string) string { return "" }) }, "is damaged: it"},
		"a bit flip": {func(n night) {
			n.ChangeBaseline(func(text string) string { return strings.Replace(text, "nobody", "nocody", 1) })
		}, "is damaged: its checksum is wrong"},
		"newer":   {func(n night) { n.ChangeBaseline(fake.LaterVersion) }, "is of a later version of pipe: its format is 9"},
		"missing": {func(n night) { os.Remove(n.File(".state")) }, "the baseline is missing: earlier runs wrote"},
		"another machine": {func(n night) {
			os.Remove(n.File(".state"))
			os.Remove(n.File(".owner"))
			os.Remove(n.File(".runs"))
		}, "no run with this state folder"},
		"none": {nil, "--state none"},
	}
	for name, condition := range conditions {
		for evidence, tc := range map[string]struct {
			held  func(own string) component.Holdings
			fails error
			says  string // "" when the run is not refused
		}{
			"counts": {held: func(string) component.Holdings {
				return component.Holdings{Streams: map[string]int{"documents": 31}}
			}, says: "the sink counts 31 documents"},
			"stale counts": {held: history(0), says: "the sink lists the upload of documents u"},
			"unknown counts": {held: func(own string) component.Holdings {
				h := history(0)(own)
				h.Streams = nil
				return h
			}, says: "the sink lists the upload of documents u"},
			"no status": {held: func(string) component.Holdings {
				return component.Holdings{Unsaid: errors.New("404")}
			}, says: "the content of the sink is unknown (404)"},
			"failing status": {fails: &component.UnsaidError{Err: errors.New("500")},
				says: "the content of the sink is unknown (500)"},
			"new": {held: func(string) component.Holdings { return component.Holdings{} }},
			"zero": {held: func(string) component.Holdings {
				return component.Holdings{Streams: map[string]int{"documents": 0}}
			}},
		} {
			t.Run(name+", "+evidence, func(t *testing.T) {
				t.Parallel()
				n := newNight(t)
				fill := func(w *world) {
					w.Components(30, "of sam")
					w.Add("catalog", "component", "secret", "private")
				}
				n.good(fill)
				own := n.Owner()
				before := map[string]string{}
				if condition.spoil != nil {
					condition.spoil(n)
					before = n.Texts()
				}
				for _, dry := range []bool{true, false} {
					w, report, err := n.run(func(w *world) {
						fill(w)
						w.o.Until = until(dry)
						if condition.spoil == nil {
							w.o.State = nil
						}
						if tc.fails != nil {
							w.Store.Fail["holds"] = tc.fails
						} else {
							w.Holdings = tc.held(own)
						}
					})
					var refused *fault.Refusal
					switch {
					case tc.says == "" && err != nil:
						t.Errorf("refused: %v", err)
					case tc.says == "":
					case !errors.As(err, &refused) || w.Sent() || report.Verdict != VerdictRefused:
						t.Fatalf("dry %t: %v, sent %t", dry, err, w.Sent())
					case evidence == "stale counts" && (name == "none" || name == "another machine"):
						if refused.Guard != "owner" {
							t.Errorf("dry %t: %v", dry, err)
						}
					case refused.Guard == "owner" && strings.Contains(evidence, "counts"): // the same, without counts
					case refused.Guard != "baseline" || !strings.Contains(err.Error(), condition.says) ||
						!strings.Contains(err.Error(), tc.says):
						t.Errorf("dry %t: %v", dry, err)
					}
					if tc.says != "" &&
						(!slices.Contains(refused.Table, "       30 for listed, rule owners") ||
							!slices.Contains(refused.Table, "        1 withheld") ||
							!strings.Contains(refused.Remedy, "pipe adopt FILE") && name != "none") {
						t.Errorf("dry %t: %q, %s", dry, refused.Table, refused.Remedy)
					}
					for file, text := range before {
						if after := n.Texts()[file]; tc.says != "" && after != text && !strings.HasSuffix(file, ".runs") {
							t.Errorf("dry %t: %s was changed", dry, file)
						}
					}
				}
			})
		}
	}
}

// history returns the holdings of a sink that counts n documents and lists an upload.
func history(n int) func(owner string) component.Holdings {
	return func(owner string) component.Holdings {
		return component.Holdings{Streams: map[string]int{"documents": n},
			Uploads: []component.Upload{{Stream: "documents", ID: "u", Owner: owner, Run: "01R"}}}
	}
}

// TestBaselineUnsaid: a sink whose status fails stops a run with a baseline; a sink without a
// status does not.
func TestBaselineUnsaid(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(30, "fine") })
	w, _, err := n.run(func(w *world) {
		w.Components(30, "fine")
		w.Store.Fail["holds"] = &component.UnsaidError{Err: errors.New("500")}
	})
	if err == nil || errors.As(err, new(*fault.Refusal)) || w.Sent() {
		t.Errorf("failing status: %v", err)
	}
	n.good(func(w *world) { w.Components(30, "fine"); w.Holdings = component.Holdings{Unsaid: errors.New("404")} })
}

// TestKilledFirstRun: items of this state folder's own killed first run do not count as a lost
// baseline; items from before a baseline was lost do.
func TestKilledFirstRun(t *testing.T) {
	n := newNight(t)
	if _, _, err := n.run(func(w *world) {
		w.Components(30, "fine")
		w.Store.Fail["publish"] = errors.New("killed")
	}); err == nil {
		t.Fatal("it was not killed")
	}
	own := n.Owner()
	for name, held := range map[string]component.Holdings{"listed": history(0)(own), "counted": history(12)(own),
		"counted and not listed": {Streams: map[string]int{"documents": 12}}} {
		if _, _, err := n.run(func(w *world) {
			w.Components(30, "fine")
			w.Holdings, w.Store.Fail["publish"] = held, errors.New("killed again")
		}); err == nil || errors.As(err, new(*fault.Refusal)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := n.run(func(w *world) {
		w.Components(30, "fine")
		w.Holdings = component.Holdings{Unsaid: errors.New("404")}
	}); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("no status: %v", err)
	}
	n.good(func(w *world) { w.Components(30, "fine"); w.Holdings = history(12)(own) })
	os.Remove(n.File(".state"))
	if _, _, err := n.run(func(w *world) {
		w.Components(30, "fine")
		w.Holdings = history(30)(own)
	}); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("a lost baseline: %v", err)
	}
}

// TestForeignUpload: a run is refused when the last upload is from another state folder or
// program, with or without a baseline.
func TestForeignUpload(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { w.Components(30, "fine") }
	w, _ := n.good(fill)
	own, run := n.Owner(), w.o.RunID
	for name, tc := range map[string]struct {
		last component.Upload
		says string // "" when the upload is from this state folder
	}{
		"own":                      {last: component.Upload{Owner: own, Run: "01R"}},
		"own, of an older version": {last: component.Upload{Run: run}},
		"another owner": {component.Upload{Owner: "feedfacefeedface", Run: run},
			"of another state folder, owner feedfacefeedface"},
		"older version, another folder": {component.Upload{Run: "01ELSEWHERE"},
			"of an earlier version of pipe with another state folder, run 01ELSEWHERE"},
		"another program": {component.Upload{}, "of another program"},
	} {
		tc.last.Stream, tc.last.ID = "documents", "the last"
		w, _, err := n.run(func(w *world) {
			fill(w)
			w.Holdings = component.Holdings{Streams: map[string]int{"documents": 30},
				Uploads: []component.Upload{tc.last, {Owner: "0000000000000000", Run: "01B"}}}
		})
		var refused *fault.Refusal
		switch {
		case tc.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.says != "" &&
			(!errors.As(err, &refused) || refused.Guard != "owner" || w.Sent() || !strings.Contains(err.Error(), tc.says) ||
				!strings.Contains(err.Error(), "this state folder is owner "+own) || len(refused.Table) != 3):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPartialBaseline: a baseline without documents is no baseline for documents.
func TestPartialBaseline(t *testing.T) {
	n := newNight(t)
	usersOnly := func(w *world) {
		w.Components(30, "fine")
		w.P.Unwritten = func(stream string) string { return map[string]string{"documents": "left out"}[stream] }
	}
	n.good(usersOnly)
	own := n.Owner()
	if _, _, err := n.run(func(w *world) {
		w.Components(30, "fine")
		w.Holdings = component.Holdings{Unsaid: errors.New("404")}
	}); !errors.As(err, new(*fault.Refusal)) || !strings.Contains(err.Error(), "does not cover") {
		t.Errorf("documents: %v", err)
	}
	n.good(func(w *world) { w.Components(30, "fine") })
	n.good(func(w *world) { usersOnly(w); w.Holdings = history(30)(own) })
	n.good(func(w *world) { w.Components(30, "fine"); w.Holdings = history(30)(own) })
}

// TestOwnerFile: an owner id is kept, survives a lost baseline, is restored from the baseline,
// and is never replaced when it is damaged.
func TestOwnerFile(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { w.Components(30, "fine") }
	n.good(fill)
	own := n.Owner()
	n.good(func(w *world) { fill(w); w.Holdings = history(30)(own) })
	if n.Owner() != own {
		t.Error("it changed")
	}
	os.Remove(n.File(".owner"))
	n.good(func(w *world) { fill(w); w.Holdings = history(30)(own) })
	if n.Owner() != own {
		t.Error("it did not come back from the baseline")
	}
	os.Remove(n.File(".state"))
	n.run(func(w *world) { fill(w); w.Holdings = history(30)(own) })
	if n.Owner() != own {
		t.Error("it did not survive a lost baseline")
	}
	if err := os.WriteFile(n.File(".owner"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, _, err := n.run(fill)
	if !errors.As(err, new(*fault.StateError)) || !strings.Contains(err.Error(), "is damaged") || len(w.Calls) > 0 {
		t.Errorf("damaged: %v, calls %v", err, w.Calls)
	}
}

// TestStateFolder: an unusable state folder ends the run before anything is read.
func TestStateFolder(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, n night) string // returns the folder
		says  string
	}{
		"a file": {func(t *testing.T, n night) string { return n.File(".state") }, "cannot be used"},
		"below a file": {func(t *testing.T, n night) string {
			return filepath.Join(n.File(".state"), "x")
		}, "cannot be used"},
		"a baseline directory": {func(t *testing.T, n night) string { return n.directory(".state") }, "a directory"},
		"an owner directory":   {func(t *testing.T, n night) string { return n.directory(".owner") }, "a directory"},
		"a hidden directory": {func(t *testing.T, n night) string {
			os.Mkdir(strings.TrimSuffix(n.File(".state"), ".state")+".hidden", 0o700)
			return n.Dir
		}, "a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(func(w *world) { w.Components(30, "fine") })
			n.Dir = tc.spoil(t, n)
			w, report, err := n.run(func(w *world) { w.Components(30, "fine") })
			var folder *fault.StateError
			if !errors.As(err, &folder) || folder.Remedy == "" || !strings.Contains(err.Error(), tc.says) || report.Read > 0 ||
				len(w.Calls) > 0 {
				t.Errorf("%v, read %d, calls %v", err, report.Read, w.Calls)
			}
		})
	}
}

// directory replaces a file with a directory and returns the folder.
func (n night) directory(suffix string) string {
	n.T.Helper()
	path := n.File(suffix)
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		n.T.Fatal(fmt.Errorf("spoil: %w", err))
	}
	return n.Dir
}

// TestApprovedBaseline: an approval of a refused run allows that run and any part of it, also
// when the last upload is from another owner. Documents that are not in the list or name other
// people are refused again.
func TestApprovedBaseline(t *testing.T) {
	foreign := func(w *world) {
		w.Holdings = component.Holdings{Streams: map[string]int{"documents": 30},
			Uploads: []component.Upload{{Stream: "documents", ID: "theirs", Owner: "feedfacefeedface", Run: "01R"}}}
	}
	counted := func(w *world) { w.Holdings = component.Holdings{Streams: map[string]int{"documents": 30}} }
	for name, held := range map[string]func(w *world){"another owner": foreign, "no baseline": counted} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			fill := func(k int, fate string) func(w *world) {
				return func(w *world) { w.Components(k, fate); held(w) }
			}
			id := n.refusedID(fill(30, "of sam"))
			for what, other := range map[string]func(w *world){
				"one more":      fill(31, "of sam"),
				"other people":  fill(30, "of sam and ann"),
				"everybody":     fill(30, "fine"),
				"another owner": func(w *world) { w.Components(30, "of sam"); foreign(w); w.Holdings.Uploads[0].ID = "later" },
			} {
				if _, _, err := n.run(with(other, id)); !errors.As(err, new(*fault.Refusal)) || idOf(err) == "" || idOf(err) == id {
					t.Errorf("%s: %v", what, err)
				}
			}
			failing := func(w *world) { fill(30, "of sam")(w); w.Store.Fail["publish"] = errors.New("killed midway") }
			if _, _, err := n.run(with(failing, id)); err == nil || errors.As(err, new(*fault.Refusal)) {
				t.Fatalf("midway: %v", err)
			}
			own := history(30)(n.Owner())
			n.good(with(func(w *world) { w.Components(29, "of sam"); w.Holdings = own }, id))
			n.good(func(w *world) { w.Components(29, "of sam"); w.Holdings = own })
		})
	}
}

// TestApprovedBaselineOfLess: when the sink does not count, an approval of a whole place does
// not allow a run that lacks more of its documents than max_loss.
func TestApprovedBaselineOfLess(t *testing.T) {
	fill := func(k int) func(w *world) {
		return func(w *world) {
			w.Components(k, "of sam")
			w.Holdings = component.Holdings{Uploads: []component.Upload{{Stream: "documents", ID: "theirs",
				Owner: "feedfacefeedface", Run: "01R"}}}
		}
	}
	n := newNight(t)
	id := n.refusedID(fill(300))
	w, _, err := n.run(with(fill(200), id))
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.ID == id || w.Sent() ||
		!slices.ContainsFunc(refused.Approvals, func(s string) bool {
			return strings.Contains(s, "missing now")
		}) {
		t.Fatalf("100 of 300 are missing: %v", err)
	}
	n.good(with(fill(199), id, refused.ID))
}
