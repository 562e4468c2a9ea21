// Package explain shows what a pipeline makes of chosen records and who would find the result.
// Watch performs the read act of a run without sending anything. A Trace observes it and keeps
// the Journey of each chosen record, and Record maps a journey to the lines of the pipeline
// file that caused each step.
//
// Who finds a document follows from the audience and the memberships that the run staged, which
// keeps the package independent of sinks. It runs after engine/pipeline and before a front end
// prints the result. It holds the chosen records and the names of users and groups in memory,
// never the other records (invariant 7).
package explain
