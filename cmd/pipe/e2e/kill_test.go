package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var kills = flag.Int("kills", 200, "runs that TestKill kills")

// killed is a world in which runs are killed, each in a separate process.
type killed struct {
	*world
	firm    *firm
	rand    *rand.Rand
	tmp     string // for temporary files
	process atomic.Pointer[process]
	left    atomic.Int64 // requests until the process is killed
	answers atomic.Int64 // of both servers
}

// count kills the process at its last request: a source's before it is looked
// at, a sink's when it has taken effect, before the answer.
func (k *killed) count() {
	k.answers.Add(1)
	if k.left.Add(-1) == 0 {
		if p := k.process.Load(); p != nil {
			p.cmd.Process.Kill()
		}
	}
}

func newKilled(t *testing.T, rules gleansandbox.Rules, seed uint64) *killed {
	k := &killed{rand: rand.New(rand.NewPCG(seed, 1)), tmp: t.TempDir()}
	k.firm = newFirm(k.rand)
	k.world = newWorld(t,
		backstagesandbox.Options{Entities: k.firm.entities(t), Observe: func(*http.Request) { k.count() }},
		gleansandbox.Options{Rules: rules, Observe: func(gleansandbox.Exchange) { k.count() }})
	k.env["DEFAULT_PERMISSIONS"], k.env["TMPDIR"] = k.firm.byDefault, k.tmp
	return k
}

func (k *killed) start(t *testing.T, flags ...string) *process {
	t.Helper()
	args := []string{"run", shipped, "--progress", "none", "--metrics-file", filepath.Join(k.tmp, "metrics.prom"),
		"--set", "@source.page_size=7", "--set", "@sink.batch.documents=6", "--set", "@sink.requests_per_second=0", "--set",
		"@sink.recovery_wait=20ms"}
	return startProcess(t, k.env, append(args, flags...)...)
}

// once changes the catalog and kills a run on it, or sometimes lets it end. It returns the
// exit code, -1 for a killed run.
func (k *killed) once(t *testing.T) (int, string) {
	t.Helper()
	for range k.rand.IntN(3) {
		k.firm.changeOne(k.rand, func(string, ...any) {})
	}
	if err := k.backstage.Replace(k.firm.entities(t)); err != nil {
		t.Fatal(err)
	}
	k.process.Store(nil)
	k.left.Store(-1)
	end := k.rand.IntN(10)
	if end >= 5 {
		k.left.Store(1 + k.rand.Int64N(25))
	}
	p := k.start(t, "--set", "guards.max_loss=100%", "--set", "guards.max_widen=100%") // to reach publishing
	k.process.Store(p)
	if end > 0 && end < 5 { // any moment, not only that of a request
		time.AfterFunc(time.Duration(k.rand.IntN(80_000))*time.Microsecond, func() { p.cmd.Process.Kill() })
	}
	return p.exit(), p.text()
}

// TestKill: runs that are killed at any moment leave nothing that the next run does not
// clean up, and after the first complete run the index equals the catalog.
//
//	go test -run TestKill -kills 200 ./cmd/pipe/e2e
func TestKill(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano() % 1e9)
	}
	readings := gleansandbox.Readings()
	for i, reading := range []gleansandbox.Reading{readings[0], readings[len(readings)-1]} {
		t.Run(reading.Name, func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, reading.Rules, first+uint64(i))
			ends := map[int]int{}
			for ends[-1] < *kills/2 {
				code, text := k.once(t)
				ends[code]++
				if !slices.Contains([]int{-1, int(job.Done), int(job.Rejected), int(job.Refused), int(job.Unconfirmed)}, code) {
					t.Fatalf("seed %d: exit %d\n%s", first, code, text)
				}
			}
			t.Logf("%v, %d requests", ends, k.answers.Load())
			k.clean(t, first)
		})
	}
}

// age makes files that were half written without the lock two hours old: a run then removes
// them, while a younger file may belong to a running command.
func (k *killed) age(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(k.env["XDG_STATE_HOME"], "pipe", "*.tmp-*"))
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, path := range left {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// clean is a run that is not killed; a person approves the accumulated changes of the killed
// ones.
func (k *killed) clean(t *testing.T, seed uint64) {
	t.Helper()
	k.left.Store(-1)
	k.age(t)
	code, text, flags := -1, "", []string{}
	for range 5 {
		p := k.start(t, flags...)
		code, text = p.exit(), p.text()
		if code == int(job.Unconfirmed) { // where pages are found at once, Glean held more than anybody remembered
			continue
		}
		if code != int(job.Refused) {
			break
		}
		for _, g := range offered.FindAllStringSubmatch(text, -1) {
			flags = append(flags, "--"+g[1], g[2])
		}
	}
	if code != int(job.Done) && code != int(job.Rejected) {
		t.Fatalf("seed %d: the run that is not killed: exit %d\n%s", seed, code, text)
	}
	i := k.index()
	for _, d := range indexed(i).known().differences(k.firm.index()) {
		t.Errorf("seed %d: the index is not the catalog: %s", seed, d)
	}
	if left := i.Unfinished(); len(left) > 0 {
		t.Errorf("seed %d: uploads are not finished: %+v", seed, left)
	}
	for _, dir := range []string{k.tmp, filepath.Join(k.env["XDG_STATE_HOME"], "pipe")} {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			info, err := f.Info()
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(f.Name(), "pipe-stage-") && info.Size() == 0 {
				continue // killed between making it and unlinking it
			}
			if ext := filepath.Ext(f.Name()); strings.HasPrefix(ext, ".refusal-") || strings.HasPrefix(ext, ".approval-") {
				continue // of refused runs
			}
			if !slices.Contains([]string{".state", ".audit", ".audit-lock", ".approving", ".lock", ".runs", ".owner", ".prom"},
				filepath.Ext(f.Name())) {
				t.Errorf("seed %d: %s is left", seed, f.Name())
			}
		}
	}
}

// TestTwoRunsAtOnce: while a run lives, another one is refused with its identity and start, and
// does not disturb it; when it is dead, the next one takes over.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	w := newWorld(t, backstagesandbox.Options{Observe: func(r *http.Request) {
		if strings.Contains(strings.ToLower(r.URL.RawQuery), "component") {
			g.hold()
		}
	}}, gleansandbox.Options{})
	t.Cleanup(g.release) // before the server is closed
	one := startProcess(t, w.env, small...)
	g.wait(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience) // it would wait at the gate, too
	defer cancel()
	c := pipeIn(ctx, w.env, small...)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{fmt.Sprintf("process %d on %s", one.cmd.Process.Pid, host),
		", since " + time.Now().Format("2006-01-02 15:")} {
		if c.code != int(job.Held) || !strings.Contains(c.stderr, want) {
			t.Errorf("exit %d, and %q is not said\n%s", c.code, want, c.both())
		}
	}
	if n := len(w.index().Uploads); n > 0 {
		t.Errorf("%d uploads were begun", n)
	}
	one.signal(os.Kill, "")
	if code := one.exit(); code != -1 {
		t.Errorf("exit %d\n%s", code, one.text())
	}
	g.release()
	if c := w.run(t); c.code != int(job.Done) {
		t.Errorf("after it has died: exit %d\n%s", c.code, c.both())
	}
}
