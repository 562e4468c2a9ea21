// Package serve runs pipelines on the schedules in their files, and on request, on one machine. In
// the order of a run:
//
//   - server.go: opens the pipelines, the state folder and the history
//   - pipeline.go: a pipeline, from the parts below
//   - file.go: reads a pipeline file again when it changed, and keeps the last good one
//   - restart.go: what a start runs, after the end of the server before it
//   - request.go: who asks for a run and how
//   - queue.go: the runs that wait; requests that one run can answer become one
//   - timetable.go: when the schedule begins the next run
//   - loop.go: waits for the schedule and for requests
//   - review.go: holds a run until a person accepts its rules
//   - perform.go: one run through package job, and its entry in the history
//   - recovered.go: a panic ends what it is in, and not the server
//   - progress.go, numbers.go: how far a run is, and what it did, without the name of any record
//   - waiting.go: the refusal that waits for approval, without its changes
//   - approve.go: a person allows what a guard refused
//   - push.go: the store of pushed records
//   - search.go, await.go: the index of what any person would find
//   - clock.go: the time of a server, which tests replace
//   - announce.go: the address of a server, for other commands on its machine
//
// The packages below it are the front ends and what they share: history keeps what happened,
// metrics counts it, signin says who is asking and what they may do, ask checks and logs what
// they ask for, api and pages are what they see, preview is the pages for searching, web puts all
// on one address, and client asks a server.
//
// A Server runs a pipeline at most once at a time, and only one server uses a state folder.
package serve
