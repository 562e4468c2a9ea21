package job

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/trace"
)

// File is a pipeline file that was loaded without errors.
type File struct {
	RunID      string
	Definition *pipeline.Definition
	Sandbox    *Sandbox // nil without Options.Sandbox

	o Options
}

// Load starts the sandbox and loads the file. It returns a *LoadError when the file is wrong.
// The caller closes the File.
func Load(ctx context.Context, o Options) (*File, error) {
	f := &File{RunID: o.RunID, o: o}
	if f.RunID == "" {
		f.RunID = run.NewRunID()
	}
	if o.Sandbox {
		if f.Sandbox = o.Servers; f.Sandbox == nil {
			var err error
			if f.Sandbox, err = o.StartSandbox(ctx); err != nil {
				return nil, err
			}
		}
		o.Settings = slices.Concat(o.Settings, f.Sandbox.Settings)
	}
	f.Definition = o.Parse(ctx)
	if o.Loaded != nil {
		o.Loaded(f.Definition)
	}
	if f.Definition.Problems.HasErrors() {
		f.Close()
		return nil, &LoadError{f.Definition}
	}
	return f, nil
}

// Close stops the servers of the sandbox that Load started.
func (f *File) Close() {
	if f.o.Servers == nil {
		f.Sandbox.Close()
	}
}

// Settings returns the settings for opening the components of the file.
func (f *File) Settings() component.Settings {
	return component.Settings{
		UserAgent: fmt.Sprintf("pipe/%s (%s; run %s)", f.o.Version, f.Definition.File.Name, f.RunID),
		Folder:    filepath.Dir(f.Definition.Document.Root().Pos().File),
		Log:       f.o.Log,
		Redactor:  f.o.Secrets,
		Loopback:  f.o.Sandbox || f.o.Source != nil,
	}
}

// Job is a pipeline file with open source and sink.
type Job struct {
	RunID      string
	Definition *pipeline.Definition
	Pipeline   *component.Pipeline
	Sandbox    *Sandbox    // nil without Options.Sandbox
	State      state.Store // where state is kept; nil for nowhere

	o     Options
	file  *File
	close func()
	span  *trace.Run // nil without Options.Tracer
}

// Open loads the file and opens its source and sink. The caller closes the Job.
func Open(ctx context.Context, o Options) (*Job, error) {
	f, err := Load(ctx, o)
	if err != nil {
		return nil, err
	}
	j := &Job{RunID: f.RunID, Definition: f.Definition, Sandbox: f.Sandbox, o: o, file: f}
	j.span = o.Tracer.Run(f.Definition.File.Name, f.RunID)
	if err := j.open(f.Settings()); err != nil {
		j.span.End(nil)
		f.Close()
		return nil, err
	}
	return j, nil
}

func (j *Job) open(settings component.Settings) (err error) {
	if j.State, err = j.o.StateStore(); err != nil {
		return err
	}
	settings.Observe = j.observe("source")
	source, err := j.source(settings)
	if err != nil {
		return err
	}
	settings.Observe = j.observe("sink")
	j.Pipeline, j.close, err = j.Definition.OpenWith(source, settings)
	return err
}

func (j *Job) source(settings component.Settings) (component.Source, error) {
	switch {
	case j.o.NoSource:
		return noSource{}, nil
	case j.o.Source != nil:
		return j.o.Source(j.Definition)
	}
	return j.Definition.OpenSource(settings)
}

// observe returns what is called for each attempt of a request to an end.
func (j *Job) observe(end string) func(component.Attempt) {
	return func(a component.Attempt) {
		j.span.Request(end, a)
		if j.o.Observe != nil {
			j.o.Observe(end, a.Method, a.Status, a.Began)
		}
	}
}

// Close closes source and sink, and stops the servers of the sandbox that Open started.
func (j *Job) Close() {
	j.span.End(nil)
	j.close()
	j.file.Close()
}
