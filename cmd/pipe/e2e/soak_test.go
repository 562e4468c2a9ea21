package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs; 0 skips it")

// runsOfAnEpoch is the number of runs with the same two servers: they remember every upload,
// and are not measured.
const runsOfAnEpoch = 20

// weight is the memory, goroutines and files of a process.
type weight struct {
	heap                    uint64 // bytes in use after a collection
	goroutines, descriptors int
}

func weigh(t *testing.T) weight {
	t.Helper()
	var m runtime.MemStats
	for range 3 { // finalizers and pools need more than one
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	w := weight{heap: m.HeapAlloc, goroutines: runtime.NumGoroutine()}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		w.descriptors = len(files)
	}
	return w
}

func (w weight) String() string {
	return fmt.Sprintf("%.2f MB, %d goroutines, %d descriptors", float64(w.heap)/1e6, w.goroutines, w.descriptors)
}

// TestSoak: run after run in one process, on a catalog that changes and between
// ends that fail, holds on to nothing.
//
//	go test -run Soak -soak 10m -timeout 0 -v ./cmd/pipe/e2e
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("it takes minutes: -soak 10m runs it")
	}
	r := rand.New(rand.NewPCG(max(*seed, 1), 2))
	began := time.Now()
	var weights []weight
	ends := map[int]int{}
	shown := began
	for time.Since(began) < *soak || len(weights) < 6 {
		if !t.Run(fmt.Sprint(len(weights)), func(t *testing.T) { epoch(t, r, ends) }) {
			return
		}
		weights = append(weights, weigh(t))
		if time.Since(shown) > *soak/20 {
			shown = time.Now()
			t.Logf("after %s, %d runs: %s", time.Since(began).Round(time.Second), runsOfAnEpoch*len(weights),
				weights[len(weights)-1])
		}
	}
	// The first epochs fill caches; the middle ones show what the process needs.
	third := len(weights) / 3
	early, late := median(weights[third:2*third]), median(weights[2*third:])
	t.Logf("%d runs, exit codes %v\nin the middle: %s\nin the end:    %s", runsOfAnEpoch*len(weights), ends, early, late)
	const room = 1 << 20
	if late.heap > early.heap+early.heap/20+room {
		t.Errorf("the heap grows")
	}
	if late.goroutines > early.goroutines+3 {
		t.Errorf("goroutines stay")
	}
	if late.descriptors > early.descriptors+3 {
		t.Errorf("descriptors stay open")
	}
}

// median returns the median of each number.
func median(list []weight) weight {
	at := func(number func(weight) int) int {
		var all []int
		for _, w := range list {
			all = append(all, number(w))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return weight{
		heap:        uint64(at(func(w weight) int { return int(w.heap) })),
		goroutines:  at(func(w weight) int { return w.goroutines }),
		descriptors: at(func(w weight) int { return w.descriptors }),
	}
}

// epoch is some runs between the same two servers.
func epoch(t *testing.T, r *rand.Rand, ends map[int]int) {
	f := newFirm(r)
	rules, _ := reading(r)
	w := newWorld(t, backstagesandbox.Options{Entities: f.entities(t)}, gleansandbox.Options{Rules: rules})
	for range runsOfAnEpoch {
		f.change(r)
		if err := w.backstage.Replace(f.entities(t)); err != nil {
			t.Fatal(err)
		}
		w.env["DEFAULT_PERMISSIONS"] = f.byDefault
		w.trouble(r, f, rules)
		c := w.run(t, "--set", "@sink.requests_per_second=0", "--set", "@sink.recovery_wait=20ms", "--set",
			"@source.retries.attempts=2", "--set", "@sink.retries.attempts=2",
			"--set", "@source.timeout=100ms", "--set", "@sink.timeout=100ms", "--set", "guards.max_loss=100%", "--set",
			"guards.max_widen=100%")
		ends[c.code]++
		if !slices.Contains([]int{int(job.Done), int(job.Failed), int(job.Rejected), int(job.Refused), int(job.Unconfirmed)},
			c.code) {
			t.Errorf("exit %d\n%s", c.code, c.both())
		}
		w.backstage.Heal()
		w.glean.Heal()
	}
}
