// Package pin compares the files that a plugin's command names with the checksums of the
// pipeline file. plugins/host calls it before each start of a plugin and passes the result
// to plugins/host/launch.
//
// Invariant kept here: the hashed file is the one that runs. A file that only root and the
// user who runs pipe can change runs in place; any other is copied while it is hashed, and
// the copy runs. On Windows every file runs in place. Files that these load are not hashed;
// InterpreterOnly reports a command that hashes only an interpreter.
package pin
