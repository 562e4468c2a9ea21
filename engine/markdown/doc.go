// Package markdown converts Markdown, and HTML in it, to plain text: the text that people
// search for. The expression function plain uses it. It is the only importer of goldmark.
//
// Invariant kept here: bounded work (7). A document is parsed in pieces, because the parser
// takes quadratic time for some documents, and the sizes of the source and the text are
// limited.
package markdown
