package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc"
	urfave "github.com/urfave/cli/v2"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// progress shows how a run goes on, on stderr.
type progress interface {
	run.Progress
	// shown reports whether a person sees it as it happens.
	shown() bool
	end()
}

func (a *app) progress(c *urfave.Context) (progress, error) {
	kind := c.String("progress")
	if kind == "auto" && c.Bool("quiet") {
		kind = "none"
	}
	if kind == "auto" {
		switch {
		case terminal(a.Stderr) && !c.Bool("json"):
			kind = "bar"
		case c.Bool("json"):
			kind = "none"
		default:
			kind = "plain"
		}
	}
	switch kind {
	case "bar":
		return a.newBars(), nil
	case "plain":
		return newTicker(terminal(a.Stderr), func(records int, sent []streamSent) { plainLine(a.Stderr, records, sent) },
			func(pending []string) { display.Fprintln(a.Stderr, waitingFor(pending)) }), nil
	case "json":
		return newTicker(false, func(records int, sent []streamSent) { jsonLine(a.Stderr, records, sent) },
			func(pending []string) { jsonValue(a.Stderr, map[string]any{"waiting": pending}) }), nil
	case "none":
		return silent{}, nil
	}
	return nil, usage{fmt.Sprintf("there is no progress %q", kind), "write --progress auto, bar, plain, json or none"}
}

type silent struct{}

func (silent) Read(int)                        {}
func (silent) Reviewed([]component.StreamPlan) {}
func (silent) Sent(string, int)                {}
func (silent) Waiting([]string)                {}
func (silent) shown() bool                     { return false }
func (silent) end()                            {}

// bars are live bars on a terminal, one per stream.
type bars struct {
	p       *mpb.Progress
	read    *mpb.Bar
	mu      sync.Mutex
	streams map[string]*mpb.Bar
	wait    *mpb.Bar // nil until the run waits
	pending string   // what the sink has still to process
	err     *writer  // standard error, whose lines go above the bars until end
}

// newBars shows bars on standard error. Other lines that go there are printed above them.
func (a *app) newBars() *bars {
	out := a.Stderr.(*writer)
	p := mpb.New(mpb.WithOutput(out.behind), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	out.divert(p)
	return &bars{p: p, err: out, streams: map[string]*mpb.Bar{}, read: p.New(0, mpb.SpinnerStyle().PositionLeft(),
		mpb.PrependDecorators(decor.Name("read", decor.WC{C: decor.DindentRight, W: 12})),
		mpb.AppendDecorators(decor.CurrentNoUnit("%d records"), decor.Elapsed(decor.ET_STYLE_GO, decor.WC{W: 8})))}
}

func (b *bars) Read(total int) { b.read.SetCurrent(int64(total)) }

func (b *bars) Reviewed(streams []component.StreamPlan) {
	b.read.SetTotal(-1, true)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range streams {
		if s.Count == 0 {
			continue
		}
		b.streams[s.Name] = b.p.New(int64(s.Count), mpb.BarStyle(),
			mpb.PrependDecorators(decor.Name(display.Line(s.Name), decor.WC{C: decor.DindentRight, W: 12})),
			mpb.AppendDecorators(decor.CountersNoUnit("%d / %d")))
	}
}

func (b *bars) Sent(stream string, n int) {
	b.mu.Lock()
	bar := b.streams[stream]
	b.mu.Unlock()
	if bar != nil {
		bar.IncrBy(n)
	}
}

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

// waitingFor is what a run that waits is waiting for.
func waitingFor(pending []string) string {
	return "waiting for Glean to process " + strings.Join(pending, ", ")
}

func (*bars) shown() bool { return true }

func (b *bars) end() {
	b.read.Abort(false)
	b.mu.Lock()
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

// ticker prints a line every few seconds in which something happened, and one
// when reading is done.
type ticker struct {
	read  atomic.Int64
	mu    sync.Mutex
	order []streamSent
	seen  bool // it goes to a terminal
	print func(records int, sent []streamSent)
	wait  func(pending []string)
	last  string // what the last line was about
	waits string // what the last line about waiting said
	done  chan struct{}
	ended conc.WaitGroup // end raises a panic of its goroutine
}

type streamSent struct {
	name        string
	sent, total int
}

const tick = 5 * time.Second

func newTicker(seen bool, print func(int, []streamSent), wait func([]string)) *ticker {
	t := &ticker{seen: seen, print: print, wait: wait, done: make(chan struct{})}
	t.ended.Go(func() {
		every := time.NewTicker(tick)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				t.now()
			case <-t.done:
				return
			}
		}
	})
	return t
}

func (t *ticker) now() {
	t.mu.Lock()
	defer t.mu.Unlock()
	records := int(t.read.Load())
	if now := fmt.Sprint(records, t.order); now != t.last {
		t.last = now
		t.print(records, t.order)
	}
}

func (t *ticker) Read(total int) { t.read.Store(int64(total)) }

func (t *ticker) Reviewed(streams []component.StreamPlan) {
	t.mu.Lock()
	for _, s := range streams {
		t.order = append(t.order, streamSent{name: s.Name, total: s.Count})
	}
	t.mu.Unlock()
	t.now()
}

func (t *ticker) Sent(stream string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.order {
		if t.order[i].name == stream {
			t.order[i].sent += n
		}
	}
}

// Waiting prints a line each time that something else is waited for, after one
// about what was sent.
func (t *ticker) Waiting(pending []string) {
	t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := waitingFor(pending); now != t.waits {
		t.waits = now
		t.wait(pending)
	}
}

func (t *ticker) shown() bool { return t.seen }

func (t *ticker) end() {
	close(t.done)
	t.ended.Wait()
	t.now()
}

func plainLine(w io.Writer, records int, sent []streamSent) {
	line := fmt.Sprintf("read %s records", display.Number(records))
	for _, s := range sent {
		line += fmt.Sprintf(" · %s %s/%s", s.name, display.Number(s.sent), display.Number(s.total))
	}
	display.Fprintln(w, line)
}

func jsonLine(w io.Writer, records int, sent []streamSent) {
	v := map[string]any{"read": records}
	streams := map[string]any{}
	for _, s := range sent {
		streams[s.name] = map[string]int{"sent": s.sent, "total": s.total}
	}
	if len(streams) > 0 {
		v["streams"] = streams
	}
	jsonValue(w, v)
}

func jsonValue(w io.Writer, v any) {
	if b, err := codec.Marshal(v); err == nil {
		display.Fprintln(w, display.Block(display.Whole(string(b))))
	}
}
