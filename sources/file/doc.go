// Package file reads records from files. Reader is the source `source: {file: …}`
// of a pipeline, whose configuration says what a record's ref, kind, title and
// e-mail are. Source hands over records in memory with the model of any source: it
// serves --input and the tests of pipelines.
package file
