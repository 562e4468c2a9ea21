package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var (
	schedules = flag.Int("schedules", 100, "schedules of faults that TestProperty tries")
	seed      = flag.Uint64("seed", 0, "the first schedule's seed; 0 is one of its own for each call")
)

// TestProperty: a good run, a change of the catalog, a run under random faults on both ends
// that may be ended at any request, and a run without faults. After the second an upload has
// taken effect completely or not at all, no one finds what no run grants, and every record
// is accounted for; after the third the index equals the catalog.
//
//	go test -run TestProperty -schedules 2000 -timeout 1h ./cmd/pipe/e2e
func TestProperty(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano() % 1e9)
	}
	var next atomic.Uint64
	var outcomes outcomes
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) { // they mostly wait
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= uint64(*schedules) {
					return
				}
				t.Run(fmt.Sprint(first+n), func(t *testing.T) { newSchedule(t, first+n, &outcomes).run() })
			}
		})
	}
	wg.Wait()
	t.Log(outcomes.String())
}

// outcomes counts the results of the runs under faults, to show whether the schedules reach
// everything.
type outcomes struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *outcomes) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what]++
}

func (c *outcomes) String() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(c.n)) {
		parts = append(parts, fmt.Sprintf("%s %d", what, c.n[what]))
	}
	return strings.Join(parts, ", ")
}

// schedule is one of them.
type schedule struct {
	*testing.T
	rand     *rand.Rand
	seed     uint64
	outcomes *outcomes
	world    *world
	rules    gleansandbox.Rules
	story    []string // what happened, for people

	requests atomic.Int64 // of both servers
	endAt    atomic.Int64 // the request at which the run is ended; 0 for none
	end      atomic.Pointer[context.CancelFunc]
	runs     int
	emails   map[string]string // by ref, of the people of the run at hand
}

func (s *schedule) observeSource(*http.Request) { s.count() }

func (s *schedule) observeSink(gleansandbox.Exchange) { s.count() }

func newSchedule(t *testing.T, seed uint64, outcomes *outcomes) *schedule {
	return &schedule{T: t, rand: rand.New(rand.NewPCG(seed, 0)), seed: seed, outcomes: outcomes}
}

func (s *schedule) tell(format string, args ...any) {
	s.story = append(s.story, fmt.Sprintf(format, args...))
}

// wrong is an error with all that led to it.
func (s *schedule) wrong(format string, args ...any) {
	s.Helper()
	s.Errorf("%s\n\n%s\n\nagain: go test ./cmd/pipe/e2e -run TestProperty -schedules 1 -seed %d",
		fmt.Sprintf(format, args...), strings.Join(s.story, "\n"), s.seed)
}

// count is called for each request and ends the run at the one for that.
func (s *schedule) count() {
	if n := s.requests.Add(1); n == s.endAt.Load() {
		if end := s.end.Load(); end != nil {
			(*end)()
		}
	}
}

// outcome is the result of a run.
type outcome struct {
	call
	told     told
	sent     content
	rejected map[string]bool // refs that the sink refused
	uploads  int             // that were begun
}

// told is a line of --report.
type told struct {
	ExitCode int `json:"exit_code"`
	Report   *struct {
		RunID   string         `json:"run_id"`
		Verdict string         `json:"verdict"`
		Sent    bool           `json:"sent"`
		Read    int            `json:"read"`
		Endings map[string]int `json:"endings"`
		Kinds   []struct {
			Kind    string         `json:"kind"`
			Read    int            `json:"read"`
			Endings map[string]int `json:"endings"`
		} `json:"kinds"`
	} `json:"report"`
}

// do is a run of the shipped pipeline.
func (s *schedule) do(ctx context.Context, flags ...string) outcome {
	s.Helper()
	s.runs++
	dir := filepath.Join(s.TempDir(), fmt.Sprint(s.runs))
	report := filepath.Join(s.TempDir(), "report.ndjson")
	began := time.Now()
	args := append([]string{"run", shipped, "--progress", "none", "--output", dir, "--report", report}, flags...)
	for _, set := range []string{"source.page_size=7", "sink.batch.documents=6", "sink.requests_per_second=0",
		"sink.recovery_wait=20ms", "source.retries.within=1s", "sink.retries.within=1s"} {
		args = append(args, "--set", "@"+set)
	}
	o := outcome{call: pipeIn(ctx, s.world.env, args...), rejected: map[string]bool{}}
	b, err := os.ReadFile(report)
	if err != nil {
		s.Fatal(err)
	}
	if err := codec.Unmarshal(b, &o.told); err != nil {
		s.Fatalf("%v in %s", err, b)
	}
	o.sent = sent(s, dir)
	each(s, dir, "rejected", func(d component.DeadLetter) {
		if d.Stage == "publish" {
			o.rejected[d.Ref] = true
		}
	})
	for _, u := range s.world.index().Uploads {
		if o.told.Report != nil && strings.Contains(u.ID, o.told.Report.RunID) {
			o.uploads++
		}
	}
	s.tell("--- run %d %v: exit %d after %.1f s, %d uploads\n%s", s.runs, flags, o.code, time.Since(began).Seconds(),
		o.uploads, o.stderr)
	return o
}

// pipeIn is pipe with a context.
func pipeIn(ctx context.Context, env map[string]string, args ...string) call {
	var out, errs strings.Builder
	code := cli.Run(ctx, cli.Host{
		Registry: components.Registry(), Args: append([]string{"pipe"}, args...),
		Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Width: oneLine,
	})
	return call{code, out.String(), errs.String()}
}

func (s *schedule) run() {
	r := s.rand
	name := ""
	s.rules, name = reading(r)
	s.tell("Glean: %s", name)
	old := newFirm(r)
	s.world = newWorld(s, backstagesandbox.Options{Entities: old.entities(s), Observe: s.observeSource},
		gleansandbox.Options{Rules: s.rules, Observe: s.observeSink})
	s.world.env["DEFAULT_PERMISSIONS"] = old.byDefault

	one := s.do(s.Context())
	s.books(one)
	if one.code != int(job.Done) && one.code != int(job.Rejected) {
		s.wrong("the first run: exit %d", one.code)
		return
	}
	s.equal("after the first run", old.index(), one)
	was := indexed(s.world.index())
	remembered := s.remembered()

	now := old.clone()
	s.tell("changes: %s", strings.Join(now.change(r), ", "))
	s.serve(now)
	s.tell("faults: %s", strings.Join(s.world.trouble(r, now, s.rules), "\n  "))
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	if chance(r, 30) {
		at := s.requests.Load() + 1 + r.Int64N(60)
		s.tell("ended at request %d", at-s.requests.Load())
		s.end.Store(&cancel)
		s.endAt.Store(at)
	}
	two := s.do(ctx, "--set", "@source.retries.attempts=2", "--set", "@sink.retries.attempts=2", "--set",
		"@source.timeout=400ms", "--set", "@sink.timeout=400ms")
	s.endAt.Store(0)
	s.outcomes.add(fmt.Sprintf("exit %d", two.code))
	s.books(two)
	s.whole(was, two)
	s.found(old, now)

	s.world.backstage.Heal()
	s.world.glean.Heal()
	lost, restored := s.forget(remembered)
	s.recover(now, lost, restored, two.code == int(job.Unconfirmed))
}

func (s *schedule) serve(f *firm) {
	if err := s.world.backstage.Replace(f.entities(s)); err != nil {
		s.Fatal(err)
	}
	s.world.env["DEFAULT_PERMISSIONS"] = f.byDefault
	s.emails = map[string]string{}
	for _, p := range f.people {
		s.emails[p.ref()] = strings.ToLower(p.email)
	}
}
