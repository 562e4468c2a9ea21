// Package pipeline loads a pipeline file: it decodes the blocks, finds the components in the
// registry, compiles every expression, and reports all problems with their positions. A loaded
// Definition has opened nothing; Open returns the pipeline for run.Run. A file that loads
// without errors can fail afterwards only because of data and the outside world (invariant 9).
package pipeline
