// Package workflows has the code that Temporal replays: Start, which a schedule or a person starts,
// and Pipeline: at most one runs for each place of a sink.
//
//   - types.go: what passes between workflows and activities: IDs, counts and digests, nothing else
//   - start.go: Start finds the place on a worker, and starts Pipeline there or joins it
//   - pipeline.go: Pipeline takes requests, runs, waits, and reports
//   - inbox.go: the signals
//   - confirm.go: polls the sink with timers after a run
//
// The code is deterministic: no clock, no goroutine, no map order but those of package workflow.
// Histories of every released version are in testdata, and a test replays them. A change of the
// order of commands needs workflow.GetVersion.
package workflows
