package cli

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/read"
)

// bars are live bars on a terminal: one for each kind that is read, then one for each stream
// that is sent, then a line while the sink processes.
type bars struct {
	p       *mpb.Progress
	tally   *tally
	mu      sync.Mutex
	kinds   map[string]*mpb.Bar
	streams map[string]*mpb.Bar
	wait    *mpb.Bar // nil until the run waits
	pending string   // the line while it waits
	err     *writer  // standard error, whose lines go above the bars until end
}

// barWidth is how many columns a bar has at most, without its text.
const barWidth = 20

// newBars shows bars on standard error. Other lines that go there are printed above them.
func (a *app) newBars() *bars {
	out := a.Stderr.(*writer)
	p := mpb.New(mpb.WithOutput(out.behind), mpb.WithWidth(barWidth), mpb.WithRefreshRate(100*time.Millisecond))
	out.divert(p)
	return &bars{p: p, err: out, tally: newTally(time.Now), kinds: map[string]*mpb.Bar{}, streams: map[string]*mpb.Bar{}}
}

// bar is a bar with its name before it and what find counts of it behind.
func (b *bars) bar(name string, total int, find func() []count) *mpb.Bar {
	return b.p.New(int64(total), mpb.BarStyle(),
		mpb.PrependDecorators(decor.Name(display.Line(name), decor.WC{C: decor.DindentRight, W: 12})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			all := find()
			if i := slices.IndexFunc(all, func(c count) bool { return c.name == name }); i >= 0 {
				return all[i].String()
			}
			return ""
		})))
}

// Read shows a bar for each kind.
func (b *bars) Read(kinds []read.KindRead) {
	b.tally.kindsRead(kinds)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range kinds {
		bar := b.kinds[k.Kind]
		if bar == nil {
			bar = b.bar(k.Kind, 0, func() []count { kinds, _, _ := b.tally.counts(); return kinds })
			b.kinds[k.Kind] = bar
		}
		bar.SetTotal(int64(max(k.Read, k.Estimate)), false)
		bar.SetCurrent(int64(k.Read))
	}
}

// Reviewed fills the bars of the kinds and adds one for each stream that is sent.
func (b *bars) Reviewed(streams []component.StreamPlan) {
	b.tally.reviewed(streams)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bar := range b.kinds {
		bar.SetTotal(-1, true)
	}
	for _, s := range streams {
		if s.Count > 0 {
			b.streams[s.Name] = b.bar(s.Name, s.Count, func() []count { _, streams, _ := b.tally.counts(); return streams })
		}
	}
}

// Sent takes that n more items of a stream were acknowledged.
func (b *bars) Sent(stream string, n int) {
	b.tally.sent(stream, n)
	b.mu.Lock()
	bar := b.streams[stream]
	b.mu.Unlock()
	if bar != nil {
		bar.IncrBy(n)
	}
}

// Waiting shows what the run waits for, and for how long it has.
func (b *bars) Waiting(pending []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var streams []string // without their states, to fit a line of 80 columns
	for _, one := range pending {
		name, _, _ := strings.Cut(one, " (")
		streams = append(streams, name)
	}
	b.pending = waitingFor(streams)
	if b.wait != nil {
		return
	}
	b.wait = b.p.New(0, mpb.NopStyle(), mpb.PrependDecorators(
		decor.Any(func(decor.Statistics) string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.pending
		}), decor.Elapsed(decor.ET_STYLE_GO, decor.WC{W: 6})))
}

// waitingFor says what a run waits for, and that a person need not wait.
func waitingFor(pending []string) string {
	return "waiting for Glean to process " + strings.Join(pending, ", ") + "; stopping is safe"
}

func (*bars) shown() bool { return true }

func (b *bars) end() {
	kinds, _, _ := b.tally.counts()
	b.mu.Lock()
	for _, k := range kinds {
		if k.n >= k.total { // all that was expected has been read
			b.kinds[k.name].SetTotal(-1, true)
		}
		b.kinds[k.name].Abort(false)
	}
	for _, bar := range b.streams {
		bar.Abort(false)
	}
	if b.wait != nil {
		b.wait.Abort(true)
	}
	b.mu.Unlock()
	b.err.divert(nil)
	b.p.Wait()
}
