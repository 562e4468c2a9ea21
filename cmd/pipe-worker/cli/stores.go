package cli

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/postgres"
	"github.com/pipe-engine/pipe/engine/state"
)

// stores are the state stores that the file of a worker can name.
func stores() []fleet.StoreSpec { return []fleet.StoreSpec{fleet.FolderStore(), postgresStore()} }

// postgresStore keeps the state of each pipeline in a schema of its own.
func postgresStore() fleet.StoreSpec {
	return fleet.StoreOf[postgres.Config]{
		Name: "postgres",
		At: func(config *postgres.Config, address string) (*postgres.Config, error) {
			at, err := postgres.FromCommandLine(address, *config)
			return &at, err
		},
		Open: func(ctx context.Context, config *postgres.Config, s fleet.StoreSettings) (state.Store, func(), error) {
			store, err := postgres.Open(ctx, config.For(s.Pipeline))
			if err != nil {
				return nil, nil, err
			}
			return store, store.Close, nil
		},
		Init: eachSchema(initSchema), Check: eachSchema(checkSchema),
	}.Any()
}

// eachSchema does something for the schema of each pipeline.
func eachSchema(do func(context.Context, postgres.Config) (string, error)) func(context.Context, *postgres.Config,
	fleet.StoreSettings) ([]string, error) {
	return func(ctx context.Context, config *postgres.Config, s fleet.StoreSettings) (lines []string, err error) {
		for _, pipeline := range s.Pipelines {
			line, err := do(ctx, config.For(pipeline))
			if err != nil {
				return lines, fmt.Errorf("%s: %w", pipeline, err)
			}
			lines = append(lines, pipeline+": "+line)
		}
		return lines, nil
	}
}

func initSchema(ctx context.Context, c postgres.Config) (string, error) {
	from, err := postgres.Init(ctx, c)
	switch {
	case err != nil:
		return "", err
	case from == 0:
		return fmt.Sprintf("made the schema %s, version %d", c.Schema, postgres.Version()), nil
	case from < postgres.Version():
		return fmt.Sprintf("brought the schema %s from version %d to %d", c.Schema, from, postgres.Version()), nil
	}
	return fmt.Sprintf("the schema %s has version %d already", c.Schema, from), nil
}

func checkSchema(ctx context.Context, c postgres.Config) (string, error) {
	store, err := postgres.Open(ctx, c)
	if err != nil {
		return "", err
	}
	defer store.Close()
	report, err := store.Check(ctx)
	if err != nil {
		return "", err
	}
	for _, place := range report.Places {
		if len(place.Damaged) > 0 {
			return "", &fault.StateError{Err: fmt.Errorf("the state of %s in %s is damaged: %s", place.Place, store,
				place.Damaged[0]), Remedy: postgres.RemedyDamaged}
		}
	}
	return fmt.Sprintf("%s, version %d: %s, %s KB on disk", store, report.Version,
		display.Plural(len(report.Places), "place"), display.Number(int(report.Bytes/1000))), nil
}
