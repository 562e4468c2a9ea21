// Package listing writes lists and counts for the notes and errors of the sink.
package listing
