// Package requestlog is the audit log of the requests that were made to a server, or denied. It is
// separate from the program's log, and for whoever answers for that server.
//
// The log is a file of JSON lines that only its owner may read. A line with the decision is written
// before a request is sent, and one with the answer after it; a request whose line cannot be
// written is not sent. Each line has a number and the SHA-256 of the line before, also across
// rotated files: Verify finds a line that was changed, removed or added. Whoever keeps a Mark, as
// the report of a run does, also finds that the end was cut off.
//
// It differs from the ledger of package audit, which records who was given access to what, in
// blocks of one run.
package requestlog
