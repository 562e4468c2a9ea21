//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fault is what happens to the worker that makes a request.
type fault struct {
	name  string
	often int // among the others
	do    func(p *process, r *rand.Rand)
}

// faults are all of them. A killed or ended worker is started again.
var faults = []fault{
	{"killed", 6, func(p *process, _ *rand.Rand) { p.signal(syscall.SIGKILL) }},
	{"ended", 1, func(p *process, _ *rand.Rand) { p.signal(syscall.SIGTERM) }},
	// A worker that is stopped for longer than its heartbeats may be late goes on when another one has
	// taken its run.
	{"stopped", 2, func(p *process, r *rand.Rand) {
		length := time.Duration(100+r.IntN(3000)) * time.Millisecond
		if r.IntN(3) == 0 {
			length = 2*heartbeat + time.Duration(r.IntN(40))*time.Second
		}
		p.signal(syscall.SIGSTOP)
		time.AfterFunc(length, func() { p.signal(syscall.SIGCONT) })
	}},
}

// chaos strikes workers at requests that they make.
type chaos struct {
	mu     sync.Mutex
	random *rand.Rand
	left   int  // requests until the next fault; 0: none comes
	sends  bool // only requests that publish count
	after  bool // it comes when the request has taken effect
	struck chan string
	count  map[string]int
}

func newChaos(seed uint64) *chaos {
	return &chaos{random: rand.New(rand.NewPCG(seed, 1)), struck: make(chan string, 1), count: map[string]int{}}
}

// arm lets a fault happen at one of the next requests, half of the times at one that publishes.
func (c *chaos) arm(most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.sends, c.after = 1+c.random.IntN(most), c.random.IntN(2) == 0, c.random.IntN(2) == 0
}

// met is the function that a world calls at each request; victim returns the worker of a process.
func (c *chaos) met(r request, victim func(pid int) *process) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 || c.sends && !r.sends {
		return nil
	}
	p := victim(r.process)
	if p == nil {
		return nil // of a worker that is gone
	}
	if c.left--; c.left > 0 {
		return nil
	}
	if c.after {
		return func() { c.strike(p, r) }
	}
	c.strikeLocked(p, r)
	return nil
}

func (c *chaos) strike(p *process, r request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strikeLocked(p, r)
}

func (c *chaos) strikeLocked(p *process, r request) {
	all := 0
	for _, f := range faults {
		all += f.often
	}
	n := c.random.IntN(all)
	for _, f := range faults {
		if n -= f.often; n < 0 {
			act := "reads"
			if r.sends {
				act = "publishes"
			}
			c.count[fmt.Sprintf("%s while it %s", f.name, act)]++
			f.do(p, c.random)
			c.struck <- f.name
			return
		}
	}
}

func (c *chaos) report(t testing.TB) (all int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(c.count)) {
		t.Logf("%4d  %s", c.count[name], name)
		all += c.count[name]
	}
	return all
}
