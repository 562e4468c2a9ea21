package serve

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/schedule"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// Pipeline is a pipeline of a server.
type Pipeline struct {
	Name string // in its file; a change of it needs a restart
	Path string

	server *Server
	place  string // of the sink
	wake   chan struct{}

	mu       sync.Mutex
	text     []byte // of the last file without errors
	schedule schedule.Schedule
	streams  []string
	most     int    // guards.approvals
	rules    string // see pipeline.Definition.RulesHash
	edit     error  // why the file on the disk is not used; nil when it is
	seen     []byte // the text on the disk that was last looked at
	// takesRecords reports whether records are pushed to the source.
	takesRecords bool

	next    *queued // not begun
	now     *queued // running
	tracker tracker
	stopped bool
	ctx     context.Context // of the server while it runs; ends with it

	refusal    refusal
	search     search
	pushed     pushed
	background sync.WaitGroup
}

// open loads a pipeline file completely, as a run would.
func (s *Server) open(ctx context.Context, path string) (*Pipeline, error) {
	p := &Pipeline{Path: path, server: s, wake: make(chan struct{}, 1)}
	text, err := os.ReadFile(path)
	if err != nil {
		text = nil // loading reports it
	}
	f, err := job.Load(ctx, s.jobOptions(p, text))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sink, err := f.Definition.OpenSink(f.Settings())
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	p.Name, p.place = f.Definition.File.Name, sink.Place()
	p.accept(text, f.Definition)
	return p, nil
}

// jobOptions returns the options of a run with this text of the file.
func (s *Server) jobOptions(p *Pipeline, text []byte) job.Options {
	o := s.o.Job
	o.Path, o.Text, o.Log = p.Path, text, s.o.Log
	if s.o.Requested != nil {
		o.Observe = func(end, _ string, status int, _ time.Time) { s.o.Requested(p.Name, end, status) }
	}
	return o
}

func (p *Pipeline) accept(text []byte, d *pipeline.Definition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.seen, p.edit = text, text, nil
	p.schedule, p.rules, p.streams = d.File.Schedule, d.RulesHash(), nil
	p.most = d.File.Guards.Approvals
	p.takesRecords = d.TakesRecords()
	if len(p.schedule) == 0 {
		p.schedule = p.server.o.Schedule
	}
	for _, s := range d.Streams {
		p.streams = append(p.streams, s.Name)
	}
}

var (
	errRenamed = errors.New("the file has another name: now; restart the server for that")
	errMoved   = errors.New("the file names another sink now; restart the server for that")
)

// reload reads the file again when it changed. A file with errors is reported once, and the last
// good one stays in use.
func (p *Pipeline) reload(ctx context.Context) {
	text, err := os.ReadFile(p.Path)
	p.mu.Lock()
	same := err == nil && bytes.Equal(text, p.seen)
	reported := err != nil && p.edit != nil && p.seen == nil
	p.mu.Unlock()
	if same || reported {
		return
	}
	if err == nil {
		err = p.tryEdit(ctx, text)
	} else {
		text = nil
	}
	if err == nil {
		p.server.o.Log.Info("the pipeline file changed", "pipeline", p.Name)
		return
	}
	p.mu.Lock()
	p.edit, p.seen = err, text
	p.mu.Unlock()
	p.server.o.Log.Error("the pipeline file cannot be used; the last good one stays in use", "pipeline", p.Name,
		"error", err)
}

func (p *Pipeline) tryEdit(ctx context.Context, text []byte) (err error) {
	defer p.recovered("the reading of the pipeline file", &err)
	f, err := job.Load(ctx, p.server.jobOptions(p, text))
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Definition.File.Name != p.Name {
		return errRenamed
	}
	sink, err := f.Definition.OpenSink(f.Settings())
	if err != nil {
		return err
	}
	defer sink.Close()
	if sink.Place() != p.place {
		return errMoved
	}
	p.accept(text, f.Definition)
	return nil
}

// Run returns a run of the pipeline, from the history or, while it waits to begin, from the queue;
// history.ErrNotFound when there is none.
func (p *Pipeline) Run(ctx context.Context, id string) (*history.Run, error) {
	r, err := p.server.History.Run(ctx, id)
	switch {
	case errors.Is(err, history.ErrNotFound):
		if waits := p.waits(id); waits != nil {
			return waits, nil
		}
		return nil, err
	case err == nil && r.Pipeline != p.Name:
		return nil, history.ErrNotFound
	}
	return r, err
}

// waits returns the run with an ID that waits to begin, or is about to; nil when there is none.
func (p *Pipeline) waits(id string) *history.Run {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range []*queued{p.next, p.now} {
		if w != nil && w.id == id {
			return &history.Run{ID: id, Pipeline: p.Name, Asked: w.asked, Mode: string(w.mode()), Dry: w.dry, Class: -1,
				Verdict: history.VerdictWaiting, Causes: []string{}}
		}
	}
	return nil
}

// Status is what a pipeline does now.
type Status struct {
	Running string // the ID of the run; "" when none runs
	Queued  string // the ID of the run that has not begun; "" when there is none
	// Progress is that of the running run.
	Progress Progress
	// Next is when the schedule begins the next run; zero without a schedule.
	Next time.Time
	// Edit is why the file on the disk is not used; nil when it is.
	Edit error
	// Rules is the hash of the rules in use, see pipeline.Definition.RulesHash.
	Rules string
}

// Status returns what the pipeline does now.
func (p *Pipeline) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{Edit: p.edit, Rules: p.rules}
	if p.now != nil {
		s.Running, s.Progress = p.now.id, p.tracker.progress()
	}
	if p.next != nil {
		s.Queued = p.next.id
	}
	s.Next, _ = p.schedule.Next(p.Name, p.server.o.Clock.Now())
	return s
}
