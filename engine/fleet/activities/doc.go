// Package activities does the work of a fleet on a worker: it runs package job, asks the sink and
// reads the state store. Temporal sees IDs, counts and digests; the reasons are in the worker's log.
//
//   - activities.go: what the activities need, and how they find a pipeline
//   - begin.go: Begin starts the workflow of the place, or signals it
//   - run.go, report.go: Run and its result
//   - contact.go: heartbeats, and what ends a run whose heartbeats do not arrive
//   - confirm.go, look.go: one question to the sink, and one to the state store
//   - failure.go: errors by class, without their texts
package activities
