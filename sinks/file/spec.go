package file

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/component"
)

// Spec describes the sink.
func Spec() component.SinkSpec[*Config] {
	return component.SinkSpec[*Config]{
		Name:    "file",
		Summary: "Writes NDJSON files: users, groups with their members, and documents with their permissions.",
		Config:  func() *Config { return &Config{} },
		Streams: func(*Config) []component.Stream { return streams() },
		Own:     []string{streamMemberships},
		Open: func(cfg *Config, s component.Settings) (component.Sink, error) {
			folder := cfg.Folder
			if !filepath.IsAbs(folder) {
				folder = filepath.Join(s.Folder, folder)
			}
			folder, err := filepath.Abs(folder)
			return &Sink{folder: folder}, err
		},
		Missing: func(cfg *Config) []string {
			if cfg.Folder == "" {
				return []string{"folder"}
			}
			return nil
		},
	}
}
