// Package api holds the types of Glean's Indexing API that pipe uses, written
// by hand and spelt as Glean spells them in JSON, and the one Client that makes
// its requests.
//
// Its place in the flow: every request of the sink goes through the Client,
// which sends the types; the sandbox receives them. What a datasource's status
// says about its contents and its uploads is read here, too.
//
// Invariants kept here. Nothing before everything (1): a request that changes
// something succeeds only when Glean acknowledged it. No mass deletion (4): a
// count that Glean's status lacks is unknown, never zero. Secrets stay secret
// (6): text from an answer is shown without them.
//
// Glean refuses null where it expects a list. Lists that a request requires
// have no omitempty and rely on the codec, which writes a nil slice as [].
// Booleans whose default is true, or whose absence means something else than
// false, are pointers.
package api
