//go:build linux

package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var entities = flag.Int("entities", 0, "the size of the catalogs of TestFleetSize; 0 are those of the sandbox")

// TestFleetSize prints what a fleet of one worker takes.
//
//	go test ./cmd/pipe-worker/e2e -run TestFleetSize -pipelines 20 -entities 1000 -v
func TestFleetSize(t *testing.T) {
	f := newFleet(t, size{companies: *pipelines, workers: 1, cron: "* * * * *", entities: *entities})
	worker, n := f.workers[0], float64(len(f.companies))
	t.Logf("%d pipelines that begin in the same second, one worker, 4 runs at once", len(f.companies))
	f.must(t, "fleet", "apply", "--config", f.config, "--yes")
	for _, what := range []string{"first runs", "runs without a change"} {
		before, since := cpu(t, worker), time.Now()
		f.must(t, "fleet", "pause", "--config", f.config, "--all", "--resume")
		var first map[string]execution
		until(t, 30*time.Minute, "each pipeline has run", func() bool {
			first = firstOf(f.temporal.executions(t), since)
			return len(first) == len(f.companies)
		})
		seconds := cpu(t, worker) - before
		f.must(t, "fleet", "pause", "--config", f.config, "--all", "--reason", "the end of a measurement")
		all := f.idle(t, 30*time.Minute)
		began, ended, runs := time.Now(), time.Time{}, 0
		for _, e := range firstOf(all, since) {
			if began.After(e.Started) {
				began = e.Started
			}
			if e.Closed.After(ended) {
				ended = e.Closed
			}
		}
		for _, e := range all {
			if e.Type == "Pipeline" && e.Started.After(since) {
				runs++
			}
		}
		wall := ended.Sub(began).Seconds()
		t.Logf("%s: %d in %.1f s, %.0f runs an hour; %.2f s of CPU a run; peak memory of the worker %.0f MB", what,
			len(f.companies), wall, n/wall*3600, seconds/float64(runs), peak(t, worker))
		t.Logf("%s: PostgreSQL %s", what, query(t, f.postgres, `SELECT pg_size_pretty(sum(pg_total_relation_size(c.oid)))`+
			` FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname LIKE 'pipe%'`))
	}
	documents := 0
	for _, c := range f.companies {
		documents += len(f.glean.Index(c.name).Documents)
	}
	t.Logf("%d documents", documents)
	sizes, events := map[string][]int{}, map[string][]int{}
	for _, e := range f.temporal.histories(t) {
		sizes[e.Type] = append(sizes[e.Type], e.Bytes)
		events[e.Type] = append(events[e.Type], len(e.Events))
	}
	for kind := range sizes {
		t.Logf("Temporal: a workflow %s has %d events and %d bytes", kind, median(events[kind]), median(sizes[kind]))
	}
	worker.signal(syscall.SIGTERM)
	worker.exit(t)
}

// firstOf returns the first ended workflow of each pipeline that began after a time.
func firstOf(all []execution, since time.Time) map[string]execution {
	out := map[string]execution{}
	for _, e := range all {
		name := e.Attributes["PipePipeline"]
		if e.Type != "Pipeline" || e.Status == "Running" || e.Started.Before(since) {
			continue
		}
		if was, known := out[name]; !known || e.Started.Before(was.Started) {
			out[name] = e
		}
	}
	return out
}

func median(all []int) int {
	slices.Sort(all)
	return all[len(all)/2]
}

// cpu is the seconds of CPU that a process has used.
func cpu(t testing.TB, p *process) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	const user, system, ticks = 11, 12, 100 // after the name
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	sum := 0
	for _, i := range []int{user, system} {
		n, err := strconv.Atoi(f[i])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return float64(sum) / ticks
}

// peak is the most memory in MB that a process had.
func peak(t testing.TB, p *process) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kilobytes, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return float64(kilobytes) / 1024
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
