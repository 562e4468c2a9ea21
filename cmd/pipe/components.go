package main

import (
	"github.com/pipe-engine/pipe/engine/component"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sources/backstage"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
	"github.com/pipe-engine/pipe/transforms/set"
)

// components is the only list of what a pipeline file can name.
func components() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec{backstage.Spec(), filesource.Spec()},
		Transforms:  []component.TransformSpec{filter.Spec(), set.Spec(), pluginhost.Spec()},
		Mapper:      mapping.Spec(),
		Permissions: permissions.Spec(),
		Sinks:       []component.SinkSpec{glean.Spec(), filesink.Spec()},
	}
}
