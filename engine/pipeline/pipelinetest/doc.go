// Package pipelinetest supports tests of the loader and of components: a source and a sink in
// memory, simple mapping and permissions blocks, golden files of everything a person reads, and
// random expressions for invariant 9. Only tests import it.
package pipelinetest
