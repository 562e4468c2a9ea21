package cli

import (
	"sync"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
)

// ticker prints a line every few seconds in which something happened, one when reading is
// done, and one at the end.
type ticker struct {
	tally *tally
	seen  bool // it goes to a terminal
	line  func() string
	print func(line string)
	wait  func(pending []string) string

	mu    sync.Mutex
	last  string // the last line about what was read and sent
	waits string // the last line about waiting
	done  chan struct{}
	ended conc.WaitGroup // end raises a panic of its goroutine
}

const tick = 5 * time.Second

// newTicker starts a ticker. line is what a tally comes to, and wait what is said while the
// sink processes; print writes a line.
func newTicker(seen bool, t *tally, line func() string, wait func([]string) string, print func(string)) *ticker {
	out := &ticker{seen: seen, tally: t, line: line, print: print, wait: wait, done: make(chan struct{})}
	out.ended.Go(func() {
		every := time.NewTicker(tick)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				out.now()
			case <-out.done:
				return
			}
		}
	})
	return out
}

func (t *ticker) now() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.line(); now != t.last {
		t.last = now
		t.print(now)
	}
}

// Read takes what has been read so far.
func (t *ticker) Read(kinds []read.KindRead) { t.tally.kindsRead(kinds) }

// Reviewed prints that reading is done.
func (t *ticker) Reviewed(streams []component.StreamPlan) {
	t.tally.reviewed(streams)
	t.now()
}

// Sent takes that n more items of a stream were acknowledged.
func (t *ticker) Sent(stream string, n int) { t.tally.sent(stream, n) }

// Waiting prints a line each time that something else is waited for, after one about what
// was sent.
func (t *ticker) Waiting(pending []string) {
	t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.wait(pending); now != t.waits {
		t.waits = now
		t.print(now)
	}
}

func (t *ticker) shown() bool { return t.seen }

func (t *ticker) end() {
	close(t.done)
	t.ended.Wait()
	t.now()
}
