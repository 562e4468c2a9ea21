// Package pipelinetest supports tests of the loader and of components: a source and a sink in memory, stand-ins for
// the mapping and permissions
// blocks, golden files of everything a person reads, and expressions at random
// for invariant 9. Only tests import it.
package pipelinetest
