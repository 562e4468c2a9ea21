package file

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/component"
)

// Spec describes the sink.
func Spec() component.SinkSpec {
	return component.SinkSpec{
		Name:    "file",
		Summary: "Writes NDJSON files: users, groups with their members, and documents with who may find each.",
		Config:  func() any { return &Config{} },
		Streams: func(any) []component.Stream { return streams() },
		Own:     []string{streamMemberships},
		Open: func(cfg any, s component.Settings) (component.Sink, error) {
			folder := cfg.(*Config).Folder
			if !filepath.IsAbs(folder) {
				folder = filepath.Join(s.Folder, folder)
			}
			folder, err := filepath.Abs(folder)
			return &Sink{folder: folder}, err
		},
		Missing: func(cfg any) []string {
			if cfg.(*Config).Folder == "" {
				return []string{"folder"}
			}
			return nil
		},
	}
}
