package components

import (
	"github.com/pipe-engine/pipe/engine/component"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sources/backstage"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/sources/push"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
	"github.com/pipe-engine/pipe/transforms/set"
)

// Registry returns a new registry of every source, transform and sink.
func Registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{backstage.Spec().Any(), filesource.Spec().Any(), push.Spec().Any()},
		Models:      []component.ModelSpec[any]{backstage.ModelSpec().Any(), filesource.ModelSpec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any(), set.Spec().Any(), pluginhost.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{glean.Spec().Any(), filesink.Spec().Any()},
	}
}
