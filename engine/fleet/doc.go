// Package fleet runs many pipelines on Temporal: the worker, and what people do with a fleet.
//
//   - file.go: the worker's file, with the connection, the keys and the state store
//   - dial.go: the connection to Temporal
//   - worker.go: runs workflows and activities until it is told to stop
//   - run.go, status.go, approve.go, adopt.go, hide.go, pause.go: operations, for a command line
//
// Below it: folder (pipelines and their pins), payload (encryption), workflows (what Temporal
// replays), activities (what workers do) and schedules (plan and apply).
package fleet
