package serve_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/engine/state"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

// registry has the components of the handbook.
func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{filesource.Spec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{filesink.Spec().Any()},
	}
}

// newWorld returns a server of the handbook.
func newWorld(t *testing.T, more string) *servetest.World {
	t.Helper()
	return servetest.New(t, registry(), "../../pipelines/examples/files/handbook.yaml", more)
}

const nightly = "schedule:\n  - cron: \"30 12 * * *\"\n  - cron: \"30 12 * * 2\"\n    full: true\n"

func TestSchedule(t *testing.T) {
	w := newWorld(t, nightly)
	p := w.Start()
	w.Pass(29 * time.Minute)
	if runs := w.Runs(); len(runs) != 0 {
		t.Fatalf("%d runs before the time", len(runs))
	}
	if next := p.Status().Next; next.Format(time.DateTime) != "2026-11-30 12:30:00" {
		t.Errorf("the next run is at %v", next)
	}
	w.Pass(2 * time.Minute)
	runs := w.Ended(1)
	if runs[0].Class != int(job.Done) || runs[0].Asked[0].How != serve.BySchedule || runs[0].Mode != "" {
		t.Errorf("the first run: %+v", runs[0])
	}
	w.Pass(24 * time.Hour)
	runs = w.Ended(2)
	if len(runs) != 2 || runs[0].Mode != "full" { // a Tuesday: both lines are one run
		t.Errorf("%d runs, the last one: %+v", len(runs), runs[0])
	}
	stored, err := w.Server.History.Run(t.Context(), runs[0].ID)
	if err != nil || stored.Record == nil || stored.Record.Report == nil || stored.Record.Report.Read != 102 ||
		stored.Record.Report.RunID != runs[0].ID {
		t.Errorf("the stored run: %v, %+v", err, stored)
	}
}

// TestMissed: what the server missed is one run after its start.
func TestMissed(t *testing.T) {
	w := newWorld(t, nightly)
	w.Start()
	w.Settle()
	w.End()
	w.Clock.Advance(5 * 24 * time.Hour)
	w.Start()
	runs := w.Ended(1)
	w.Settle()
	if len(w.Runs()) != 1 || runs[0].Asked[0].How != serve.ByMissed || runs[0].Mode != "full" {
		t.Errorf("%d runs: %+v", len(w.Runs()), runs[0])
	}
}

// TestTriggersAtOnce: requests that one run answers are one run.
func TestTriggersAtOnce(t *testing.T) {
	w := newWorld(t, "")
	p := w.Start()
	var wg sync.WaitGroup
	ids := make([]string, 200)
	for i := range ids {
		wg.Go(func() {
			ticket, err := p.Trigger(serve.Request{By: fmt.Sprint("bot-", i), How: serve.ByAPI})
			if err != nil {
				t.Error(err)
				return
			}
			<-ticket.Ended()
			ids[i] = ticket.Run
		})
	}
	wg.Wait()
	runs := w.Ended(1)
	asked := 0
	for _, r := range runs {
		asked += len(r.Asked)
	}
	if len(runs) > 2 || asked != 200 {
		t.Errorf("200 requests are %d runs, asked for by %d", len(runs), asked)
	}
}

func TestTriggerChecks(t *testing.T) {
	w := newWorld(t, "")
	p := w.Start()
	if _, err := p.Trigger(serve.Request{By: "x", Only: []string{"docs"}}); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("an unknown stream: %v", err)
	}
	if r := w.Trigger(p, serve.Request{By: "x", How: serve.ByAPI, Dry: true}); r.Verdict != "dry" || !r.Dry {
		t.Errorf("a dry run: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "out", "documents.ndjson")); err == nil {
		t.Error("a dry run wrote documents")
	}
}

func as(name string) serve.Approver { return serve.Approver{Name: name, Reason: "pages were merged"} }

func proven(name string) serve.Approver { return serve.Approver{Name: name, Proven: true} }

// TestApprove: a refusal is approved by a person who did not ask for what it refused.
func TestApprove(t *testing.T) {
	w := newWorld(t, "")
	p := w.Start()
	if r := w.Trigger(p, serve.Request{By: "ann", Person: true, How: serve.ByPage}); r.Class != int(job.Done) {
		t.Fatalf("the first run: %+v", r)
	}
	w.Write(30, 10)
	refused := w.Trigger(p, serve.Request{By: "ann", Person: true, How: serve.ByPage})
	if refused.Class != int(job.Refused) || refused.Refusal == "" || len(refused.Causes) == 0 {
		t.Fatalf("the refused run: %+v", refused)
	}
	again := w.Trigger(p, serve.Request{By: serve.BySchedule, How: serve.BySchedule})
	if again.Refusal != refused.Refusal {
		t.Fatalf("the next run is refused as %s, before as %s", again.Refusal, refused.Refusal)
	}
	if _, _, err := p.Approve(t.Context(), refused.Refusal, as("ann")); !errors.As(err, new(*serve.ForbiddenError)) {
		t.Errorf("the person who asked approves: %v", err)
	}
	if _, _, err := p.Approve(t.Context(), "aaaabbbbcccc", as("bob")); !errors.As(err, new(*serve.ConflictError)) {
		t.Errorf("an unknown refusal: %v", err)
	}
	w.Write(2, 1) // more is gone than was shown
	_, ticket, err := p.Approve(t.Context(), refused.Refusal, as("bob"))
	if err != nil {
		t.Fatal(err)
	}
	<-ticket.Ended()
	more, err := w.Server.History.Run(t.Context(), ticket.Run)
	if err != nil || more.Class != int(job.Refused) || more.Refusal == refused.Refusal {
		t.Fatalf("a run that changes more than was approved: %v, %+v", err, more)
	}
	if _, _, err := p.Approve(t.Context(), refused.Refusal, as("bob")); !errors.As(err, new(*serve.ConflictError)) {
		t.Errorf("an old refusal: %v", err)
	}
	_, ticket, err = p.Approve(t.Context(), more.Refusal, as("bob"))
	if err != nil {
		t.Fatal(err)
	}
	<-ticket.Ended()
	if last := w.Ended(1)[0]; last.Class != int(job.Done) || last.ID != ticket.Run {
		t.Errorf("the approved run: %+v", last)
	}
	if waiting, err := p.Waiting(t.Context()); waiting != nil || err != nil {
		t.Errorf("after the approved run waits %+v, %v", waiting, err)
	}
}

// TestEdit: a broken edit of the file is reported, and the last good one stays in use.
func TestEdit(t *testing.T) {
	w := newWorld(t, nightly)
	p := w.Start()
	w.Settle()
	good, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteFile(strings.Replace(string(good), "when: kind == \"page\"", "when: kind ==", 1))
	if r := w.Trigger(p, serve.Request{By: "x", How: serve.ByAPI}); r.Class != int(job.Done) {
		t.Errorf("the run after a broken edit: %+v", r)
	}
	if edit := p.Status().Edit; edit == nil || !strings.Contains(edit.Error(), "handbook.yaml:") {
		t.Errorf("the problem of the edit: %v", edit)
	}
	w.WriteFile(strings.Replace(string(good), "name: handbook", "name: other", 1))
	w.Pass(time.Minute)
	if edit := p.Status().Edit; edit == nil || !strings.Contains(edit.Error(), "another name") {
		t.Errorf("another name: %v", edit)
	}
	os.Remove(w.File)
	w.Pass(time.Minute)
	if p.Status().Edit == nil {
		t.Error("a missing file is not reported")
	}
	w.WriteFile(strings.Replace(string(good), "30 12 * * *", "45 12 * * *", 1))
	w.Pass(time.Minute)
	if s := p.Status(); s.Edit != nil || s.Next.Minute() != 45 {
		t.Errorf("after the repair: %v, next run at %v", s.Edit, s.Next)
	}
}

func TestOpenRefuses(t *testing.T) {
	w := newWorld(t, "")
	w.Start()
	if _, err := serve.Open(t.Context(), w.Options); !errors.As(err, new(*fault.StateError)) {
		t.Errorf("a second server: %v", err)
	}
	w.End()
	o := w.Options
	o.Files = []string{w.File, w.File}
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("a file twice: %v", err)
	}
	text, _ := os.ReadFile(w.File)
	other := filepath.Join(w.Dir, "other.yaml")
	os.WriteFile(other, []byte(strings.Replace(string(text), "name: handbook", "name: other", 1)), 0o600)
	o.Files = []string{w.File, other}
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("two pipelines with one place: %v", err)
	}
	o.Files = []string{filepath.Join(w.Dir, "missing.yaml")}
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*job.LoadError)) {
		t.Errorf("a missing file: %v", err)
	}
	o = w.Options
	o.Review, o.Job.Unpinned = true, true
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("a review that cannot see a change of a program: %v", err)
	}
	o = w.Options
	o.Job.State = state.None{}
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("no state folder: %v", err)
	}
}

// TestDay: a day of runs every ten minutes leaves goroutines, files and memory as they were.
func TestDay(t *testing.T) {
	w := newWorld(t, "schedule:\n  - cron: \"*/10 * * * *\"\n    jitter: 2m\n")
	w.Write(20, 5)
	w.Start()
	w.Pass(2 * time.Hour)
	before := measure(t)
	w.Pass(22 * time.Hour)
	after := measure(t)
	if n := len(w.Runs()); n < 142 || n > 145 {
		t.Errorf("%d runs in 24 hours", n)
	}
	if after.goroutines > before.goroutines+2 || after.files > before.files+2 {
		t.Errorf("after two hours: %+v; after a day: %+v", before, after)
	}
	if after.heap > before.heap+8<<20 {
		t.Errorf("the heap has %d bytes after two hours and %d after a day", before.heap, after.heap)
	}
}

type measured struct {
	goroutines, files int
	heap              uint64
}

func measure(t *testing.T) (m measured) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.heap, m.goroutines = stats.HeapAlloc, runtime.NumGoroutine()
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		m.files = len(files)
	}
	return m
}

// TestTwoApprovers: what opens documents to everybody needs two people, where the file says so.
func TestTwoApprovers(t *testing.T) {
	w := newWorld(t, "guards:\n  approvals: 2\n  max_widen: 0\n")
	p := w.Start()
	if r := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI}); r.Class != int(job.Done) {
		t.Fatalf("the first run: %+v", r)
	}
	w.Write(100, 10) // 40 pages open to everybody
	refused := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	if refused.Refusal == "" {
		t.Fatalf("the run is not refused: %+v", refused)
	}
	for range 2 { // the same person twice is one person
		a, ticket, err := p.Approve(t.Context(), refused.Refusal, proven("Ann"))
		if err != nil || ticket.Run != "" || len(a.People()) != 1 {
			t.Fatalf("one person: %v, %+v, run %q", err, a, ticket.Run)
		}
	}
	if _, ticket, err := p.Approve(t.Context(), refused.Refusal, as("eve")); err != nil || ticket.Run != "" {
		t.Fatalf("a name without a proof: %v, run %q", err, ticket.Run)
	}
	if r := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI}); r.Class != int(job.Refused) {
		t.Fatalf("a run with the approval of one person: %+v", r)
	}
	a, ticket, err := p.Approve(t.Context(), refused.Refusal, proven("bob"))
	if err != nil || len(a.People()) != 3 || ticket.Run == "" {
		t.Fatalf("two people: %v, %+v", err, a)
	}
	<-ticket.Ended()
	if r, err := w.Server.History.Run(t.Context(), ticket.Run); err != nil || r.Class != int(job.Done) {
		t.Errorf("the approved run: %v, %+v", err, r)
	}
}

// TestAllowedBeforeStart: what a person allowed while no server ran is done at its start, once.
func TestAllowedBeforeStart(t *testing.T) {
	w := newWorld(t, "")
	p := w.Start()
	w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	w.Write(30, 10)
	refused := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	folder := w.Server.State()
	waiting, err := p.Waiting(t.Context())
	if err != nil || waiting == nil {
		t.Fatalf("%+v, %v", waiting, err)
	}
	w.End()
	w.Start()
	w.Settle()
	if n := len(w.Runs()); n != 2 {
		t.Fatalf("a start without an approval makes %d runs", n)
	}
	w.End()
	place := "file:" + filepath.ToSlash(filepath.Join(w.Dir, "out"))
	a := baseline.Approval{ID: refused.Refusal, At: time.Now(), By: "ann"}
	if _, _, err := baseline.Approve(state.Folder(folder), place, a); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.Start()
		w.Settle()
		if runs := w.Ended(3); len(runs) != 3 || runs[0].Class != int(job.Done) {
			t.Errorf("after the approval: %d runs, the last %+v", len(runs), runs[0])
		}
		w.End()
	}
}

// TestPartialRunIsNoGoodRun: a run of some streams does not end who is responsible for a refusal,
// and the refusal goes on waiting.
func TestPartialRunIsNoGoodRun(t *testing.T) {
	w := newWorld(t, "")
	p := w.Start()
	w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	w.Write(30, 10)
	refused := w.Trigger(p, serve.Request{By: "ann", Person: true, How: serve.ByPage})
	if refused.Refusal == "" {
		t.Fatalf("the run is not refused: %+v", refused)
	}
	w.Write(100, 70)
	part := w.Trigger(p, serve.Request{By: serve.BySchedule, How: serve.BySchedule, Only: []string{"documents"}})
	if part.Class != int(job.Done) || part.Good() || !slices.Equal(part.Only, []string{"documents"}) {
		t.Fatalf("the run of one stream: %+v", part)
	}
	if waiting, err := p.Waiting(t.Context()); err != nil || waiting == nil || waiting.Refusal.ID != refused.Refusal {
		t.Errorf("after the run of one stream waits %+v, %v", waiting, err)
	}
	if _, _, err := p.Approve(t.Context(), refused.Refusal, as(" ANN ")); !errors.As(err, new(*serve.ForbiddenError)) {
		t.Errorf("the person who asked approves in capitals: %v", err)
	}
}

// writer calls itself with each line.
type writer func(string)

func (w writer) Write(b []byte) (int, error) {
	w(string(b))
	return len(b), nil
}

// TestReview: after a change of the rules nothing is sent until a person accepts exactly these.
func TestReview(t *testing.T) {
	w := newWorld(t, "")
	w.Options.Review = true
	p := w.Start()
	trigger := func() *history.Run { return w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI}) }
	first := trigger()
	if first.Class != int(job.Done) {
		t.Fatalf("the first run: %+v", first)
	}
	text, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteFile(strings.Replace(string(text), "description: Pages", "description: All pages", 1))
	if r := trigger(); r.Class != int(job.Done) {
		t.Errorf("after a change of the description: %+v", r)
	}
	changed := strings.Replace(string(text), "allow: owner", "allow: none", 1)
	w.WriteFile(changed)
	held := trigger()
	if held.Verdict != history.VerdictHeld || held.Class != int(job.Refused) || held.Rules == first.Rules ||
		held.Record.ExitCode != int(job.Refused) || !strings.Contains(held.Causes[0], held.Rules[:12]) {
		t.Fatalf("after a change of a rule: %+v", held)
	}
	if held.Record.Report.Sent {
		t.Error("the run that was held sent something")
	}
	if since := held.Facts.Lasting.Refused["rules"]; since.IsZero() {
		t.Errorf("the metrics say nothing of it: %+v", held.Facts.Lasting)
	}
	if again := trigger(); again.Verdict != history.VerdictHeld {
		t.Errorf("the next run: %+v", again)
	}
	if _, err := p.AcceptRules(t.Context(), first.Rules, as("ann")); !errors.As(err, new(*serve.ConflictError)) {
		t.Errorf("other rules are accepted: %v", err)
	}
	if _, err := p.AcceptRules(t.Context(), held.Rules, as("Bot")); !errors.As(err, new(*serve.ForbiddenError)) {
		t.Errorf("who asked for the run accepts: %v", err)
	}
	accept := func(rules string) {
		t.Helper()
		ticket, err := p.AcceptRules(t.Context(), rules, as("ann"))
		if err != nil {
			t.Fatal(err)
		}
		<-ticket.Ended()
		r, err := w.Server.History.Run(t.Context(), ticket.Run)
		if err != nil || r.Verdict == history.VerdictHeld {
			t.Fatalf("the run with accepted rules: %v, %+v", err, r)
		}
		if r.Class == int(job.Refused) { // by a guard
			if _, ticket, err = p.Approve(t.Context(), r.Refusal, as("ann")); err != nil {
				t.Fatal(err)
			}
			<-ticket.Ended()
		}
		if last := w.Ended(1)[0]; !last.Good() {
			t.Fatalf("the allowed run: %+v", last)
		}
	}
	accept(held.Rules)
	if _, err := p.AcceptRules(t.Context(), held.Rules, as("ann")); !errors.As(err, new(*serve.ConflictError)) {
		t.Errorf("rules are accepted for later: %v", err)
	}
	w.WriteFile(string(text)) // the rules of before need a person again
	before := trigger()
	if before.Verdict != history.VerdictHeld {
		t.Errorf("the rules of before: %+v", before)
	}
	w.WriteFile(changed)
	if r := trigger(); r.Verdict == history.VerdictHeld {
		t.Errorf("the rules of the last good run: %+v", r)
	}
	w.WriteFile(string(text))
	trigger()
	accept(before.Rules)
	w.WriteFile(changed) // they were accepted for one good run
	if r := trigger(); r.Verdict != history.VerdictHeld {
		t.Errorf("rules that were accepted before the last good run: %+v", r)
	}
	path := serve.HistoryPath(w.Server.State())
	w.End()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p = w.Start()
	if r := trigger(); r.Verdict != history.VerdictHeld {
		t.Errorf("after a loss of the history: %+v", r)
	}
}
