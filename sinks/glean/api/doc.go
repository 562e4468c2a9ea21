// Package api holds the types of Glean's Indexing API that pipe uses, written by hand and
// spelt as in Glean's JSON, and the one Client that makes its requests.
//
// Its place in the flow: every request of the sink goes through the Client, which sends the
// types; the sandbox receives them. The contents and uploads in a datasource's status are
// read here, too.
//
// Invariants kept here. Nothing before everything (1): a request that changes something
// succeeds only when Glean acknowledged it. No mass deletion (4): a count that Glean's
// status lacks is unknown, never zero. Secrets stay secret (6): text from an answer is
// redacted before it is shown.
//
// Glean refuses null where it expects a list. Lists that a request requires have no
// omitempty and rely on the codec, which writes a nil slice as []. Booleans whose default is
// true, or whose absence differs from false, are pointers.
package api
