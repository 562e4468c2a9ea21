// Package file is a source of records that were read from a file, with the model of
// another source, so that what was recorded, or written down for a test, runs
// through the same pipeline. Nothing is asked of the other source.
package file
