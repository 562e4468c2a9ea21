package file

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/component"
)

// Spec is the component as the registry lists it.
func Spec() component.SourceSpec {
	return component.SourceSpec{
		Name:    "file",
		Summary: "Reads records from a file: JSON, NDJSON or YAML.",
		Config:  func() any { return &Config{} },
		Model:   func(cfg any) component.Model { return Model{cfg.(*Config)} },
		Open: func(cfg any, s component.Settings) (component.Source, error) {
			c := cfg.(*Config)
			path := c.Path
			if !filepath.IsAbs(path) {
				path = filepath.Join(s.Folder, path)
			}
			return &Reader{path: path, model: Model{c}}, nil
		},
	}
}
