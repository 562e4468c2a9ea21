// Package host runs transform plugins: programs of third parties that change
// records over plugins/proto. It is the transform `plugin` of the pipeline file.
//
// A Transform owns one process at a time. It is started once before the read and
// ended after the run. A process that crashes or hangs is replaced, its batch is
// tried once more with no other call in flight, and then on_error decides. At most
// two calls are in flight.
//
// The parts: pin verifies the files of the command, launch starts and ends the
// process, output takes what it prints, settings checks its configuration. This
// package holds the conversation: start, describe, configure, transform, replace.
// A plugin is pinned and scrubbed, not sandboxed: it gets PATH, HOME and the
// variables it was granted, and a socket in a folder of its own, which is removed
// as soon as both ends are connected.
//
// Invariants kept here. Decided access (2): a plugin cannot write what a permission
// rule reads unless the file allows it. Nothing lost silently (3): a dropped record
// is counted under the transform's name with the plugin's reason, and a failure that
// leaves records unchanged is a note in the report. Secrets stay secret (6): a plugin
// has its own configuration and nothing of pipe's.
package host
