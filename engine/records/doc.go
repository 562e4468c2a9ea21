// Package records reads files of records that users recorded or wrote to see what a pipeline
// makes of them: a JSON array, an API response ({"items": […]}), one JSON object per line, or
// YAML documents. Every command reads such files with this package and gets the same records
// from the same file.
package records
