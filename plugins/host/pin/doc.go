// Package pin compares the files that a plugin's command names with the checksums of
// the pipeline file. plugins/host calls it before each start of a plugin and hands
// what it returns to plugins/host/launch.
//
// Invariant kept here: what was hashed is what runs. A file that only root and the
// user who runs pipe can change runs where it is; any other is copied while it is
// hashed, and the copy runs. On Windows every file runs where it is. What the files
// load is not hashed; InterpreterOnly reports a command of which nothing else is.
package pin
