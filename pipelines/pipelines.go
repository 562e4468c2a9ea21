// Package pipelines holds the pipeline that is shipped, for `pipe init`.
package pipelines

import "embed"

// Files are the shipped pipeline, its tests when it has some, and the JSON
// Schemas with which an editor completes them.
//
//go:embed backstage*.yaml schema.json test.schema.json
var Files embed.FS
