// Package serve runs pipelines on the schedules in their files, and on request, on one machine. In the order of a run:
//
//   - server.go: opens the pipelines, the state folder and the history
//   - pipeline.go: reads a pipeline file again when it changed, and keeps the last good one
//   - request.go: who asks for a run and how; requests that one run can answer become one
//   - loop.go: waits for the schedule and for requests
//   - perform.go: one run through package job, and its entry in the history
//   - approve.go: a person allows what a guard refused
//   - push.go: the store of pushed records
//   - search.go: the index of what any person would find
//
// The packages below it are the front ends: history keeps what happened, signin says who is
// asking and what they may do, api and pages are what they see, and web puts them on one address.
//
// A Server runs a pipeline at most once at a time, and only one server uses a state folder.
package serve
