//go:build linux

package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
)

// heartbeat is how long a worker may give no sign of life.
const heartbeat = 5 * time.Second

// queue is the task queue of all workers.
const queue = "here"

// fleet is a world whose pipelines are run by workers.
type fleet struct {
	*world
	t        testing.TB // of the whole fleet: workers outlive subtests
	temporal *temporal
	postgres *postgrestest.Server
	program  string
	folder   string // with fleet.yaml and the pipelines
	config   string // of the workers
	chaos    *chaos

	mu      sync.Mutex
	workers []*process
	begun   []*process // all workers, those that ended too
}

// size is how large a fleet is.
type size struct {
	companies, workers int
	entities           int // of each catalog, generated; 0: the catalogs of the sandbox
	cron               string
}

func newFleet(t testing.TB, s size) *fleet {
	t.Helper()
	f := &fleet{t: t, temporal: newTemporal(t), postgres: postgrestest.Start(t), folder: t.TempDir()}
	var err error
	if f.program, err = built(); err != nil {
		t.Fatalf("go build pipe-worker: %v", err)
	}
	f.world = newWorld(t, s.companies, s.entities)
	f.describe(t, s.cron)
	f.config = f.configure(t, f.temporal.address())
	f.must(t, "state", "init", "--config", f.config)
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
state:
  postgres: {url: %q, key: "${STATE_KEY}", lease: 6s, request_timeout: 10s}
runs: 4
grace: 30s
`, address, namespace, queue, f.folder,
		f.postgres.URL())
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
	return start(t, starting{program: f.program, args: args, env: append(environment(), "PAYLOAD_KEY="+key,
		"OLD_PAYLOAD_KEY="+payloadKey, "STATE_KEY="+postgrestest.Key)})
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
	p := f.call(f.t, "run", "--config", f.config)
	f.mu.Lock()
	f.workers, f.begun = append(f.workers, p), append(f.begun, p)
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
	until(t, most, "no workflow runs", func() bool {
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
//	go test ./cmd/pipe-worker/e2e -run 'TestFleet$' -faults 60 -timeout 90m -v
func TestFleet(t *testing.T) {
	seed := *seeded
	if seed == 0 {
		seed = uint64(time.Now().UnixNano() % 1e9)
	}
	t.Logf("-seed %d", seed)
	f := newFleet(t, size{companies: *pipelines, workers: 3, cron: "* * * * *"})
	f.chaos = newChaos(seed)
	f.world.mu.Lock()
	f.meet = func(r request) func() { return f.chaos.met(r, f.worker) }
	f.world.mu.Unlock()
	refused, paused := f.companies[1], f.companies[2]
	paused.cron = never // another run would end the wait for its deletion
	paused.write(t, f.folder, f.glean.URL())
	f.seedOld(t, paused)
	f.must(t, "fleet", "apply", "--config", f.config, "--yes")
	if n := len(f.temporal.schedules(t)); n != len(f.companies) {
		t.Fatalf("%d schedules for %d pipelines", n, len(f.companies))
	}
	f.adopt(t, paused)
	until(t, 10*time.Minute, "each pipeline has published", func() bool {
		f.world.mu.Lock()
		defer f.world.mu.Unlock()
		return len(f.writes) == len(f.companies)
	})
	random := rand.New(rand.NewPCG(seed, 2))
	f.strike(t, random, *faultCount/4)
	if err := f.glean.FinishDeletions(paused.name); err != nil {
		t.Fatal(err)
	}
	f.approve(t, refused)
	f.strike(t, random, *faultCount-*faultCount/4)
	f.goOn(t)
	f.becomes(t, paused, "done", "rejected")
	if left := f.glean.Index(paused.name).Documents; len(left) < 50 || left[oldID(0)].ID != "" {
		t.Errorf("%s has %d documents, and %v", paused.name, len(left), left[oldID(0)])
	}
	f.settle(t)
	t.Logf("%d faults", f.chaos.report(t))
	f.plainRuns(t, f.folder)
	f.rightIndexes(t)
	f.onePublisher(t)
	f.noCanary(t)
}

// old is how many documents a datasource has before a pipeline takes it over.
const old = 40

func oldID(i int) string { return fmt.Sprintf("%s:old-%d", canaryRef, i) }

// seedOld uploads documents that a pipeline does not have.
func (f *fleet) seedOld(t testing.TB, c *company) {
	t.Helper()
	q := gleanapi.BulkIndexDocumentsRequest{Page: gleanapi.Page{UploadID: "old", Datasource: c.name, IsFirstPage: true,
		IsLastPage: true}}
	for i := range old {
		q.Documents = append(q.Documents, gleanapi.Document{Datasource: c.name, ID: oldID(i), ObjectType: "component",
			Title: canaryTitle, ViewURL: c.backstage.URL() + "/catalog/default/component/old",
			Permissions: &gleanapi.Permissions{AllowAllDatasourceUsersAccess: true}})
	}
	body, err := codec.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.glean.URL()+gleanapi.Prefix+"bulkindexdocuments",
		bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sinkSecret)
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if text, _ := io.ReadAll(a.Body); a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", a.Status, text)
	}
}

// adopt takes a datasource over that has documents: a run is refused, a person approves what it showed,
// and Glean pauses the deletion of what the pipeline does not have.
func (f *fleet) adopt(t testing.TB, c *company) {
	t.Helper()
	f.run(t, c.name)
	f.becomes(t, c, "refused")
	p := f.call(t, "fleet", "adopt", "--config", f.config, "--progress", "none", c.name)
	found := regexp.MustCompile(`fleet approve ` + c.name + ` (\S+)`).FindStringSubmatch(p.whole(t))
	if code := p.exit(t); code != 4 || found == nil {
		t.Fatalf("fleet adopt: exit %d: %s", code, p.said())
	}
	f.must(t, "fleet", "approve", "--config", f.config, c.name, found[1])
	f.becomes(t, c, "unconfirmed")
}

// approve widens many documents, and approves the run that is refused for it while a fault comes.
func (f *fleet) approve(t testing.TB, c *company) {
	t.Helper()
	c.open = true
	c.replace(t)
	f.becomes(t, c, "refused")
	var status struct {
		Data struct {
			Pipelines []struct {
				Report struct {
					Refusal string `json:"refusal"`
				} `json:"report"`
			} `json:"pipelines"`
		} `json:"data"`
	}
	out := f.must(t, "fleet", "status", "--json", "--config", f.config, c.name)
	if err := codec.Unmarshal([]byte(out), &status); err != nil || len(status.Data.Pipelines) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	f.chaos.arm(30)
	f.must(t, "fleet", "approve", "--config", f.config, c.name, status.Data.Pipelines[0].Report.Refusal)
	f.awaitFault(t)
	id := fmt.Sprintf("component:default/%s-0", canaryRef)
	until(t, 10*time.Minute, "what was approved is published", func() bool {
		d := f.glean.Index(c.name).Documents[id]
		return d.Permissions != nil && d.Permissions.AllowAllDatasourceUsersAccess
	})
}

// becomes waits until the last execution of a pipeline has one of some results.
func (f *fleet) becomes(t testing.TB, c *company, want ...string) {
	t.Helper()
	until(t, 15*time.Minute, fmt.Sprintf("the result of %s is %v", c.name, want), func() bool {
		return slices.Contains(want, results(f.temporal.executions(t))[c.name])
	})
}

// strike lets faults happen while the catalogs change.
func (f *fleet) strike(t testing.TB, random *rand.Rand, n int) {
	t.Helper()
	for range n {
		for range 1 + random.IntN(4) {
			f.companies[random.IntN(len(f.companies))].change(t)
		}
		f.chaos.arm(150)
		f.awaitFault(t)
	}
}

// awaitFault waits for the fault that comes, and replaces a worker that ended.
func (f *fleet) awaitFault(t testing.TB) {
	t.Helper()
	select {
	case <-f.chaos.struck:
	case <-time.After(10 * time.Minute):
		t.Fatal("no worker made enough requests")
	}
	f.replaceEnded(t)
}

// goOn lets workers go on that are stopped.
func (f *fleet) goOn(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	for _, p := range f.workers {
		p.signal(syscall.SIGCONT)
	}
	f.mu.Unlock()
	f.replaceEnded(t)
}

// settle lets every pipeline run once more after everything else.
func (f *fleet) settle(t testing.TB) {
	t.Helper()
	f.must(t, "fleet", "pause", "--config", f.config, "--all", "--reason", "the end of the test")
	f.idle(t, 15*time.Minute)
	f.run(t)
	for name, result := range results(f.idle(t, 15*time.Minute)) {
		if result != "done" && result != "rejected" {
			t.Errorf("the last run of %s: %s", name, result)
		}
	}
}

// noMachine fails the test when the history of a workflow names the machine of a caller.
func (f *fleet) noMachine(t testing.TB) {
	t.Helper()
	named := 0
	for _, e := range f.temporal.histories(t) {
		for _, event := range e.Events {
			for _, part := range event {
				about, _ := part.(map[string]any)
				identity, _ := about["identity"].(string)
				if strings.Contains(identity, "@") {
					t.Errorf("%s: %v was written by %s", e.Type, event["eventType"], identity)
				}
				if strings.HasPrefix(identity, "pipe-worker-") {
					named++
				}
			}
		}
	}
	if named == 0 {
		t.Error("no history names a caller")
	}
}

// noCanary fails the test when Temporal has got what must not leave the worker.
func (f *fleet) noCanary(t testing.TB) {
	t.Helper()
	stored := f.temporal.stored(t)
	if !strings.Contains(stored, f.companies[0].name) {
		t.Errorf("what Temporal stored has no name of a pipeline")
	}
	f.noMachine(t)
	for _, canary := range canaries {
		if strings.Contains(stored, canary) {
			t.Errorf("Temporal has got %q", canary)
		}
		if canary == canaryRef || canary == canaryTitle {
			continue // the log of a worker is where they belong
		}
		for _, p := range f.begun {
			if strings.Contains(p.said(), canary) {
				t.Errorf("a worker has logged %q", canary)
			}
		}
	}
}
