// Package records reads files of records, which people record or write down to see
// what a pipeline makes of them: a JSON array, what an API answered ({"items": […]}),
// one JSON object a line, or YAML documents. Every command that takes such a file
// reads it here, and one file gives the same records everywhere.
package records
