package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// list is the upload history of a sink, and the clock of its runs.
type list struct {
	uploads []component.ListedUpload
	counts  map[string]int
	now     time.Time
}

func newList() *list { return &list{now: time.Now()} }

func (l *list) Now() time.Time        { return l.now }
func (l *list) sleep(d time.Duration) { l.now = l.now.Add(d) }

// After advances the clock at once.
func (l *list) After(d time.Duration) <-chan time.Time {
	l.sleep(d)
	passed := make(chan time.Time, 1)
	passed <- l.now
	return passed
}

func (l *list) add(run string, began time.Time, stage component.UploadStage) {
	for _, stream := range []string{"users", "documents"} {
		l.uploads = append(l.uploads,
			component.ListedUpload{Stream: stream, ID: "upload-" + run, Began: began, Stage: stage,
				State: fmt.Sprintf("stage %d", stage)})
	}
}

func (l *list) history() *component.UploadHistory {
	return &component.UploadHistory{By: "Glean", Uploads: slices.Clone(l.uploads), Counts: l.counts}
}

// stages lists a run's own uploads with the n-th stage at the n-th query, and with the last
// stage from then on.
func (l *list) stages(w *world, stages ...component.UploadStage) {
	looks := 0
	w.Listed = func() *component.UploadHistory {
		own := &list{uploads: slices.Clone(l.uploads), counts: l.counts}
		if stage := stages[min(looks, len(stages)-1)]; stage != notListed {
			own.add(w.o.RunID, l.now, stage)
		}
		looks++
		return own.history()
	}
	w.Holdings.History, w.o.clock = l.history(), l
	w.Holdings.Streams = map[string]int{"users": 0, "documents": 0}
}

// notListed marks an upload that is not listed.
const notListed component.UploadStage = 99

// waits records what a run waited for.
type waits struct {
	noProgress
	pending []string
}

func (w *waits) Waiting(pending []string) { w.pending = append(w.pending, strings.Join(pending, ", ")) }

func noted(r *Report, text string) bool {
	return slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, text) })
}

func streamsOf(uploads []baseline.Upload) string {
	var out []string
	for _, u := range uploads {
		out = append(out, u.Stream)
	}
	return strings.Join(out, " ")
}

// TestUnconfirmedBaseline: an upload that is not listed yet leaves an unconfirmed baseline with
// exit code 0 and one note. The next run confirms it; the guards use it in the meantime.
func TestUnconfirmedBaseline(t *testing.T) {
	n, l := newNight(t), newList()
	one, report := n.good(func(w *world) { w.Components(100, "fine"); l.stages(w, notListed) })
	h := n.Header()
	if streamsOf(h.Unconfirmed) != "users documents" || h.Unconfirmed[1].ID != "upload-"+one.o.RunID ||
		h.Unconfirmed[1].Items != 100 || h.Unconfirmed[1].Run != one.o.RunID {
		t.Errorf("unconfirmed: %+v", h.Unconfirmed)
	}
	if !slices.Equal(report.Unconfirmed, []string{"users", "documents"}) || len(report.Notes) != 1 ||
		!noted(report, "everything was sent; Glean has not confirmed it yet: users (not listed yet), documents "+
			"(not listed yet). The next run checks again; to check now: pipe status FILE --wait") {
		t.Errorf("%v %q", report.Unconfirmed, report.Notes)
	}

	l.sleep(time.Hour)
	_, _, err := n.run(func(w *world) { w.Components(60, "fine"); l.stages(w, notListed) })
	if !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("the guard on loss did not use the unconfirmed baseline: %v", err)
	}
	if len(n.Header().Unconfirmed) != 2 {
		t.Errorf("a refused run changed what is unconfirmed: %+v", n.Header().Unconfirmed)
	}

	l.add(one.o.RunID, l.now.Add(-time.Hour), component.UploadProcessed)
	_, report = n.good(func(w *world) { w.Components(100, "fine"); l.stages(w, component.UploadProcessed) })
	if h := n.Header(); len(h.Unconfirmed) > 0 || len(report.Notes) > 0 {
		t.Errorf("unconfirmed: %+v, notes %q", h.Unconfirmed, report.Notes)
	}
}

// TestStillProcessing: an upload that is listed as complete is confirmed before it is
// processed.
func TestStillProcessing(t *testing.T) {
	n, l := newNight(t), newList()
	_, report := n.good(func(w *world) { l.stages(w, component.UploadComplete) })
	if h := n.Header(); len(h.Unconfirmed) > 0 || len(report.Unconfirmed) > 0 || len(report.Notes) != 1 ||
		!noted(report, "Glean is still processing users (stage 1), documents (stage 1)") {
		t.Errorf("unconfirmed: %+v, notes %q", h.Unconfirmed, report.Notes)
	}
}

// TestLostUpload: a run that finds an upload lost sends everything, reports it and ends
// unconfirmed; the run after it is normal.
func TestLostUpload(t *testing.T) {
	for name, proof := range map[string]func(l *list){
		"the list skips it":       func(l *list) { l.add("another", l.now.Add(-time.Minute), component.UploadProcessed) },
		"nothing after six hours": func(l *list) { l.sleep(baseline.SettledAfter) },
		"counts are zero since then": func(l *list) {
			l.sleep(baseline.SettledAfter)
			l.uploads, l.counts = nil, map[string]int{"users": 0, "documents": 0}
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, l := newNight(t), newList()
			first, _ := n.good(func(w *world) { w.Components(30, "fine"); l.stages(w, component.UploadProcessed) })
			l.add(first.o.RunID, l.now, component.UploadProcessed)
			l.sleep(24 * time.Hour)
			second, _ := n.good(func(w *world) { w.Components(30, "fine"); l.stages(w, notListed) })
			l.sleep(time.Hour)
			proof(l)

			_, report, err := n.run(func(w *world) { w.o.Until = Reviewed; w.Components(30, "fine"); l.stages(w, notListed) })
			if err != nil || !noted(report, "Glean lost the upload of documents of ") {
				t.Errorf("a dry run: %v %q", err, report.Notes)
			}
			third, report, err := n.run(func(w *world) { w.Components(30, "fine"); l.stages(w, component.UploadProcessed) })
			var unconfirmed *fault.Unconfirmed
			if !errors.As(err, &unconfirmed) || report.Verdict != VerdictUnconfirmed || unconfirmed.Remedy == "" ||
				!strings.Contains(err.Error(), "Glean lost the upload of users of ") ||
				!strings.Contains(err.Error(), "(upload-"+second.o.RunID+")") ||
				!strings.Contains(err.Error(), "this run sent everything again") {
				t.Errorf("%v, %s", err, report.Verdict)
			}
			if len(third.Published["documents"]) != 30 || len(n.Header().Unconfirmed) > 0 {
				t.Errorf("%d documents were sent, unconfirmed %+v", len(third.Published["documents"]), n.Header().Unconfirmed)
			}
			l.add(third.o.RunID, l.now, component.UploadProcessed)
			l.sleep(24 * time.Hour)
			n.good(func(w *world) { w.Components(30, "fine"); l.stages(w, component.UploadProcessed) })
		})
	}
}

// TestLostByOwnUpload: a run whose own upload is listed finds in the same list that the
// previous upload is missing.
func TestLostByOwnUpload(t *testing.T) {
	n, l := newNight(t), newList()
	l.add("first", l.now, component.UploadProcessed)
	l.sleep(time.Hour)
	n.good(func(w *world) { l.stages(w, notListed) })
	l.sleep(time.Hour)
	_, _, err := n.run(func(w *world) { l.stages(w, component.UploadComplete) })
	if !errors.As(err, new(*fault.Unconfirmed)) || !strings.Contains(err.Error(), "Glean lost the upload") {
		t.Error(err)
	}
}

// TestLostStreamThatIsNotSent: a run without the stream leaves the lost upload to the next one.
func TestLostStreamThatIsNotSent(t *testing.T) {
	n, l := newNight(t), newList()
	l.add("first", l.now, component.UploadProcessed)
	l.sleep(time.Hour)
	n.good(func(w *world) { l.stages(w, notListed) })
	l.sleep(time.Hour)
	l.add("another", l.now.Add(-time.Minute), component.UploadProcessed)
	only := func(w *world) {
		w.P.Unwritten = func(stream string) string { return map[string]string{"documents": "left out"}[stream] }
		l.stages(w, component.UploadProcessed)
	}
	_, report, err := n.run(only)
	if !errors.As(err, new(*fault.Unconfirmed)) || strings.Contains(err.Error(), "of documents") ||
		!noted(report, "Glean lost the upload of documents") || streamsOf(n.Header().Unconfirmed) != "documents" {
		t.Errorf("%v, notes %q, unconfirmed %+v", err, report.Notes, n.Header().Unconfirmed)
	}
	if _, _, err := n.run(func(w *world) {
		l.stages(w, component.UploadProcessed)
	}); !errors.As(err, new(*fault.Unconfirmed)) || !strings.Contains(err.Error(), "of documents") {
		t.Error(err)
	}
}

// TestWait: how long a run waits, what it reports in the meantime, and when it stops waiting.
func TestWait(t *testing.T) {
	for name, tc := range map[string]struct {
		wait   time.Duration
		must   bool
		stages []component.UploadStage
		fails  error // the error of the sink's answers
		stop   bool
		took   time.Duration
		looks  int
		said   []string
		err    string // of the *Unconfirmed; "" for none
		note   string
	}{
		"asked once": {stages: []component.UploadStage{component.UploadComplete, component.UploadProcessed},
			looks: 1, note: "still processing"},
		"processed at once": {wait: time.Minute, must: true,
			stages: []component.UploadStage{component.UploadProcessed}, looks: 1},
		"processed later": {wait: time.Minute, must: true,
			stages: []component.UploadStage{notListed, component.UploadComplete, component.UploadProcessed},
			took:   3 * time.Second, looks: 3,
			said: []string{"users (not listed yet), documents (not listed yet)", "users (stage 1), documents (stage 1)"}},
		"not in time, not required": {wait: 10 * time.Second, stages: []component.UploadStage{component.UploadComplete},
			took: 10 * time.Second, looks: 5, note: "still processing"},
		"not in time": {wait: 10 * time.Second, must: true,
			stages: []component.UploadStage{component.UploadComplete}, took: 10 * time.Second, looks: 5,
			err: "Glean has not processed it within 10s: users (stage 1), documents (stage 1)"},
		"paused at once": {wait: time.Minute, stages: []component.UploadStage{component.UploadDeletionPaused},
			looks: 1, err: "Glean paused the deletion of documents, users"},
		"paused later": {wait: time.Minute,
			stages: []component.UploadStage{component.UploadComplete, component.UploadDeletionPaused}, took: time.Second,
			looks: 2, err: "Glean paused the deletion of documents, users"},
		"stopped": {wait: time.Minute, stages: []component.UploadStage{component.UploadComplete},
			stop: true, looks: 1, note: "still processing"},
		"the question fails": {wait: 3 * time.Second, fails: fault.Errorf(fault.Transient, "", "503"),
			took: 3 * time.Second, looks: 3, note: "asking Glean whether it has processed it failed: 503"},
		"throttled": {wait: 3 * time.Second, fails: fault.Errorf(fault.Throttled, "", "429"),
			took: 3 * time.Second, looks: 3, note: "asking Glean whether it has processed it failed: 429"},
		"permanent failure": {wait: time.Minute, fails: fault.Errorf(fault.Permanent, "", "404"), looks: 1,
			note: "asking Glean whether it has processed it failed: 404"},
		"permanent failure, --wait": {wait: time.Minute, must: true, fails: fault.Errorf(fault.Permanent, "", "404"),
			looks: 1, err: "asking Glean whether it has processed it failed: 404"},
	} {
		t.Run(name, func(t *testing.T) {
			n, l, seen, stop := newNight(t), newList(), &waits{}, make(chan struct{})
			began := l.now
			w, report, err := n.run(func(w *world) {
				w.o.Wait, w.o.MustConfirm, w.o.Progress, w.o.Stop = tc.wait, tc.must, seen, stop
				if tc.stages == nil {
					tc.stages = []component.UploadStage{notListed}
				}
				l.stages(w, tc.stages...)
				w.Store.Fail["history"] = tc.fails
				if tc.stop {
					list := w.Listed
					w.Listed = func() *component.UploadHistory { close(stop); return list() }
					w.o.clock = slow{l}
				}
			})
			looks := 0
			for _, c := range w.Calls {
				if c == "history" {
					looks++
				}
			}
			if took := l.now.Sub(began); !tc.stop && took != tc.took || looks != tc.looks {
				t.Errorf("took %v and asked %d times, want %v and %d", took, looks, tc.took, tc.looks)
			}
			if tc.said != nil && !slices.Equal(seen.pending, tc.said) {
				t.Errorf("waited for %q, want %q", seen.pending, tc.said)
			}
			if tc.err == "" && err != nil ||
				tc.err != "" && (!errors.As(err, new(*fault.Unconfirmed)) || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("%v, want %q", err, tc.err)
			}
			if tc.note == "" && len(report.Notes) > 0 || !noted(report, tc.note) && tc.note != "" {
				t.Errorf("notes %q, want %q", report.Notes, tc.note)
			}
			if !tc.stop && report.Seconds.Confirm != tc.took.Seconds() {
				t.Errorf("%v s of waiting are reported", report.Seconds.Confirm)
			}
		})
	}
}

// TestSavedBeforeTheWait: a run that is killed while waiting has saved its state, and the next
// run still reports the pause that it did not report.
func TestSavedBeforeTheWait(t *testing.T) {
	n, l := newNight(t), newList()
	var saved []baseline.Header
	w, _ := n.good(func(w *world) {
		w.o.Wait = time.Minute
		w.o.Progress = &looking{look: func() { saved = append(saved, n.Header()) }}
		l.stages(w, notListed, component.UploadProcessed)
	})
	if len(saved) != 1 || saved[0].Run != w.o.RunID || len(saved[0].Unconfirmed) != 2 {
		t.Errorf("during the wait: %+v", saved)
	}
	if h := n.Header(); h.Run != w.o.RunID || len(h.Unconfirmed) > 0 {
		t.Errorf("after the wait: %+v", h)
	}
}

// TestPauseIsReportedAtTheEnd: a run that is killed while waiting has not reported the pause
// that it saw, and the next run does.
func TestPauseIsReportedAtTheEnd(t *testing.T) {
	n, l := newNight(t), newList()
	l.add("another", l.now, component.UploadDeletionPaused)
	var during []string
	_, _, err := n.run(func(w *world) {
		w.Components(5, "fine")
		w.o.Wait, w.o.Progress = time.Minute, &looking{look: func() { during = append(during, n.Header().Paused...) }}
		l.stages(w, notListed)
	})
	if !errors.As(err, new(*fault.Unconfirmed)) || len(during) > 0 || len(n.Header().Paused) != 2 {
		t.Errorf("%v, reported during the wait %v, reported at the end %v", err, during, n.Header().Paused)
	}
}

// TestReportedPauseIsKept: a run that is killed while waiting keeps the pauses that an earlier
// run reported, and the next run does not report them again.
func TestReportedPauseIsKept(t *testing.T) {
	n, l := newNight(t), newList()
	l.add("another", l.now, component.UploadDeletionPaused)
	if _, _, err := n.run(func(w *world) {
		w.Components(5, "fine")
		l.stages(w, notListed)
	}); !errors.As(err, new(*fault.Unconfirmed)) {
		t.Fatal(err)
	}
	var during []string
	n.good(func(w *world) {
		w.Components(5, "fine")
		w.o.Wait, w.o.Progress = time.Second, &looking{look: func() { during = append(during, n.Header().Paused...) }}
		l.stages(w, notListed)
	})
	if !slices.Equal(during, []string{"documents", "users"}) {
		t.Errorf("reported during the wait: %v", during)
	}
}

// TestOnePauseEndsTheWait: a run stops waiting for other uploads once one deletion is paused.
func TestOnePauseEndsTheWait(t *testing.T) {
	n, l := newNight(t), newList()
	began := l.now
	_, report, err := n.run(func(w *world) {
		w.Components(5, "fine")
		w.o.Wait = time.Minute
		l.stages(w, component.UploadComplete)
		list := w.Listed
		w.Listed = func() *component.UploadHistory {
			h := list()
			for i := range h.Uploads {
				if h.Uploads[i].Stream == "documents" {
					h.Uploads[i].Stage = component.UploadDeletionPaused
				}
			}
			return h
		}
	})
	if !errors.As(err, new(*fault.Unconfirmed)) ||
		!strings.Contains(err.Error(), "Glean paused the deletion of documents") || l.now != began {
		t.Errorf("%v after %v", err, l.now.Sub(began))
	}
	if len(report.Notes) > 0 {
		t.Errorf("notes %q", report.Notes)
	}
}

// TestUnconfirmedWithoutState: without a state folder no later run checks the uploads, and the
// note does not promise it.
func TestUnconfirmedWithoutState(t *testing.T) {
	for held, want := range map[component.UploadStage]string{
		notListed: "everything was sent; Glean has not confirmed it yet: users (not listed yet), documents " +
			"(not listed yet)",
		component.UploadComplete: "everything was sent; Glean is still processing users (stage 1), documents (stage 1)",
	} {
		l := newList()
		_, report := night{fake.Folder{T: t}}.good(func(w *world) { w.Components(5, "fine"); l.stages(w, held) })
		if !slices.Contains(report.Notes, want) {
			t.Errorf("notes %q, want %q", report.Notes, want)
		}
	}
}

// unlisting is a sink whose session cannot list uploads.
type unlisting struct{ *fake.Store }

func (s unlisting) Open(ctx context.Context, o component.Opening) (component.Session, error) {
	session, err := s.Store.Open(ctx, o)
	return struct{ component.Session }{session}, err
}

// TestSessionWithoutHistory: a run whose sink cannot list uploads is delivered, and its uploads
// stay unconfirmed.
func TestSessionWithoutHistory(t *testing.T) {
	n, l := newNight(t), newList()
	w, report := n.good(func(w *world) {
		w.Components(5, "fine")
		l.stages(w, notListed)
		w.Holdings.History = nil
		w.P.Sink = unlisting{w.Store}
	})
	if slices.Contains(w.Calls, "history") || streamsOf(n.Header().Unconfirmed) != "users documents" ||
		!noted(report, "the sink has not confirmed it yet") {
		t.Errorf("calls %v, unconfirmed %+v, notes %q", w.Calls, n.Header().Unconfirmed, report.Notes)
	}
}

type looking struct {
	noProgress
	look func()
}

func (l *looking) Waiting([]string) { l.look() }

// TestWaitEndsWithTheRun: the end of the run ends the wait, and what was sent is saved.
func TestWaitEndsWithTheRun(t *testing.T) {
	n, l := newNight(t), newList()
	w := newWorld(t)
	w.Components(5, "fine")
	w.Add("identities", "user", "sam", "fine")
	l.stages(w, component.UploadComplete)
	ctx, cancel := context.WithCancel(t.Context())
	w.o.State, w.o.Wait, w.o.clock = n.Store(), time.Minute, slow{l}
	w.o.Progress = &looking{look: cancel}
	report, err := Run(ctx, w.P, w.o)
	if err != nil || report.Seconds.Confirm > 1 || n.Header().Run != w.o.RunID {
		t.Errorf("%v after %v s", err, report.Seconds.Confirm)
	}
}

// slow is a clock on which a second passes in a tenth of a second.
type slow struct{ *list }

func (s slow) After(d time.Duration) <-chan time.Time {
	s.sleep(d)
	return time.After(d / 10)
}

// TestPausedDeletion: the first run that sees a paused deletion ends unconfirmed; later runs
// add a note until the pause has ended.
func TestPausedDeletion(t *testing.T) {
	n, l := newNight(t), newList()
	planned := false // whether the last plan says that a deletion is paused
	night := func(stages ...component.UploadStage) (*Report, error) {
		w, report, err := n.run(func(w *world) { w.Components(5, "fine"); l.stages(w, stages...) })
		if last := stages[len(stages)-1]; last != notListed {
			l.add(w.o.RunID, l.now, last)
		}
		l.sleep(24 * time.Hour)
		planned = w.Plan.Stream("documents").Paused
		return report, err
	}
	reported := func(when string, report *Report, err error, want bool) {
		t.Helper()
		if got := errors.As(err, new(*fault.Unconfirmed)); got != want || err != nil && !want {
			t.Errorf("%s: %v", when, err)
		}
		if line := noted(report, "Glean still pauses the deletion of documents"); line == want {
			t.Errorf("%s: notes %q", when, report.Notes)
		}
		if !slices.Equal(report.Paused, []string{"documents", "users"}) {
			t.Errorf("%s: paused %v", when, report.Paused)
		}
	}
	if report, err := night(component.UploadComplete); err != nil || len(report.Paused) > 0 || planned {
		t.Fatal(err, report.Paused, planned)
	}
	for i := range l.uploads { // after the run ended
		l.uploads[i].Stage = component.UploadDeletionPaused
	}
	report, err := night(component.UploadComplete)
	reported("the next run", report, err, true)
	if !planned {
		t.Error("the plan does not say that a deletion is paused")
	}
	if !slices.Equal(n.Header().Paused, []string{"documents", "users"}) {
		t.Errorf("reported: %v", n.Header().Paused)
	}
	report, err = night(component.UploadComplete)
	reported("the run after it", report, err, false)
	report, err = night(component.UploadDeletionPaused)
	reported("its own upload is paused, too", report, err, false)
	report, err = night(component.UploadProcessed)
	if err != nil || len(report.Paused) > 0 || len(n.Header().Paused) > 0 {
		t.Errorf("gone: %v, paused %v, reported %v", err, report.Paused, n.Header().Paused)
	}
	report, err = night(component.UploadDeletionPaused)
	reported("another pause", report, err, true)
}

// TestRefusedRunDoesNotReport: a pause counts as reported only when the exit code reports it.
func TestRefusedRunDoesNotReport(t *testing.T) {
	n, l := newNight(t), newList()
	n.good(func(w *world) { w.Components(60, "fine"); l.stages(w, component.UploadProcessed) })
	l.add("another", l.now, component.UploadDeletionPaused)
	if _, report, err := n.run(func(w *world) {
		l.stages(w, component.UploadProcessed)
	}); !errors.As(err, new(*fault.Refusal)) || !noted(report, "Glean still pauses") {
		t.Fatal(err, report.Notes)
	}
	if _, _, err := n.run(func(w *world) {
		w.Components(60, "fine")
		l.stages(w, component.UploadProcessed)
	}); !errors.As(err, new(*fault.Unconfirmed)) {
		t.Error(err)
	}
}
