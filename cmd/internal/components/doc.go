// Package components is the only list of components that a pipeline file can name.
// Programs and tests below cmd pass the Registry to engine/pipeline, which builds
// pipelines from it; nothing registers itself.
package components
