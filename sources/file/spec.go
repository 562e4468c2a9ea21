package file

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/component"
)

// Spec is the component as the registry lists it.
func Spec() component.SourceSpec[*Config] {
	return component.SourceSpec[*Config]{
		Name:    "file",
		Summary: "Reads records from a file: JSON, NDJSON or YAML.",
		Config:  func() *Config { return &Config{} },
		Model:   func(cfg *Config) component.Model { return Model{cfg} },
		Open: func(cfg *Config, s component.Settings) (component.Source, error) {
			path := cfg.Path
			if !filepath.IsAbs(path) {
				path = filepath.Join(s.Folder, path)
			}
			return &Reader{path: path, model: Model{cfg}}, nil
		},
	}
}

// ModelSpec is the model as the registry lists it.
func ModelSpec() component.ModelSpec[*ModelConfig] {
	return component.ModelSpec[*ModelConfig]{
		Name:    "file",
		Summary: "JSON objects; the settings name the members with a record's ref, kind, title and e-mail address.",
		Config:  func() *ModelConfig { return &ModelConfig{} },
		Model:   func(cfg *ModelConfig) component.Model { return Model{cfg.source()} },
	}
}
