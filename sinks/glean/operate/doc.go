// Package operate has the operations on a datasource outside a run: check and inspect it,
// hide and push documents, purge everything, process uploads, and rotate the token.
//
// Its place in the flow: the commands of pipe reach an Operator through the sink's
// capabilities. It uses upload to empty a datasource, and datasource to compare it with the
// file.
//
// Invariants kept here. Nothing lost silently (3): a change that Glean accepted but does not
// show yet is reported as unconfirmed, not as done. Secrets stay secret (6): a new token is
// redacted from the moment it is known.
package operate
