package serve_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
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

// clock is a time that only advances when it is told to.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*timer]bool
}

type timer struct {
	at time.Time
	c  chan time.Time
}

func newClock(text string) *clock {
	now, err := time.Parse(time.DateTime, text)
	if err != nil {
		panic(err)
	}
	return &clock{now: now, timers: map[*timer]bool{}}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) (<-chan time.Time, func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c.now.Add(d), make(chan time.Time, 1)}
	c.timers[t] = true
	return t.c, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		there := c.timers[t]
		delete(c.timers, t)
		return there
	}
}

// waiting returns how many timers wait.
func (c *clock) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for t := range c.timers {
		if !t.at.After(c.now) {
			t.c <- c.now
			delete(c.timers, t)
		}
	}
}

// world is a server of the handbook, on files in a folder.
type world struct {
	t       *testing.T
	dir     string
	file    string
	records string
	clock   *clock
	options serve.Options

	server *serve.Server
	stop   chan struct{}
	done   chan error
}

func newWorld(t *testing.T, scheduleLines string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, file: filepath.Join(dir, "handbook.yaml"), records: filepath.Join(dir, "handbook.ndjson"),
		clock: newClock("2026-11-30 12:00:00")}
	text, err := os.ReadFile("../../pipelines/examples/files/handbook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w.writeFile(string(text) + "\n" + scheduleLines)
	w.write(100, 50)
	variables := map[string]string{"HANDBOOK_FILE": w.records, "HANDBOOK_OUT": filepath.Join(dir, "out")}
	w.options = serve.Options{
		Files: []string{w.file}, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		Job: job.Options{Registry: registry(), State: filepath.Join(dir, "state"), Version: "v1.2.3",
			Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }},
	}
	return w
}

func (w *world) writeFile(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// write writes a person, a team and n pages; the first ones are restricted to the team.
func (w *world) write(n, restricted int) {
	w.t.Helper()
	var text strings.Builder
	text.WriteString(`{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}` + "\n" +
		`{"id":"team-42","kind":"team","name":"Payments","members":["ann"]}` + "\n")
	for i := range n {
		audience := "all"
		if i < restricted {
			audience = "team"
		}
		fmt.Fprintf(&text, `{"id":"page-%d","kind":"page","name":"Page","owner":"team-42","audience":%q}`+"\n", i, audience)
	}
	if err := os.WriteFile(w.records, []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() *serve.Pipeline {
	w.t.Helper()
	server, err := serve.Open(w.t.Context(), w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.server, w.stop, w.done = server, make(chan struct{}), make(chan error, 1)
	go func() { w.done <- server.Run(context.WithoutCancel(w.t.Context()), w.stop) }()
	w.t.Cleanup(w.end)
	return server.Pipelines()[0]
}

// end stops the server; further calls do nothing.
func (w *world) end() {
	if w.server == nil {
		return
	}
	close(w.stop)
	if err := <-w.done; err != nil {
		w.t.Error(err)
	}
	if err := w.server.Close(); err != nil {
		w.t.Error(err)
	}
	w.server = nil
}

// runs returns the runs in the history, the newest first.
func (w *world) runs() []*history.Run {
	w.t.Helper()
	runs, err := w.server.History.Runs(w.t.Context(), "handbook", "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}

// ended waits until there are n runs and all have ended.
func (w *world) ended(n int) []*history.Run {
	w.t.Helper()
	for range 1000 {
		runs := w.runs()
		if len(runs) >= n && !runs[0].Ended.IsZero() {
			return runs
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("%d runs have ended after ten seconds, want %d", len(w.runs()), n)
	return nil
}

// settle waits until the pipeline waits for its clock.
func (w *world) settle() {
	w.t.Helper()
	for range 100_000 {
		if w.clock.waiting() > 0 {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	w.t.Fatal("the pipeline does not wait for the clock")
}

// pass lets a time pass in steps in which the pipeline looks at the clock.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for ; d > 0; d -= 30 * time.Second {
		w.settle()
		w.clock.advance(30 * time.Second)
	}
	w.settle()
}

func (w *world) trigger(p *serve.Pipeline, q serve.Request) *history.Run {
	w.t.Helper()
	ticket, err := p.Trigger(q)
	if err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-ticket.Ended():
	case <-time.After(time.Minute):
		w.t.Fatal("the run has not ended after a minute")
	}
	r, err := w.server.History.Run(w.t.Context(), ticket.Run)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

const nightly = "schedule:\n  - cron: \"30 12 * * *\"\n  - cron: \"30 12 * * 2\"\n    full: true\n"

func TestSchedule(t *testing.T) {
	w := newWorld(t, nightly)
	p := w.start()
	w.pass(29 * time.Minute)
	if runs := w.runs(); len(runs) != 0 {
		t.Fatalf("%d runs before the time", len(runs))
	}
	if next := p.Status().Next; next.Format(time.DateTime) != "2026-11-30 12:30:00" {
		t.Errorf("the next run is at %v", next)
	}
	w.pass(2 * time.Minute)
	runs := w.ended(1)
	if runs[0].Class != int(job.Done) || runs[0].Asked[0].How != serve.BySchedule || runs[0].Mode != "" {
		t.Errorf("the first run: %+v", runs[0])
	}
	w.pass(24 * time.Hour)
	runs = w.ended(2)
	if len(runs) != 2 || runs[0].Mode != "full" { // a Tuesday: both lines are one run
		t.Errorf("%d runs, the last one: %+v", len(runs), runs[0])
	}
	stored, err := w.server.History.Run(t.Context(), runs[0].ID)
	if err != nil || stored.Record == nil || stored.Record.Report == nil || stored.Record.Report.Read != 102 ||
		stored.Record.Report.RunID != runs[0].ID {
		t.Errorf("the stored run: %v, %+v", err, stored)
	}
}

// TestMissed: what the server missed is one run after its start.
func TestMissed(t *testing.T) {
	w := newWorld(t, nightly)
	w.start()
	w.settle()
	w.end()
	w.clock.timers = map[*timer]bool{}
	w.clock.advance(5 * 24 * time.Hour)
	w.start()
	runs := w.ended(1)
	w.settle()
	if len(w.runs()) != 1 || runs[0].Asked[0].How != serve.ByMissed || runs[0].Mode != "full" {
		t.Errorf("%d runs: %+v", len(w.runs()), runs[0])
	}
}

// TestTriggersAtOnce: requests that one run answers are one run.
func TestTriggersAtOnce(t *testing.T) {
	w := newWorld(t, "")
	p := w.start()
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
	runs := w.ended(1)
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
	p := w.start()
	if _, err := p.Trigger(serve.Request{By: "x", Only: []string{"docs"}}); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("an unknown stream: %v", err)
	}
	if r := w.trigger(p, serve.Request{By: "x", How: serve.ByAPI, Dry: true}); r.Verdict != "dry" || !r.Dry {
		t.Errorf("a dry run: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "out", "documents.ndjson")); err == nil {
		t.Error("a dry run wrote documents")
	}
}

// TestApprove: a refusal is approved by a person who did not ask for what it refused.
func TestApprove(t *testing.T) {
	w := newWorld(t, "")
	p := w.start()
	if r := w.trigger(p, serve.Request{By: "ann", Person: true, How: serve.ByPage}); r.Class != int(job.Done) {
		t.Fatalf("the first run: %+v", r)
	}
	w.write(30, 10)
	refused := w.trigger(p, serve.Request{By: "ann", Person: true, How: serve.ByPage})
	if refused.Class != int(job.Refused) || refused.Refusal == "" || len(refused.Causes) == 0 {
		t.Fatalf("the refused run: %+v", refused)
	}
	again := w.trigger(p, serve.Request{By: serve.BySchedule, How: serve.BySchedule})
	if again.Refusal != refused.Refusal {
		t.Fatalf("the next run is refused as %s, before as %s", again.Refusal, refused.Refusal)
	}
	if _, _, err := p.Approve(t.Context(), refused.Refusal, "ann", ""); !errors.As(err, new(*serve.ForbiddenError)) {
		t.Errorf("the person who asked approves: %v", err)
	}
	if _, _, err := p.Approve(t.Context(), "aaaabbbbcccc", "bob", ""); !errors.As(err, new(*serve.ConflictError)) {
		t.Errorf("an unknown refusal: %v", err)
	}
	w.write(2, 1) // more is gone than was shown
	_, ticket, err := p.Approve(t.Context(), refused.Refusal, "bob", "pages were merged")
	if err != nil {
		t.Fatal(err)
	}
	<-ticket.Ended()
	more, err := w.server.History.Run(t.Context(), ticket.Run)
	if err != nil || more.Class != int(job.Refused) || more.Refusal == refused.Refusal {
		t.Fatalf("a run that changes more than was approved: %v, %+v", err, more)
	}
	if _, _, err := p.Approve(t.Context(), refused.Refusal, "bob", ""); !errors.As(err, new(*serve.ConflictError)) {
		t.Errorf("an old refusal: %v", err)
	}
	_, ticket, err = p.Approve(t.Context(), more.Refusal, "bob", "pages were merged")
	if err != nil {
		t.Fatal(err)
	}
	<-ticket.Ended()
	if last := w.ended(1)[0]; last.Class != int(job.Done) || last.ID != ticket.Run {
		t.Errorf("the approved run: %+v", last)
	}
	if waiting, err := p.Waiting(t.Context()); waiting != nil || err != nil {
		t.Errorf("after the approved run waits %+v, %v", waiting, err)
	}
}

// TestEdit: a broken edit of the file is reported, and the last good one stays in use.
func TestEdit(t *testing.T) {
	w := newWorld(t, nightly)
	p := w.start()
	w.settle()
	good, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	w.writeFile(strings.Replace(string(good), "when: kind == \"page\"", "when: kind ==", 1))
	if r := w.trigger(p, serve.Request{By: "x", How: serve.ByAPI}); r.Class != int(job.Done) {
		t.Errorf("the run after a broken edit: %+v", r)
	}
	if edit := p.Status().Edit; edit == nil || !strings.Contains(edit.Error(), "handbook.yaml:") {
		t.Errorf("the problem of the edit: %v", edit)
	}
	w.writeFile(strings.Replace(string(good), "name: handbook", "name: other", 1))
	w.pass(time.Minute)
	if edit := p.Status().Edit; edit == nil || !strings.Contains(edit.Error(), "another name") {
		t.Errorf("another name: %v", edit)
	}
	os.Remove(w.file)
	w.pass(time.Minute)
	if p.Status().Edit == nil {
		t.Error("a missing file is not reported")
	}
	w.writeFile(strings.Replace(string(good), "30 12 * * *", "45 12 * * *", 1))
	w.pass(time.Minute)
	if s := p.Status(); s.Edit != nil || s.Next.Minute() != 45 {
		t.Errorf("after the repair: %v, next run at %v", s.Edit, s.Next)
	}
}

func TestOpenRefuses(t *testing.T) {
	w := newWorld(t, "")
	w.start()
	if _, err := serve.Open(t.Context(), w.options); !errors.As(err, new(*fault.StateError)) {
		t.Errorf("a second server: %v", err)
	}
	w.end()
	o := w.options
	o.Files = []string{w.file, w.file}
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("a file twice: %v", err)
	}
	text, _ := os.ReadFile(w.file)
	other := filepath.Join(w.dir, "other.yaml")
	os.WriteFile(other, []byte(strings.Replace(string(text), "name: handbook", "name: other", 1)), 0o600)
	o.Files = []string{w.file, other}
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("two pipelines with one place: %v", err)
	}
	o.Files = []string{filepath.Join(w.dir, "missing.yaml")}
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*job.LoadError)) {
		t.Errorf("a missing file: %v", err)
	}
	o.Files, o.Job.State = []string{w.file}, job.NoState
	if _, err := serve.Open(t.Context(), o); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("no state folder: %v", err)
	}
}

// TestDay: a day of runs every ten minutes leaves goroutines, files and memory as they were.
func TestDay(t *testing.T) {
	w := newWorld(t, "schedule:\n  - cron: \"*/10 * * * *\"\n    jitter: 2m\n")
	w.write(20, 5)
	w.start()
	w.pass(2 * time.Hour)
	before := measure(t)
	w.pass(22 * time.Hour)
	after := measure(t)
	if n := len(w.runs()); n < 142 || n > 145 {
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
