package mcp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/records"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/suite"
)

// from says which file a tool opens, and on which records.
type from struct {
	File      string            `json:"file" jsonschema:"the pipeline file, by its path from the served folder"`
	Input     string            `json:"input,omitempty" jsonschema:"a file of recorded entities (JSON, NDJSON or YAML) to read instead of the sandbox's company; only a server that was started with --inspect does"`
	Variables map[string]string `json:"variables,omitempty" jsonschema:"values of variables of the pipeline file; the environment is not read"`
	Live      bool              `json:"live,omitempty" jsonschema:"read the real source; only a server that was started with --live does, without --inspect while the file is the trusted one"`
}

// opened is a job on the records that a call asks for.
type opened struct {
	*job.Job
	privacy privacy
	input   string // the temporary folder of the input; "" for none
}

// Close closes the job and removes the copy of the input.
func (o *opened) Close() {
	if o.Job != nil {
		o.Job.Close()
	}
	if o.input != "" {
		os.RemoveAll(o.input)
	}
}

// options returns how to load a file without its source: nothing but the file is read.
func (s *server) options(path string, text []byte) job.Options {
	return job.Options{Path: path, Text: text, Registry: s.o.Registry, SkipSecrets: true, Readable: noFile,
		State: state.None{}, Version: s.o.Version, Secrets: s.o.Secrets, Log: s.o.Log, Loaded: refusePrograms}
}

// noFile reports that a file that a setting names, such as an icon, may not be read.
func noFile(string) bool { return false }

// refusePrograms makes it an error that a file starts a program.
func refusePrograms(d *pipeline.Definition) {
	if d.Problems.HasErrors() {
		return
	}
	if names := d.Programs(); len(names) > 0 {
		d.Problems = append(d.Problems, config.Problem{Pos: config.Pos{File: d.Document.File(), Line: 1, Col: 1},
			Code:    "untrusted",
			Message: "the transform " + strings.Join(names, ", ") + " runs a program, which pipe mcp never starts",
			Hint:    "use the command line for this pipeline, or a copy of the file without the transform"})
	}
}

// open opens a file on the sandbox, on recorded input or, with Live, on the real source.
func (s *server) open(ctx context.Context, f from) (*opened, error) {
	text, err := s.files.read(f.File, maxPipeline)
	if err != nil {
		return nil, err
	}
	o := s.options(f.File, text)
	switch {
	case f.Live:
		return s.openLive(ctx, o, f)
	case f.Input != "" && !s.o.Inspect:
		return nil, recordedRefused()
	}
	o.Lookup = func(name string) (string, bool) { v, set := f.Variables[name]; return v, set }
	first := o
	first.Lenient, first.Unpinned = true, true
	d := first.Parse(ctx)
	if refusePrograms(d); d.Problems.HasErrors() {
		return nil, &job.LoadError{Definition: d}
	}
	out := &opened{privacy: privacy{inspect: s.o.Inspect, bundled: f.Input == ""}}
	if d.Source.Sandbox != nil && d.Sink.Sandbox != nil {
		o.Sandbox = true
		err = s.copyInput(&o, out, f.Input)
	} else {
		err = s.useInput(&o, d, f.Input)
	}
	if err == nil {
		out.Job, err = job.Open(ctx, o)
	}
	if err != nil {
		out.Close()
		return nil, inputError(err, out.input, f.Input)
	}
	return out, nil
}

// copyInput gives the sandbox a copy of the input: the sandbox opens it by its path.
func (s *server) copyInput(o *job.Options, out *opened, input string) (err error) {
	if input == "" {
		return nil
	}
	text, err := s.files.readInput(input)
	if err != nil {
		return err
	}
	if out.input, err = os.MkdirTemp("", "pipe-mcp-"); err != nil {
		return err
	}
	o.Catalog = filepath.Join(out.input, filepath.Base(input))
	return os.WriteFile(o.Catalog, text, 0o600)
}

// inputError returns an error with the input's own path in place of the copy's.
func inputError(err error, folder, input string) error {
	var wrong *job.LoadError
	if folder == "" || err == nil || errors.As(err, &wrong) || !strings.Contains(err.Error(), folder) {
		return err
	}
	copied := filepath.Join(folder, filepath.Base(input))
	reason := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "--catalog: "), copied, input)
	return &fault.Invalid{Reason: reason, Remedy: remedyOf(err)}
}

// useInput makes the input the source of a file that has no sandbox.
func (s *server) useInput(o *job.Options, d *pipeline.Definition, input string) error {
	if input == "" {
		return &fault.Invalid{Reason: "there is no sandbox for " + d.Source.Name + " and " + d.Sink.Name,
			Remedy: "name a file of recorded entities with input"}
	}
	given, err := s.records(input, d.Model)
	if err != nil {
		return err
	}
	o.Lenient, o.SinkLenient, o.PlaceholderUI = true, true, true
	o.Settings = withoutServers()
	o.Source = func(d *pipeline.Definition) (component.Source, error) { return s.o.Records(given, d.Model) }
	return nil
}

// withoutServers removes the settings of source and sink that are for real servers: their
// certificates and credentials are files.
func withoutServers() []pipeline.Setting {
	var out []pipeline.Setting
	for _, key := range connection.RealServerKeys() {
		for _, end := range []string{"@source.", "@sink."} {
			out = append(out, pipeline.Setting{Path: end + key, Remove: true})
		}
	}
	return out
}

// records reads a file of records. Nothing that they name is read.
func (s *server) records(path string, m component.Model) ([]component.Recorded, error) {
	text, err := s.files.readInput(path)
	if err != nil {
		return nil, err
	}
	return records.Parse(path, text, func(object []byte) bool { return component.IsRecord(m, object) })
}

// openLive opens the parts of a file that Propose accepts on the source of the trusted file.
func (s *server) openLive(ctx context.Context, o job.Options, f from) (*opened, error) {
	switch {
	case s.o.Live == "":
		return nil, &fault.Invalid{Reason: "this server does not read the real source",
			Remedy: "leave live out, or ask a person to start pipe mcp --live FILE"}
	case f.Input != "" || len(f.Variables) > 0:
		return nil, &fault.Invalid{Reason: "live reads the source with the variables of the environment",
			Remedy: "leave input and variables out"}
	}
	o.Base, o.BaseText, o.Lookup = s.o.Live, s.live, s.o.Lookup
	o.SkipSecrets, o.SinkLenient = false, true
	if !s.o.Inspect {
		o.Loaded = s.refuseEdits
	}
	j, err := job.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &opened{Job: j, privacy: privacy{inspect: s.o.Inspect}}, nil
}

// refuseEdits makes it an error that the edited file is not the trusted one in what it decides. An edit
// could otherwise open each document to everyone, or ask the records a question by a rule.
func (s *server) refuseEdits(d *pipeline.Definition) {
	if refusePrograms(d); d.Problems.HasErrors() || len(d.Replaced) == 0 {
		return
	}
	d.Problems = append(d.Problems, config.Problem{Pos: config.Pos{File: d.Document.File(), Line: 1, Col: 1},
		Code: "untrusted",
		Message: "live shows what everyone finds by the trusted file as it was when pipe mcp started; the edited file has " +
			"another " + strings.Join(d.Replaced, ", "),
		Hint: "try the edit without live, on the sandbox; or ask a person to review it and to start pipe mcp again with " +
			"it as the FILE of --live, or with --inspect"})
}

// recordedRefused is the error of recorded entities without Inspect: the edited file and the
// variables of a call decide who finds them, so nothing of them could be shown.
func recordedRefused() error {
	return &fault.Invalid{Reason: "this server reads no file of recorded entities: the edited file would decide which " +
		"of their texts are shown",
		Remedy: "leave input out, write the entities of a test into the test file, or ask a person to start " +
			"pipe mcp --inspect"}
}

// testOptions returns how the tests of a file are run.
func (s *server) testOptions() suite.Options {
	return suite.Options{
		Pipeline: func(path string, variables map[string]string) *pipeline.Definition {
			text, err := s.files.read(path, maxPipeline)
			if err != nil {
				d := pipeline.Parse(path, []byte{}, pipeline.Options{Registry: s.o.Registry})
				d.Problems = config.Problems{{Pos: config.Pos{File: path, Line: 1, Col: 1}, Code: "unreadable-file",
					Message: err.Error(), Hint: remedyOf(err)}}
				return d
			}
			o := s.options(path, text).ForTests(variables)
			o.Settings, o.Unpinned = withoutServers(), true
			d := o.Parse(context.Background())
			refusePrograms(d)
			return d
		},
		Records: s.records,
		Source: func(given []component.Recorded, m component.Model) (component.Source, error) {
			for i := range given {
				given[i].Folder = "" // nothing that a record names is read
			}
			return s.o.Records(given, m)
		},
		Golden:   func(path string) ([]byte, error) { return s.files.read(path, maxInput) },
		Settings: component.Settings{UserAgent: "pipe/" + s.o.Version, Log: s.o.Log, Loopback: true},
	}
}
