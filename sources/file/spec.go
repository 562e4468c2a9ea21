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
