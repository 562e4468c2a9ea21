//go:build linux

package e2e

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// heartbeat is how long a worker may give no sign of life.
const heartbeat = 5 * time.Second

// queue is the task queue of all workers.
const queue = "here"

// fleet is a world whose pipelines are run by workers.
type fleet struct {
	*world
	temporal *temporal
	postgres *postgres
	program  string
	folder   string // with fleet.yaml and the pipelines
	config   string // of the workers
	chaos    *chaos

	mu      sync.Mutex
	workers []*process
}

// size is how large a fleet is.
type size struct {
	companies, workers int
	entities           int // of each catalog, generated; 0: the catalogs of the sandbox
	cron               string
}

var stateTmp string

func newFleet(t testing.TB, s size) *fleet {
	t.Helper()
	f := &fleet{temporal: newTemporal(t), postgres: newPostgres(t), folder: t.TempDir()}
	var err error
	if f.program, err = built(); err != nil {
		t.Fatalf("go build pipe-worker: %v", err)
	}
	f.world = newWorld(t, s.companies, s.entities)
	f.describe(t, s.cron)
	stateTmp = t.TempDir()
	f.config = f.configure(t, f.temporal.address())
	for range s.workers {
		f.begin(t)
	}
	return f
}

// describe writes the folder of the fleet.
func (f *fleet) describe(t testing.TB, cron string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nfleet: test\ndefaults: {task_queue: %s, team: platform, region: here}\n"+
		"limits: {heartbeat: %s}\npipelines:\n", queue, heartbeat)
	for _, c := range f.companies {
		c.cron = cron
		c.write(t, f.folder, f.glean.URL())
		fmt.Fprintf(&text, "  %s: {}\n", c.name)
	}
	if err := os.WriteFile(filepath.Join(f.folder, "fleet.yaml"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configure writes the file of a worker.
func (f *fleet) configure(t testing.TB, address string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.yaml")
	text := fmt.Sprintf(`version: 1
temporal: {address: %q, namespace: %s}
task_queue: %s
payload_key: ${PAYLOAD_KEY}
pipelines: %s
state: {folder: %s}
runs: 4
grace: 30s
`, address, namespace, queue, f.folder, stateTmp)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// call runs pipe-worker.
func (f *fleet) call(t testing.TB, args ...string) *process {
	t.Helper()
	return f.callWith(t, payloadKey, args...)
}

// payloadKey encrypts what Temporal gets.
var payloadKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

// callWith is call with another key.
func (f *fleet) callWith(t testing.TB, key string, args ...string) *process {
	t.Helper()
	return start(t, starting{program: f.program, args: args, env: append(environment(), "PAYLOAD_KEY="+key)})
}

// must runs a command of pipe-worker that succeeds, and returns its output.
func (f *fleet) must(t testing.TB, args ...string) string {
	t.Helper()
	p := f.call(t, args...)
	if code := p.exit(t); code != 0 {
		t.Fatalf("pipe-worker %s: exit %d: %s", strings.Join(args, " "), code, p.said())
	}
	return p.answer()
}

// begin starts a worker, and waits until it takes work.
func (f *fleet) begin(t testing.TB) *process {
	t.Helper()
	p := f.call(t, "run", "--config", f.config)
	f.mu.Lock()
	f.workers = append(f.workers, p)
	f.mu.Unlock()
	f.watch()
	p.line(t, "takes work from")
	return p
}

// watch lets the world know the processes of the workers.
func (f *fleet) watch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	var pids []int
	for _, p := range f.workers {
		pids = append(pids, p.cmd.Process.Pid)
	}
	f.world.mu.Lock()
	f.pids = pids
	f.world.mu.Unlock()
}

// worker returns the worker of a process, nil when it has none.
func (f *fleet) worker(pid int) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.workers, func(p *process) bool { return p.cmd.Process.Pid == pid })
	if i < 0 {
		return nil
	}
	return f.workers[i]
}

// replaceEnded starts a worker for each that has ended.
func (f *fleet) replaceEnded(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	n := len(f.workers)
	f.workers = slices.DeleteFunc(f.workers, func(p *process) bool { return !p.running() })
	n -= len(f.workers)
	f.mu.Unlock()
	for range n {
		f.begin(t)
	}
}

// run asks for runs of pipelines, of all when none is named.
func (f *fleet) run(t testing.TB, names ...string) {
	t.Helper()
	if len(names) == 0 {
		names = []string{"--all"}
	}
	f.must(t, append([]string{"fleet", "run", "--config", f.config}, names...)...)
}

// idle waits until no workflow runs, and returns all executions.
func (f *fleet) idle(t testing.TB, most time.Duration) (all []execution) {
	t.Helper()
	untilWithin(t, most, "no workflow runs", func() bool {
		all = f.temporal.executions(t)
		return !slices.ContainsFunc(all, func(e execution) bool { return e.Status == "Running" })
	})
	return all
}

// results returns the results of the last executions of the pipelines.
func results(all []execution) map[string]string {
	last := map[string]execution{}
	for _, e := range all {
		name := strings.Trim(e.Attributes["PipePipeline"], `"`)
		if e.Type == "Pipeline" && e.Started.After(last[name].Started) {
			last[name] = e
		}
	}
	out := map[string]string{}
	for name, e := range last {
		out[name] = strings.Trim(e.Attributes["PipeResult"], `"`)
	}
	return out
}

// TestFleet: workers are killed, ended and stopped at random requests, while a person approves a
// refused run and a paused deletion is finished. Each index is that of a plain run at the end, no
// datasource had two publishers, and Temporal knows nothing of what the pipelines publish.
//
//	go test ./cmd/pipe-worker/e2e -run 'TestFleet$' -faults 40 -timeout 60m -v
func TestFleet(t *testing.T) {
	seed := *seeded
	if seed == 0 {
		seed = uint64(time.Now().UnixNano() % 1e9)
	}
	t.Logf("-seed %d", seed)
	f := newFleet(t, size{companies: *pipelines, workers: 3, cron: "* * * * *"})
	f.must(t, "fleet", "apply", "--config", f.config, "--yes")
	if n := len(f.temporal.schedules(t)); n != len(f.companies) {
		t.Fatalf("%d schedules for %d pipelines", n, len(f.companies))
	}
	untilWithin(t, 10*time.Minute, "each pipeline has published", func() bool {
		f.world.mu.Lock()
		defer f.world.mu.Unlock()
		return len(f.writes) == len(f.companies)
	})
	f.strike(t, seed, *faultCount)
	f.settle(t)
	f.plainRuns(t, f.folder)
	f.rightIndexes(t)
	f.onePublisher(t)
	f.noCanary(t)
}

// strike lets faults happen while the catalogs change.
func (f *fleet) strike(t testing.TB, seed uint64, n int) {
	t.Helper()
	f.chaos = newChaos(seed)
	random := rand.New(rand.NewPCG(seed, 2))
	f.world.mu.Lock()
	f.meet = func(r request) func() { return f.chaos.met(r, f.worker) }
	f.world.mu.Unlock()
	for range n {
		for range 1 + random.IntN(4) {
			f.companies[random.IntN(len(f.companies))].change(t)
		}
		f.chaos.arm(400)
		select {
		case <-f.chaos.struck:
		case <-time.After(10 * time.Minute):
			t.Fatal("no worker made enough requests")
		}
		f.replaceEnded(t)
	}
	f.world.mu.Lock()
	f.meet = nil
	f.world.mu.Unlock()
	f.chaos.report(t)
}

// settle lets every pipeline run once more after everything else.
func (f *fleet) settle(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	for _, p := range f.workers {
		p.signal(syscall.SIGCONT)
	}
	f.mu.Unlock()
	f.replaceEnded(t)
	f.must(t, "fleet", "pause", "--config", f.config, "--all", "--reason", "the end of the test")
	f.idle(t, 15*time.Minute)
	f.run(t)
	for name, result := range results(f.idle(t, 15*time.Minute)) {
		if result != "done" && result != "rejected" {
			t.Errorf("the last run of %s: %s", name, result)
		}
	}
}

// noCanary fails the test when Temporal has got what must not leave the worker.
func (f *fleet) noCanary(t testing.TB) {
	t.Helper()
	stored := f.temporal.stored(t)
	if !strings.Contains(stored, f.companies[0].name) {
		t.Errorf("what Temporal stored has no name of a pipeline")
	}
	for _, canary := range canaries {
		if strings.Contains(stored, canary) {
			t.Errorf("Temporal has got %q", canary)
		}
	}
}
