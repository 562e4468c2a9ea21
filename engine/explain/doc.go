// Package explain shows what a pipeline makes of chosen records and who would find
// the result. Watch does the read act of a run without sending anything, a Trace
// observes it and keeps the Journey of each chosen record, and Record puts a journey
// next to the lines of the pipeline file that caused each step.
//
// Who finds a document follows from the audience and the memberships that the run
// staged, so the package knows no sink. It runs after engine/pipeline and before a
// front end prints the result; it holds the chosen records and the names of people
// and groups in memory, never the other records (invariant 7).
package explain
