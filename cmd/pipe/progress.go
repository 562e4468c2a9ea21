package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
)

// progress shows how a run goes on, on stderr.
type progress interface {
	engine.Progress
	end()
}

func (a *app) progress(c *cli.Context) (progress, error) {
	kind := c.String("progress")
	if kind == "auto" {
		switch {
		case terminal(a.stderr) && !c.Bool("json"):
			kind = "bar"
		case c.Bool("json"):
			kind = "none"
		default:
			kind = "plain"
		}
	}
	switch kind {
	case "bar":
		return newBars(a.stderr.(*writer).behind), nil
	case "plain":
		return newTicker(func(read int, sent []streamSent) { plainLine(a.stderr, read, sent) }), nil
	case "json":
		return newTicker(func(read int, sent []streamSent) { jsonLine(a.stderr, read, sent) }), nil
	case "none":
		return silent{}, nil
	}
	return nil, usage{fmt.Sprintf("there is no progress %q", kind), "write --progress auto, bar, plain, json or none"}
}

type silent struct{}

func (silent) Read(int)                     {}
func (silent) Reviewed([]engine.StreamPlan) {}
func (silent) Sent(string, int)             {}
func (silent) end()                         {}

// bars are live bars on a terminal, one per stream.
type bars struct {
	p       *mpb.Progress
	read    *mpb.Bar
	mu      sync.Mutex
	streams map[string]*mpb.Bar
}

func newBars(w io.Writer) *bars {
	p := mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	return &bars{p: p, streams: map[string]*mpb.Bar{}, read: p.New(0, mpb.SpinnerStyle().PositionLeft(),
		mpb.PrependDecorators(decor.Name("read", decor.WC{C: decor.DindentRight, W: 12})),
		mpb.AppendDecorators(decor.CurrentNoUnit("%d records"), decor.Elapsed(decor.ET_STYLE_GO, decor.WC{W: 8})))}
}

func (b *bars) Read(total int) { b.read.SetCurrent(int64(total)) }

func (b *bars) Reviewed(streams []engine.StreamPlan) {
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

func (b *bars) end() {
	b.read.Abort(false)
	b.mu.Lock()
	for _, bar := range b.streams {
		bar.Abort(false)
	}
	b.mu.Unlock()
	b.p.Wait()
}

// ticker prints a line every few seconds in which something happened, and one
// when reading is done.
type ticker struct {
	read  atomic.Int64
	mu    sync.Mutex
	order []streamSent
	print func(read int, sent []streamSent)
	last  string // what the last line was about
	done  chan struct{}
	ended sync.WaitGroup
}

type streamSent struct {
	name        string
	sent, total int
}

const tick = 5 * time.Second

func newTicker(print func(int, []streamSent)) *ticker {
	t := &ticker{print: print, done: make(chan struct{})}
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
	read := int(t.read.Load())
	if now := fmt.Sprint(read, t.order); now != t.last {
		t.last = now
		t.print(read, t.order)
	}
}

func (t *ticker) Read(total int) { t.read.Store(int64(total)) }

func (t *ticker) Reviewed(streams []engine.StreamPlan) {
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

func (t *ticker) end() {
	close(t.done)
	t.ended.Wait()
}

func plainLine(w io.Writer, read int, sent []streamSent) {
	line := fmt.Sprintf("read %s records", number(read))
	for _, s := range sent {
		line += fmt.Sprintf(" · %s %s/%s", s.name, number(s.sent), number(s.total))
	}
	display.Fprintln(w, line)
}

func jsonLine(w io.Writer, read int, sent []streamSent) {
	v := map[string]any{"read": read}
	streams := map[string]any{}
	for _, s := range sent {
		streams[s.name] = map[string]int{"sent": s.sent, "total": s.total}
	}
	if len(streams) > 0 {
		v["streams"] = streams
	}
	if b, err := codec.Marshal(v); err == nil {
		display.Fprintln(w, display.Block(b))
	}
}
