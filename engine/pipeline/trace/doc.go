// Package trace shows what a pipeline makes of chosen records: Watch does the
// read act of a run, dry and without asking the sink for anything, and a Trace
// remembers each step. Explain puts it beside the lines of the file, and Access
// resolves who finds a document to people, through groups in groups, from what
// the session staged, without knowing the sink.
package trace
