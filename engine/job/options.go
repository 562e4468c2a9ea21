package job

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/lint"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/secret/store"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/trace"
)

// Options say which file to open, and how.
type Options struct {
	Path string // of the pipeline file
	// Text replaces the content of the file, BaseText that of Base; nil reads them.
	Text, BaseText []byte
	// RunID is the ID of the run; "" makes one (see run.NewRunID).
	RunID string
	// Base is a trusted pipeline file. Of the file at Path, only the parts that
	// pipeline.Propose accepts are used. "" means that Path is trusted.
	Base     string
	Registry component.Registry
	Settings []pipeline.Setting
	// Lookup returns a variable of the environment.
	Lookup func(name string) (value string, set bool)
	// Only are the streams to write; empty means all.
	Only []string
	// Lenient allows unset variables everywhere, SinkLenient those of the sink.
	Lenient, SinkLenient bool
	// SkipSecrets leaves secrets unresolved that come from a file or a provider: nothing is
	// read, opened or started for them.
	SkipSecrets bool
	// Readable reports whether a file may be read that a setting names; see config.Variables.
	Readable func(path string) bool
	// SignIns is what to do with the sign-ins of people that the file uses. The zero value
	// refuses them.
	SignIns config.SignIns
	// NoSource opens no source, and allows its variables to be unset.
	NoSource bool
	// Unpinned allows programs that have no checksum in the file.
	Unpinned bool
	// PlaceholderUI provides an address for the source's pages when the file has none.
	PlaceholderUI bool
	// Sandbox starts servers on this machine and points the file to them. Catalog is a file of
	// records to serve; "" serves the bundled records.
	Sandbox bool
	Catalog string
	// Servers are running servers to use with Sandbox; the caller closes them. Nil starts some.
	Servers *Sandbox
	// Source replaces the source of the file; nil opens that of the file.
	Source func(d *pipeline.Definition) (component.Source, error)
	// State is where state is kept: nil for the user's default folder, state.None for nowhere.
	State state.Store
	// Version is the program's version, for the user agent and the record.
	Version string
	// Secrets receives the secrets of the file.
	Secrets *redact.Redactor
	Log     *slog.Logger
	// Observe is called after every attempt of a request to an end, source or sink, with status 0
	// when there was no response. It may be called from several goroutines. It may be nil.
	Observe func(end, method string, status int, began time.Time)

	// Tracer sends spans of the run; nil sends none.
	Tracer *trace.Tracer

	// Started is called when the servers of the sandbox run; may be nil.
	Started func(*Sandbox)
	// Loaded is called when the file is loaded, before its problems end the job and before
	// anything is opened. It may add problems. It may be nil.
	Loaded func(*pipeline.Definition)
}

// LoadError reports that a file has errors. Definition has its problems, including warnings.
type LoadError struct{ Definition *pipeline.Definition }

// Error returns the errors.
func (e *LoadError) Error() string { return e.Definition.Problems.Errors().Error() }

// Unwrap returns the problems, for errors.As.
func (e *LoadError) Unwrap() error { return e.Definition.Problems.Errors() }

// load loads the file, or the accepted parts of it when there is a trusted file.
func (o Options) load(l pipeline.Options) *pipeline.Definition {
	switch {
	case o.Base != "":
		return pipeline.Propose(pipeline.Input{Path: o.Base, Text: o.BaseText},
			pipeline.Input{Path: o.Path, Text: o.Text}, l)
	case o.Text != nil:
		return pipeline.Parse(o.Path, o.Text, l)
	}
	return pipeline.Load(o.Path, l)
}

// ForTests returns options for a test: of all variables only those given are set, no secret is
// resolved, and pages have a placeholder address unless the file or a variable sets one.
func (o Options) ForTests(variables map[string]string) Options {
	o.Lenient, o.SkipSecrets, o.SinkLenient, o.PlaceholderUI = true, true, true, true
	o.Lookup = func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	return o
}

// Parse only loads the file. Its problems include the warnings of package lint. The end of ctx ends
// the reading of secrets.
func (o Options) Parse(ctx context.Context) *pipeline.Definition {
	load := pipeline.Options{
		Registry: o.Registry, Settings: o.Settings, Only: o.Only, SourceLenient: o.NoSource,
		SinkLenient: o.SinkLenient, NotifyLenient: o.SinkLenient || o.Sandbox, Unpinned: o.Unpinned,
		Variables: config.Variables{Lookup: o.Lookup, Lenient: o.Lenient, SkipSecrets: o.SkipSecrets, SignIns: o.SignIns,
			Readable: o.Readable, Context: ctx},
		Log: o.Log, Redactor: o.Secrets, UserAgent: "pipe/" + cmp.Or(o.Version, "dev"),
	}
	d := o.load(load)
	if placeholder := d.UIPlaceholder(); o.PlaceholderUI && len(placeholder) > 0 {
		load.Settings = slices.Concat(o.Settings, placeholder)
		d = o.load(load)
	}
	lint.Check(d)
	if o.Secrets != nil {
		for _, cfg := range []any{d.SourceCfg, d.SinkCfg} {
			if cfg == nil {
				continue
			}
			for _, s := range config.Secrets(cfg) {
				o.Secrets.Add(s.Reveal(), strings.ToLower(s.Reveal()))
			}
		}
		o.Secrets.Add(d.Notify.Secrets()...)
		if d.Secrets != nil {
			for _, s := range config.Secrets(d.Secrets) {
				o.Secrets.Add(s.Reveal())
				o.Secrets.Add(store.Keys(s.Reveal())...)
			}
		}
	}
	return d
}
