package serve_test

import (
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
)

// lockHistory makes the history of a world busy until release is called.
func lockHistory(t *testing.T, w *servetest.World) (release func()) {
	t.Helper()
	other, err := sql.Open("sqlite", "file:"+serve.HistoryPath(w.Server.State())+"?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

// logLines makes a world send each line of its log.
func logLines(w *servetest.World) <-chan string {
	lines := make(chan string, 1000)
	w.Options.Log = slog.New(slog.NewTextHandler(writer(func(line string) { lines <- line }), nil))
	return lines
}

// awaitLine waits for a line of the log.
func awaitLine(t *testing.T, lines <-chan string, part string) {
	t.Helper()
	for limit := time.After(time.Minute); ; {
		select {
		case line := <-lines:
			if strings.Contains(line, part) {
				return
			}
		case <-limit:
			t.Fatalf("the log has no %q after a minute", part)
		}
	}
}

// TestBeginFails: while the history cannot be written no run begins, and the one that was asked for
// is not lost. A further request is refused, since it would be.
func TestBeginFails(t *testing.T) {
	w := newWorld(t, "")
	lines := logLines(w)
	p := w.Start()
	w.Settle()
	free := w.Server.Occupy()
	ticket, err := p.Trigger(serve.Request{By: "bot", How: serve.ByAPI})
	if err != nil {
		t.Fatal(err)
	}
	unlock := lockHistory(t, w)
	if _, err := p.Trigger(serve.Request{By: "ann", How: serve.ByAPI}); !errors.As(err, new(*fault.StateError)) {
		t.Errorf("a request that cannot be stored: %v", err)
	}
	free()
	awaitLine(t, lines, "the run waits")
	w.Settle()
	unlock()
	w.Clock.Advance(time.Minute)
	<-ticket.Ended()
	r, err := w.Server.History.Run(t.Context(), ticket.Run)
	if err != nil || r.Class != int(job.Done) || len(r.Asked) != 1 {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestEndFails: while the history cannot be written the result of a run waits, and is not lost.
func TestEndFails(t *testing.T) {
	w := newWorld(t, "")
	lines := logLines(w)
	g := atGate(w)
	p := w.Start()
	w.Settle()
	ticket, err := p.Trigger(serve.Request{By: "ann", Person: true, How: serve.ByPage})
	if err != nil {
		t.Fatal(err)
	}
	g.wait(t)
	unlock := lockHistory(t, w)
	g.on <- struct{}{}
	awaitLine(t, lines, "the result of the run was not stored")
	w.Settle()
	unlock()
	w.Clock.Advance(time.Minute)
	<-ticket.Ended()
	r, err := w.Server.History.Run(t.Context(), ticket.Run)
	if err != nil || r.Class != int(job.Done) || r.Record == nil {
		t.Errorf("%v, %+v", err, r)
	}
	if good, err := w.Server.History.LastGood(t.Context(), w.Name); err != nil || good.Run != ticket.Run {
		t.Errorf("the last good run: %v, %+v", err, good)
	}
}

// TestJoinStored: those who join a run are in the history at once, also after the server was killed.
func TestJoinStored(t *testing.T) {
	w := newWorld(t, "")
	g := atGate(w)
	p := w.Start()
	first, err := p.Trigger(serve.Request{By: "bot", How: serve.ByAPI})
	if err != nil {
		t.Fatal(err)
	}
	g.wait(t)
	joined, err := p.Trigger(serve.Request{By: "ann", Person: true, How: serve.ByPage})
	if err != nil || !joined.Joined || joined.Run != first.Run {
		t.Fatalf("%v, %+v", err, joined)
	}
	r, err := w.Server.History.Run(t.Context(), first.Run)
	if err != nil || len(r.Asked) != 2 || r.Asked[1].By != "ann" {
		t.Errorf("while it runs: %v, %+v", err, r)
	}
	g.on <- struct{}{}
	<-first.Ended()
	if r := w.Ended(1)[0]; len(r.Asked) != 2 {
		t.Errorf("after its end: %+v", r)
	}
}

// TestJoinLate: a request for a run that has ended is another run, since the first read what the
// source held before.
func TestJoinLate(t *testing.T) {
	w := newWorld(t, "")
	ended, on := make(chan *history.Run, 10), make(chan struct{})
	w.Options.Observe = func(r *history.Run) { ended <- r; <-on }
	p := w.Start()
	first, err := p.Trigger(serve.Request{By: "bot", How: serve.ByAPI})
	if err != nil {
		t.Fatal(err)
	}
	<-ended
	second, err := p.Trigger(serve.Request{By: "ann", Person: true, How: serve.ByPage})
	if err != nil || second.Joined || second.Run == first.Run {
		t.Errorf("%v, %+v", err, second)
	}
	close(on)
	<-second.Ended()
	runs := w.Ended(2)
	if len(runs) != 2 || runs[0].Asked[0].By != "ann" || len(runs[1].Asked) != 1 {
		t.Errorf("%d runs: %+v", len(runs), runs)
	}
}
