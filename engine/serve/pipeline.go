package serve

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// Pipeline is a pipeline of a server.
type Pipeline struct {
	Name string // in its file; a change of it needs a restart
	Path string

	server    *Server
	place     string // of the sink
	file      *watchedFile
	queue     *queue
	timetable *timetable

	refusal    refusal
	search     search
	pushed     pushed
	background sync.WaitGroup
}

// open loads a pipeline file completely, as a run would.
func (s *Server) open(ctx context.Context, path string) (*Pipeline, error) {
	p := &Pipeline{Path: path, server: s}
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
	content := p.contentOf(text, f.Definition)
	p.file = &watchedFile{path: path, clock: s.o.Clock, load: p.load, now: *content, seen: text}
	p.queue = newQueue(s, p.Name)
	p.timetable = &timetable{server: s, pipeline: p.Name}
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

// contentOf returns what the server uses of a file.
func (p *Pipeline) contentOf(text []byte, d *pipeline.Definition) *fileContent {
	c := contentOf(text, d)
	if len(c.schedule) == 0 {
		c.schedule = p.server.o.Schedule
	}
	return c
}

// reload reads the file again when it changed, see watchedFile. Each problem is logged once, and the
// last text without errors stays in use.
func (p *Pipeline) reload(ctx context.Context, retry bool) {
	changed, err := p.file.reload(ctx, retry)
	switch {
	case err != nil:
		p.server.o.Log.Error("the pipeline file cannot be used; the last good one stays in use", "pipeline", p.Name,
			"error", err)
	case changed:
		p.server.o.Log.Info("the pipeline file changed", "pipeline", p.Name)
	}
}

// load loads a text of the file as a run would.
func (p *Pipeline) load(ctx context.Context, text []byte) (_ *fileContent, err error) {
	defer p.recovered("the reading of the pipeline file", &err)
	f, err := job.Load(ctx, p.server.jobOptions(p, text))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Definition.File.Name != p.Name {
		return nil, errRenamed
	}
	sink, err := f.Definition.OpenSink(f.Settings())
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	if sink.Place() != p.place {
		return nil, errMoved
	}
	return p.contentOf(text, f.Definition), nil
}

// Run returns a run of the pipeline, also one that waits to begin; history.ErrNotFound when there is
// none.
func (p *Pipeline) Run(ctx context.Context, id string) (*history.Run, error) {
	r, err := p.server.History.Run(ctx, id)
	if err == nil && r.Pipeline != p.Name {
		return nil, history.ErrNotFound
	}
	return r, err
}

// Status is what a pipeline does now.
type Status struct {
	Running string // the ID of the run; "" when none runs
	Queued  string // the ID of the run that has not begun; "" when there is none
	// Progress is that of the running run.
	Progress Progress
	// Next is when the schedule begins the next run, not after now when it is due; zero without a
	// schedule.
	Next time.Time
	// Edit is why the file on the disk is not used; nil when it is.
	Edit error
	// Rules is the hash of the rules in use, see pipeline.Definition.RulesHash.
	Rules string
}

// Status returns what the pipeline does now.
func (p *Pipeline) Status() Status {
	file := p.file.inUse()
	s := Status{Edit: p.file.problem(), Rules: file.rules, Next: p.timetable.next(file.schedule, p.server.o.Clock.Now())}
	p.queue.status(&s)
	return s
}
