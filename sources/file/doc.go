// Package file reads records from files. Reader is the source `source: {file: …}` of a
// pipeline, whose configuration names the members with a record's ref, kind, title and
// e-mail address. Source emits records in memory with the model of any source: it serves
// --input and the tests of pipelines.
package file
