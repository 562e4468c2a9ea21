//go:build linux

package e2e

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// gate holds the requests that match, until it is opened.
type gate struct {
	reached, opened chan struct{}
	reach, open     sync.Once
	by              int // the process of the first request
}

// hold makes a gate for requests.
func (w *world) hold(t testing.TB, match func(request) bool) *gate {
	g := &gate{reached: make(chan struct{}), opened: make(chan struct{})}
	t.Cleanup(g.release)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meet = func(r request) func() {
		if match(r) {
			g.reach.Do(func() { g.by = r.process; close(g.reached) })
			<-g.opened
		}
		return nil
	}
	return g
}

func (g *gate) wait(t testing.TB) {
	t.Helper()
	select {
	case <-g.reached:
	case <-time.After(2 * time.Minute):
		t.Fatal("no request came to the gate")
	}
}

func (g *gate) release() { g.open.Do(func() { close(g.opened) }) }

// reading and publishing are what a gate waits for: a page of the catalog, and the last page of the
// documents.
func reading(r request) bool { return strings.Contains(r.operation, "by-query") }

func publishing(r request) bool {
	return r.operation == "bulkindexdocuments" && bytes.Contains(r.body, []byte(`"isLastPage":true`))
}

// never is a cron line of a time that does not come during a test.
const never = "0 3 29 2 *"

// TestFleetFaults: what happens to Temporal and to PostgreSQL during a run costs time, and never makes a
// wrong index.
func TestFleetFaults(t *testing.T) {
	f := newFleet(t, size{companies: 2, workers: 2, cron: never})
	f.plainRuns(t, f.folder)
	f.run(t)
	f.idle(t, 5*time.Minute)
	f.rightIndexes(t)
	faults := map[string]func(t *testing.T){
		"PostgreSQL restarts":     func(t *testing.T) { restart(t, f.postgres) },
		"the connections are cut": func(t *testing.T) { disconnect(t, f.postgres) },
		"Temporal restarts":       func(t *testing.T) { f.temporal.server.kill(); f.temporal.start(t) },
		"Temporal is away for long": func(t *testing.T) {
			f.temporal.server.kill()
			time.Sleep(3 * heartbeat) // the workers notice that they have no contact
			f.temporal.start(t)
		},
	}
	for act, match := range map[string]func(request) bool{"reads": reading, "publishes": publishing} {
		for name, fault := range faults {
			t.Run(name+" while a run "+act, func(t *testing.T) {
				for _, c := range f.companies {
					c.change(t)
				}
				f.plainRuns(t, f.folder)
				g := f.hold(t, match)
				f.run(t)
				g.wait(t)
				fault(t)
				g.release()
				f.idle(t, 10*time.Minute)
				f.rightIndexes(t)
				f.onePublisher(t)
			})
		}
	}
}

// TestFleetDeath: a run whose worker is killed while it reads, or while it publishes, is begun again by
// another worker. It prints how long that takes.
func TestFleetDeath(t *testing.T) {
	f := newFleet(t, size{companies: 1, workers: 2, cron: never})
	f.run(t)
	f.idle(t, 5*time.Minute)
	for act, match := range map[string]func(request) bool{"reads": reading, "publishes": publishing} {
		t.Run(act, func(t *testing.T) {
			f.companies[0].change(t)
			g := f.hold(t, match)
			f.run(t)
			g.wait(t)
			f.worker(g.by).kill()
			killed := time.Now()
			g.release()
			other := func(r request) bool { return r.process != g.by && r.process != 0 }
			again := f.hold(t, func(r request) bool { return other(r) && reading(r) })
			again.wait(t)
			t.Logf("another worker reads after %.0f s", time.Since(killed).Seconds())
			last := f.hold(t, func(r request) bool { return other(r) && r.sends })
			again.release()
			last.wait(t)
			t.Logf("it sends after %.0f s", time.Since(killed).Seconds())
			last.release()
			f.replaceEnded(t)
			f.idle(t, 5*time.Minute)
			f.plainRuns(t, f.folder)
			f.rightIndexes(t)
			f.onePublisher(t)
		})
	}
}

// TestFleetSuspended: a worker that is suspended while it publishes sends nothing when it goes on, since
// another one has taken its run.
func TestFleetSuspended(t *testing.T) {
	f := newFleet(t, size{companies: 1, workers: 2, cron: never})
	f.run(t)
	f.idle(t, 5*time.Minute)
	c := f.companies[0]
	c.change(t)
	g := f.hold(t, func(r request) bool { return r.operation == "bulkindexusers" })
	f.run(t)
	g.wait(t)
	worker := f.worker(g.by)
	worker.signal(syscall.SIGSTOP)
	ended := strings.Count(worker.said(), "run ended")
	g.release()
	f.idle(t, 5*time.Minute)
	f.world.mu.Lock()
	before := len(f.writes[c.name])
	f.world.mu.Unlock()
	worker.signal(syscall.SIGCONT)
	until(t, 2*time.Minute, "the suspended run ends", func() bool {
		return strings.Count(worker.said(), "run ended") > ended
	})
	f.world.mu.Lock()
	for _, w := range f.writes[c.name][before:] {
		t.Errorf("it has sent %s", w)
	}
	f.world.mu.Unlock()
	f.plainRuns(t, f.folder)
	f.rightIndexes(t)
	f.onePublisher(t)
}

// TestFleetCancel: a run that is cancelled while it publishes ends its upload and publishes no other,
// and one that is cancelled while it reads sends nothing. The end of a worker does the same.
func TestFleetCancel(t *testing.T) {
	f := newFleet(t, size{companies: 1, workers: 1, cron: never})
	c := f.companies[0]
	f.run(t)
	f.idle(t, 5*time.Minute)
	for _, by := range []string{"a person", "the end of the worker"} {
		t.Run(by, func(t *testing.T) {
			c.change(t)
			g := f.hold(t, publishing)
			f.run(t)
			g.wait(t)
			worker := f.worker(g.by)
			if by == "a person" {
				f.temporal.cancel(t, f.running(t))
			} else {
				worker.signal(syscall.SIGTERM)
			}
			time.Sleep(2 * time.Second) // nothing is to happen yet
			g.release()
			if by != "a person" {
				if code := worker.exitWithin(t, time.Minute); code != 143 && code != 0 {
					t.Errorf("the worker: exit %d: %s", code, worker.said())
				}
				f.replaceEnded(t)
			}
			all := f.idle(t, 5*time.Minute)
			if left := f.glean.Index(c.name).Unfinished(); len(left) > 0 {
				t.Errorf("uploads are not finished: %+v", left)
			}
			want := map[string]string{"a person": "cancelled", "the end of the worker": "done"}[by]
			if got := results(all)[c.name]; got != want && got+want != "rejecteddone" {
				t.Errorf("the result is %q, want %q", got, want)
			}
		})
	}
	f.run(t)
	f.idle(t, 5*time.Minute)
	f.plainRuns(t, f.folder)
	f.rightIndexes(t)
	f.onePublisher(t)
}

// running returns the ID of the workflow Pipeline that runs.
func (f *fleet) running(t testing.TB) string {
	t.Helper()
	all := f.temporal.executions(t)
	i := slices.IndexFunc(all, func(e execution) bool { return e.Type == "Pipeline" && e.Status == "Running" })
	if i < 0 {
		t.Fatal("no pipeline runs")
	}
	return all[i].ID
}

// TestFleetKey: a worker with another key than the one that encrypted the payloads ends no workflow and
// does not keep another worker from it. It does not start where the fleet has schedules.
func TestFleetKey(t *testing.T) {
	f := newFleet(t, size{companies: 1, workers: 0, cron: "* * * * *"})
	other := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("w", 32)))
	asked := f.call(t, "fleet", "run", "--config", f.config, f.companies[0].name)
	wrong := f.callWith(t, other, "run", "--config", f.config)
	wrong.line(t, "does not have its key")
	for _, e := range f.temporal.executions(t) {
		if e.Status != "Running" {
			t.Errorf("it has ended a workflow: %s %s", e.Type, e.Status)
		}
	}
	f.begin(t)
	if code := asked.exitWithin(t, 2*patience); code != 0 {
		t.Errorf("fleet run: exit %d: %s", code, asked.said())
	}
	wrong.kill()
	f.idle(t, 5*time.Minute)
	f.plainRuns(t, f.folder)
	f.rightIndexes(t)
	f.noMachine(t)
	f.must(t, "fleet", "apply", "--config", f.config, "--yes")
	wrong = f.callWith(t, other, "run", "--config", f.config)
	if code := wrong.exit(t); code != 2 || !strings.Contains(wrong.said(), "payload_key") {
		t.Errorf("exit %d: %s", code, wrong.said())
	}
	// The key is changed while the schedule is paused. After fleet apply the earlier one is not needed.
	f.must(t, "fleet", "pause", "--config", f.config, "--all", "--reason", "another key")
	text, err := os.ReadFile(f.config)
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(both, append(text, "old_payload_keys: [\"${OLD_PAYLOAD_KEY}\"]\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct {
		args []string
		want string
	}{
		{[]string{"fleet", "apply", "--config", both, "--yes"}, ": changed"},
		{[]string{"fleet", "plan", "--config", f.config}, "0 to change"},
		{[]string{"fleet", "status", "--config", f.config}, "another key"},
	} {
		p := f.callWith(t, other, call.args...)
		if code := p.exit(t); code != 0 || !strings.Contains(p.answer(), call.want) {
			t.Errorf("%v: exit %d: %s%s", call.args, code, p.answer(), p.said())
		}
	}
	if all := f.temporal.schedules(t); len(all) != 1 || !all[0].Paused {
		t.Errorf("schedules %+v", all)
	}
	f.callWith(t, other, "run", "--config", f.config).line(t, "takes work from")
}

// TestFleetSchedule: while a run goes on no other begins, and of the times that passed while Temporal
// was away at most two are made up for.
func TestFleetSchedule(t *testing.T) {
	f := newFleet(t, size{companies: 1, workers: 1, cron: "* * * * *"})
	c := f.companies[0]
	g := f.hold(t, reading)
	f.must(t, "fleet", "apply", "--config", f.config, "--yes")
	g.wait(t)
	until(t, 4*time.Minute, "two more times have passed", func() bool { return f.temporal.schedules(t)[0].Ran >= 3 })
	if n := f.pipelinesRun(t); n != 1 {
		t.Errorf("%d runs began, and the first one has not ended", n)
	}
	g.release()
	f.idle(t, 2*time.Minute)
	f.temporal.server.kill()
	c.change(t)
	before := f.published()
	time.Sleep(4*time.Minute + 10*time.Second) // four times pass
	if n := f.published(); n != before {
		t.Errorf("%d requests without Temporal", n-before)
	}
	began := time.Now()
	f.temporal.start(t)
	until(t, 2*time.Minute, "a run is made up for", func() bool { return f.published() > before })
	f.must(t, "fleet", "pause", "--config", f.config, "--all", "--reason", "the end of the test")
	runs := 0
	for _, e := range f.idle(t, 5*time.Minute) {
		if e.Type == "Pipeline" && e.Started.After(began) {
			runs++
		}
	}
	if most := 2 + int(time.Since(began)/time.Minute) + 1; runs > most {
		t.Errorf("%d runs began, want at most %d", runs, most)
	}
	t.Logf("%d runs after four missed times: %+v", runs, f.temporal.schedules(t))
	f.plainRuns(t, f.folder)
	f.rightIndexes(t)
	f.onePublisher(t)
}

// published is how many requests have changed the first datasource.
func (f *fleet) published() int {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return len(f.writes[f.companies[0].name])
}

// pipelinesRun is how many workflows Pipeline there are.
func (f *fleet) pipelinesRun(t testing.TB) (n int) {
	t.Helper()
	for _, e := range f.temporal.executions(t) {
		if e.Type == "Pipeline" {
			n++
		}
	}
	return n
}
