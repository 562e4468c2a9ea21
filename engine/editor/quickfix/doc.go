// Package quickfix turns the hints of problems into edits. A hint that says what to write is a
// claim; a fix is the edit that makes it true. A fix is only returned when the check of the
// changed text no longer reports the problem and reports nothing more instead.
//
// Hints have few forms, which are those of this package's table: "did you mean X?", "write X",
// "start it in column N", and some sentences with one meaning. A hint with a gap (…) claims
// nothing.
package quickfix
