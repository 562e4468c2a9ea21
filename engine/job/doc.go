// Package job loads, opens, runs and records one pipeline file, for a command line, a
// server or a worker alike. In the order of a run:
//
//   - options.go: load the file with settings, variables and secrets
//   - sandbox.go: servers on this machine in the place of source and sink
//   - state.go: the state folder
//   - open.go: source and sink are opened, which makes a Job
//   - run.go: the run itself, its output folder, and what it came to
//   - record.go: the report line and the metrics file
//   - nosource.go: in the place of a source that is not opened
//   - diff.go, refs.go, remembered.go: what people ask for outside a run
//   - class.go: the class that scripts and schedulers act on
//
// Run does all of it. Open alone is for what looks at a pipeline without running it.
//
// A job prints nothing and reads no flags: it returns values and typed errors
// (*LoadError, *fault.Invalid, *fault.Refusal, …), and calls the functions of its
// Request in between. The run that it starts keeps invariants 1 to 5; the secrets of
// the file are known to Options.Secrets before anything is opened (invariant 6).
package job
