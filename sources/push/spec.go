package push

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/push/store"
)

// Spec is the component as the registry lists it.
func Spec() component.SourceSpec[*Config] {
	return component.SourceSpec[*Config]{
		Name:     "push",
		Summary:  "Reads the records that were pushed to the pipeline.",
		Config:   func() *Config { return &Config{} },
		ModelKey: "model",
		Open: func(cfg *Config, s component.Settings) (component.Source, error) {
			return &Reader{path: cfg.path(s.Folder), model: s.Model, limits: cfg.limits()}, nil
		},
		OpenRecords: func(ctx context.Context, cfg *Config, s component.Settings) (component.RecordStore, error) {
			records, err := store.Open(ctx, cfg.path(s.Folder), s.Model, cfg.limits())
			if err != nil {
				return nil, err // not a nil *store.Store
			}
			return records, nil
		},
	}
}
