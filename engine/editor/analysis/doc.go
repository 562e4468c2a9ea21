// Package analysis answers what an editor asks about pipeline and test files: problems, fixes,
// completions, explanations of what is at a place, values for a sample, definitions and
// references. It has the checks and evaluations of engine/check, engine/explain and
// engine/suite, on text from memory.
//
// A workspace may be a stranger's. Variables are not set, secrets are not resolved, plugins are
// not started, no address is contacted, and only regular files of at most 4 MiB below the
// folders of the workspace are read, links resolved (invariants 6, 7).
package analysis
