// Package servetest runs servers in tests, with a clock that the test moves.
package servetest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/state"
)

// Clock is a time that only advances with Advance.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*timer]bool
}

type timer struct {
	at time.Time
	c  chan time.Time
}

// NewClock returns a clock that shows a time, as 2006-01-02 15:04:05 in UTC.
func NewClock(text string) *Clock {
	now, err := time.Parse(time.DateTime, text)
	if err != nil {
		panic(err)
	}
	return &Clock{now: now, timers: map[*timer]bool{}}
}

// Now implements serve.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After implements serve.Clock.
func (c *Clock) After(d time.Duration) (<-chan time.Time, func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c.now.Add(d), make(chan time.Time, 1)}
	c.timers[t] = true
	return t.c, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		there := c.timers[t]
		delete(c.timers, t)
		return there
	}
}

// Waiting returns how many timers wait.
func (c *Clock) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// Advance moves the time.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for t := range c.timers {
		if !t.at.After(c.now) {
			t.c <- c.now
			delete(c.timers, t)
		}
	}
}

// World is a server of an example pipeline, by default handbook, from a file of records to a folder
// of files.
type World struct {
	Dir     string // has everything below
	Name    string // of the pipeline
	File    string // the pipeline file
	Records string // what the source reads
	Clock   *Clock
	Options serve.Options
	Server  *serve.Server // nil before Start

	t    *testing.T
	stop chan struct{}
	done chan error
}

// New returns a World whose pipeline file, at a path from the folder of the test, ends with more
// lines. Its source has 100 pages; Ann and her team alone find 50 of them.
func New(t *testing.T, registry component.Registry, file, more string) *World {
	t.Helper()
	dir := t.TempDir()
	name := strings.TrimSuffix(filepath.Base(file), ".yaml")
	w := &World{t: t, Dir: dir, Name: name, File: filepath.Join(dir, name+".yaml"),
		Records: filepath.Join(dir, "handbook.ndjson"), Clock: NewClock("2026-11-30 12:00:00")}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteFile(string(text) + "\n" + more)
	w.Write(100, 50)
	variables := map[string]string{"HANDBOOK_FILE": w.Records, "HANDBOOK_OUT": filepath.Join(dir, "out"),
		"WIKI_OUT": filepath.Join(dir, "out")}
	w.Options = serve.Options{
		Files: []string{w.File}, Clock: w.Clock, Log: slog.New(slog.DiscardHandler),
		Job: job.Options{Registry: registry, State: state.Folder(filepath.Join(dir, "state")), Version: "v1.2.3",
			Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }},
	}
	return w
}

// WriteFile replaces the pipeline file.
func (w *World) WriteFile(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.File, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// Write writes a person, a team and n pages; the first ones are restricted to the team.
func (w *World) Write(n, restricted int) {
	w.t.Helper()
	var text strings.Builder
	text.WriteString(`{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}` + "\n" +
		`{"id":"team-42","kind":"team","name":"Payments","members":["ann"]}` + "\n")
	for i := range n {
		audience := "all"
		if i < restricted {
			audience = "team"
		}
		fmt.Fprintf(&text, `{"id":"page-%d","kind":"page","name":"Page","owner":"team-42","audience":%q}`+"\n", i, audience)
	}
	if err := os.WriteFile(w.Records, []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// Start opens and runs the server, until the test or End ends it.
func (w *World) Start() *serve.Pipeline {
	w.t.Helper()
	server, err := serve.Open(w.t.Context(), w.Options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Server, w.stop, w.done = server, make(chan struct{}), make(chan error, 1)
	go func() { w.done <- server.Run(context.WithoutCancel(w.t.Context()), w.stop) }()
	w.t.Cleanup(w.End)
	return server.Pipelines()[0]
}

// End stops the server; further calls do nothing.
func (w *World) End() {
	if w.Server == nil {
		return
	}
	close(w.stop)
	if err := <-w.done; err != nil {
		w.t.Error(err)
	}
	if err := w.Server.Close(); err != nil {
		w.t.Error(err)
	}
	w.Server = nil
}

// Runs returns the runs in the history, the newest first.
func (w *World) Runs() []*history.Run {
	w.t.Helper()
	runs, err := w.Server.History.Runs(w.t.Context(), w.Name, "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}

// Ended waits until there are n runs and all have ended.
func (w *World) Ended(n int) []*history.Run {
	w.t.Helper()
	for range 1000 {
		runs := w.Runs()
		if len(runs) >= n && !runs[0].Ended.IsZero() {
			return runs
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("%d runs have ended after ten seconds, want %d", len(w.Runs()), n)
	return nil
}

// Settle waits until the pipeline waits for its clock.
func (w *World) Settle() {
	w.t.Helper()
	for range 100_000 {
		if w.Clock.Waiting() > 0 {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	w.t.Fatal("the pipeline does not wait for the clock")
}

// Pass lets a time pass in steps in which the pipeline looks at the clock.
func (w *World) Pass(d time.Duration) {
	w.t.Helper()
	for ; d > 0; d -= 30 * time.Second {
		w.Settle()
		w.Clock.Advance(30 * time.Second)
	}
	w.Settle()
}

// Trigger asks for a run and waits until it has ended.
func (w *World) Trigger(p *serve.Pipeline, q serve.Request) *history.Run {
	w.t.Helper()
	ticket, err := p.Trigger(q)
	if err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-ticket.Ended():
	case <-time.After(time.Minute):
		w.t.Fatal("the run has not ended after a minute")
	}
	r, err := w.Server.History.Run(w.t.Context(), ticket.Run)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}
