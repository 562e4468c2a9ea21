package job

import (
	"context"
	"errors"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Sandbox is a source and a sink on loopback.
type Sandbox struct {
	// Settings point a file to the servers, before its variables are resolved.
	Settings     []pipeline.Setting
	Source, Sink *component.Sandbox
}

// StartSandbox starts the servers for Options.Path. It returns a *LoadError when the file is
// wrong, and a *fault.Invalid when the catalog is.
func (o Options) StartSandbox(ctx context.Context) (*Sandbox, error) {
	o.Lenient, o.SkipSecrets, o.Unpinned = true, true, true
	o.Only = nil
	d := o.Parse(ctx)
	if d.Problems.HasErrors() {
		return nil, &LoadError{d}
	}
	local := d.Source.Sandbox == nil && d.Source.Address == nil // reads what is on this machine
	switch {
	case d.Source.Sandbox == nil && !local, d.Sink.Sandbox == nil:
		return nil, &fault.Invalid{Reason: "there is no sandbox for " + d.Source.Name + " and " + d.Sink.Name}
	case local && o.Catalog != "":
		return nil, &fault.Invalid{Reason: "--catalog: there is no sandbox for the source " + d.Source.Name,
			Remedy: "leave --catalog out: the source is read as it is"}
	}
	s := &Sandbox{}
	var err error
	if local {
		s.Source = asItIs(d.Model)
	} else if s.Source, err = d.Source.Sandbox(ctx, d.SourceCfg,
		component.SandboxOptions{Input: o.Catalog}); err != nil {
		return nil, wrongCatalog(err)
	}
	s.set("@source.", s.Source)
	if s.Sink, err = d.Sink.Sandbox(ctx, d.SinkCfg, component.SandboxOptions{UIURL: s.Source.UIURL}); err != nil {
		s.Close()
		return nil, err
	}
	s.set("@sink.", s.Sink)
	if o.Started != nil {
		o.Started(s)
	}
	return s, nil
}

// asItIs returns a sandbox without a server, for a source that needs none.
func asItIs(m component.Model) *component.Sandbox {
	out := &component.Sandbox{Close: func() {}}
	if ui, ok := m.(component.UILinker); ok {
		out.UIURL = ui.UIURL()
	}
	return out
}

// wrongCatalog returns an error of the catalog as a *fault.Invalid.
func wrongCatalog(err error) error {
	if errors.As(err, new(config.Problems)) || !errors.As(err, new(*component.InputError)) {
		return err
	}
	return &fault.Invalid{Reason: "--catalog: " + err.Error(), Remedy: fault.RemedyOf(err)}
}

func (s *Sandbox) set(prefix string, one *component.Sandbox) {
	for _, path := range one.Remove {
		s.Settings = append(s.Settings, pipeline.Setting{Path: prefix + path, Remove: true})
	}
	for path, value := range one.Set {
		s.Settings = append(s.Settings, pipeline.Setting{Path: prefix + path, Value: value})
	}
}

// Close stops the servers. It may be called on nil.
func (s *Sandbox) Close() {
	if s == nil {
		return
	}
	for _, one := range []*component.Sandbox{s.Sink, s.Source} {
		if one != nil {
			one.Close()
		}
	}
}
