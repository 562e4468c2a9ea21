package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// sandbox is the servers of --sandbox: a source and a sink on loopback that the
// same file is pointed at before any of its variables is resolved.
type sandbox struct {
	settings []pipeline.Setting
	source   *component.Sandbox
	sink     *component.Sandbox
}

// sandboxFor starts the servers when --sandbox asks for them and points the
// loading at them; without it, it is nil and closes nothing.
func (a *app) sandboxFor(ctx context.Context, c *urfave.Context, path string, l *loading) (*sandbox, error) {
	if !c.Bool("sandbox") {
		return nil, nil
	}
	s, err := a.startSandbox(ctx, c, path)
	if err == nil {
		l.settings = append(l.settings, s.settings...)
	}
	return s, err
}

func (a *app) startSandbox(ctx context.Context, c *urfave.Context, path string) (*sandbox, error) {
	d, err := a.parse(c, path, loading{lenient: true, unpinned: true})
	if err != nil {
		return nil, err
	}
	if d.Problems.HasErrors() {
		return nil, a.printProblems(c, a.stderr, d)
	}
	if d.Source.Sandbox == nil || d.Sink.Sandbox == nil {
		return nil, usage{"there is no sandbox for " + d.Source.Name + " and " + d.Sink.Name, ""}
	}
	s := &sandbox{}
	if s.source, err = d.Source.Sandbox(ctx, d.SourceCfg, component.SandboxOptions{Input: c.String("catalog")}); err != nil {
		if errors.As(err, new(*component.InputError)) {
			return nil, wrongInput("--catalog", err)
		}
		return nil, err
	}
	a.printNotes(s.source.Notes)
	s.set("@source.", s.source.Set)
	if s.sink, err = d.Sink.Sandbox(ctx, d.SinkCfg, component.SandboxOptions{UIURL: s.source.Set["ui_url"]}); err != nil {
		s.close()
		return nil, err
	}
	s.set("@sink.", s.sink.Set)
	return s, nil
}

func (s *sandbox) set(prefix string, values map[string]string) {
	for path, value := range values {
		s.settings = append(s.settings, pipeline.Setting{Path: prefix + path, Value: value})
	}
}

func (s *sandbox) close() {
	if s == nil {
		return
	}
	for _, one := range []*component.Sandbox{s.sink, s.source} {
		if one != nil {
			one.Close()
		}
	}
}
