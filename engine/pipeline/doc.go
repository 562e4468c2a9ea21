// Package pipeline loads a pipeline file: it decodes the blocks, finds the
// components in the registry, compiles every expression, and reports everything
// that is wrong with its position. A loaded Definition opens nothing; Open makes
// of it what run.Run runs. What loads without errors can fail afterwards only
// because of data and the outside world (invariant 9).
package pipeline
