package job

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/lint"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/secret/store"
)

// Options say which file is opened, and how.
type Options struct {
	Path string // of the pipeline file
	// Base is a trusted pipeline file: of the one at Path counts only what says what
	// becomes of records, as pipeline.Propose does it. "" when Path is trusted itself.
	Base     string
	Registry component.Registry
	Settings []pipeline.Setting
	// Lookup finds a variable.
	Lookup func(name string) (value string, set bool)
	// Only are the streams to write; empty means all.
	Only []string
	// Lenient lets variables be unset everywhere, SinkLenient those of the sink.
	Lenient, SinkLenient bool
	// SkipSecrets leaves secrets unresolved that come from a file or a provider: nothing is
	// read, opened or started for them.
	SkipSecrets bool
	// NoSource opens no source, and lets its variables be unset.
	NoSource bool
	// Unpinned allows programs whose checksum the file does not give.
	Unpinned bool
	// PlaceholderUI gives the source's pages an address where the file does not.
	PlaceholderUI bool
	// Sandbox starts servers on this machine and points the file at them. Catalog is
	// the file whose records they serve; "" for their own.
	Sandbox bool
	Catalog string
	// Source takes the place of the file's own source; nil opens that of the file.
	Source func(d *pipeline.Definition) (component.Source, error)
	// State is the state folder: "" for the user's own, NoState for none.
	State string
	// Version is that of the program, for the user agent and the record.
	Version string
	// Secrets is given the secrets of the file.
	Secrets *redact.Redactor
	Log     *slog.Logger

	// Started is called when the servers of the sandbox run; nil for nothing.
	Started func(*Sandbox)
	// Loaded is called when the file is loaded, before its problems end the job and
	// before anything is opened. It may add problems; nil for nothing.
	Loaded func(*pipeline.Definition)
}

// LoadError is that a file has errors; Definition has its problems, warnings
// included.
type LoadError struct{ Definition *pipeline.Definition }

// Error lists the errors.
func (e *LoadError) Error() string { return e.Definition.Problems.Errors().Error() }

// Unwrap gives errors.As the problems.
func (e *LoadError) Unwrap() error { return e.Definition.Problems.Errors() }

// load loads the file, or what may be taken of it where there is a trusted one.
func (o Options) load(l pipeline.Options) *pipeline.Definition {
	if o.Base == "" {
		return pipeline.Load(o.Path, l)
	}
	return pipeline.Propose(o.Base, o.Path, l)
}

// Parse loads the file alone. Its problems have the warnings of package lint.
func (o Options) Parse() *pipeline.Definition {
	load := pipeline.Options{
		Registry: o.Registry, Settings: o.Settings, Only: o.Only, SourceLenient: o.NoSource,
		SinkLenient: o.SinkLenient, NotifyLenient: o.SinkLenient || o.Sandbox, Unpinned: o.Unpinned,
		Variables: config.Variables{Lookup: o.Lookup, Lenient: o.Lenient, SkipSecrets: o.SkipSecrets}, Log: o.Log,
		Redactor: o.Secrets, UserAgent: "pipe/" + cmp.Or(o.Version, "dev"),
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
