package backstage

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// Spec is the component as the registry lists it.
func Spec() component.SourceSpec[*Config] {
	return component.SourceSpec[*Config]{
		Name:    "backstage",
		Summary: "Reads the software catalog of a Backstage.",
		Config:  func() *Config { return &Config{} },
		Address: func(cfg *Config) string { return cfg.URL },
		Model:   func(cfg *Config) component.Model { return NewModel(cfg) },
		Open: func(cfg *Config, s component.Settings) (component.Source, error) {
			return Open(cfg, s)
		},
		Sample:   sandbox.Company,
		Sandbox:  startSandbox,
		AsPerson: asPerson,
		Presets:  Presets(),
	}
}

// sandboxToken is required by the sandbox, so --sandbox exercises the path of a token.
const sandboxToken = "sandbox-token"

// sandboxUI is the address of the sandbox's entity pages. It is the same in every run, so
// the outputs of two runs can be compared.
const sandboxUI = "https://backstage.example.com"

// startSandbox serves the bundled company, or the entities of a file.
func startSandbox(_ context.Context, _ *Config, o component.SandboxOptions) (*component.Sandbox, error) {
	entities, sites, notes := sandbox.Company(), sandbox.CompanySites(), []string(nil)
	if o.Input != "" {
		var err error
		if entities, notes, err = sandbox.FromFile(o.Input); err != nil {
			return nil, &component.InputError{Err: err}
		}
	}
	s, err := sandbox.Start(sandbox.Options{Entities: entities, Sites: sites, Token: sandboxToken})
	if err != nil {
		return nil, err
	}
	return &component.Sandbox{
		Notes:  notes,
		UIURL:  sandboxUI,
		Remove: append(connection.RealServerKeys(), "via", "audit"),
		Set:    map[string]string{"url": s.URL(), "ui_url": sandboxUI, "token": sandboxToken},
		Close:  func() { _ = s.Close() },
	}, nil
}
