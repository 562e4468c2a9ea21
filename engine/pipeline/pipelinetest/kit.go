package pipelinetest

import (
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/lint"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Kit is a source of records and a sink that keeps items, both in memory.
type Kit struct {
	// Records are what the source reads: entities with kind and metadata.name.
	Records []map[string]any
	// Items are what the sink was given to encode.
	Items []component.Item
}

// Registry lists the source catalog, the sink store, the transforms keep and
// note, and stand-ins for the mapping and permissions blocks. A test puts the
// component that it is about in the place of its stand-in.
func (k *Kit) Registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{k.sourceSpec()},
		Sinks:       []component.SinkSpec[any]{k.sinkSpec()},
		Transforms:  []component.TransformSpec[any]{keepSpec(), noteSpec()},
		Mapper:      mapperSpec(),
		Permissions: deciderSpec(),
	}
}

// Variables are those of the environment that the tests' files see.
func Variables() config.Variables {
	set := map[string]string{"CATALOG_URL": "https://catalog.example.com", "STORE_TOKEN": "CANARY", "EMPTY": ""}
	return config.Variables{Lookup: func(name string) (string, bool) { v, ok := set[name]; return v, ok }}
}

// Parse loads a file's text with the kit's parts, or those of a registry made
// from them.
func Parse(text string, registry component.Registry) *pipeline.Definition {
	d := pipeline.Parse("pipeline.yaml", []byte(text), pipeline.Options{Registry: registry, Variables: Variables()})
	lint.Check(d)
	return d
}
