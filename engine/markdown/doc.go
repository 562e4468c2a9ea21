// Package markdown makes plain text of Markdown and of the HTML in it: the text that a
// person searches for. The expression function plain uses it. It is the only importer
// of goldmark.
//
// Invariant kept here: bounded work (7). A document is parsed in pieces, since the
// parser takes quadratic time for some documents, and both the source and the text
// have a limit.
package markdown
