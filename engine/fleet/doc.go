// Package fleet runs many pipelines on Temporal: the worker, and what people do with a fleet.
//
//   - file.go, stores.go: the worker's file, with the connection, the keys and the state store
//   - dial.go: the connection to Temporal
//   - worker.go: runs workflows and activities until it is told to stop
//   - operation.go, apply.go, run.go, status.go, pause.go: what a command line does through Temporal
//   - local.go: a pipeline with the state store, for approve, adopt, hide and reset
//   - class.go: exit codes of reports
//
// Below it: folder (pipelines and their pins), payload (encryption), workflows (what Temporal
// replays), activities (what workers do) and schedules (plan and apply).
package fleet
