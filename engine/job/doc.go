// Package job loads, opens, runs and records one pipeline file for a command line, a server or
// a worker. In the order of a run:
//
//   - options.go: load the file with settings, variables and secrets
//   - sandbox.go: servers on this machine instead of source and sink
//   - state.go: the state folder
//   - open.go: open source and sink, which makes a Job
//   - run.go: the run itself, its output folder, and its result
//   - record.go: the report line and the metrics file
//   - nosource.go: replaces a source that is not opened
//   - diff.go, refs.go, remembered.go: queries outside a run
//   - class.go: the class for scripts and schedulers
//
// Run does all of it. Open is for inspecting a pipeline without running it.
//
// A job prints nothing and reads no flags: it returns values and typed errors (*LoadError,
// *fault.Invalid, *fault.Refusal, …), and calls the functions of its Request in between. Its
// runs keep invariants 1 to 5. The secrets of the file are added to Options.Secrets before
// anything is opened (invariant 6).
package job
