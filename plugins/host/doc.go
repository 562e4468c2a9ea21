// Package host runs transform plugins: programs of other people, started by
// pipe, that change records over plugins/proto. It is the transform `plugin` of
// the pipeline file.
//
// A Transform owns one process at a time. It is started once before the read
// and ended after the run; a process that crashes or hangs is replaced, its
// batch is tried once more, alone, and then on_error decides. Two calls at most
// are in flight.
//
// A plugin is pinned and scrubbed, not sandboxed. Each file that its command
// names is hashed before each start, and what was hashed is what runs; it gets
// PATH, HOME and the variables it was granted, no stdin, no open file, and a
// socket in a folder of its own that is removed as soon as both are connected.
// On Linux it is the child of a keeper (see Keep), by which everything that it
// started ends with it, and with pipe, however that ends; elsewhere its process
// group does.
//
// Invariants kept here. Decided access (2): what a permission rule reads cannot
// be written by a plugin unless the file allows it. Nothing lost in silence (3):
// a dropped record is counted under the transform's name with the plugin's
// reason, and a failure that leaves records unchanged is a note in the report.
// Secrets stay secret (6): a plugin has its own configuration and nothing of
// pipe's; its secrets are taken out of what it prints.
package host
