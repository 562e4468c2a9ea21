// Package host runs transform plugins: third-party programs that change records over
// plugins/proto. It is the transform `plugin` of the pipeline file.
//
// A Transform owns one process at a time. The process is started before the read and ended
// after the run. A process that crashes or hangs is replaced, and its batch is tried again
// with no other call in flight; if that fails, on_error decides. At most two calls are in
// flight.
//
// The parts: pin verifies the files of the command, launch starts and ends the process,
// output reads its output, settings checks its configuration. This package has the
// conversation: start, describe, configure, transform, replace. A plugin is pinned and gets
// a clean environment, but is not sandboxed: it gets PATH, HOME and the variables it was
// granted, and a socket in a private folder, which is removed as soon as both ends are
// connected.
//
// Invariants kept here. Decided access (2): a plugin cannot write a path that a permission
// rule reads unless the file allows it. Nothing lost silently (3): a dropped record is
// counted under the transform's name with the plugin's reason, and a failure that leaves
// records unchanged is a note in the report. Secrets stay secret (6): a plugin gets its own
// configuration and nothing else of pipe's.
package host
