package pipelinetest

import (
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/lint"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Kit is a source of records and a sink that keeps items, both in memory.
type Kit struct {
	// Records are the records of the source: entities with kind and metadata.name.
	Records []map[string]any
	// Items are the items that the sink encoded.
	Items []component.Item
}

// Registry lists the source catalog, the sink store, the transforms keep and note, and simple
// mapping and permissions blocks. A test replaces the component that it tests.
func (k *Kit) Registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{k.sourceSpec()},
		Sinks:       []component.SinkSpec[any]{k.sinkSpec()},
		Transforms:  []component.TransformSpec[any]{keepSpec(), noteSpec()},
		Mapper:      mapperSpec(),
		Permissions: deciderSpec(),
	}
}

// Variables returns the environment variables for files of tests.
func Variables() config.Variables {
	set := map[string]string{"CATALOG_URL": "https://catalog.example.com", "STORE_TOKEN": "CANARY", "EMPTY": ""}
	return config.Variables{Lookup: func(name string) (string, bool) { v, ok := set[name]; return v, ok }}
}

// Parse loads the text of a file with the components of registry.
func Parse(text string, registry component.Registry) *pipeline.Definition {
	d := pipeline.Parse("pipeline.yaml", []byte(text), pipeline.Options{Registry: registry, Variables: Variables()})
	lint.Check(d)
	return d
}
