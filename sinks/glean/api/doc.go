// Package api holds the types of Glean's Indexing API that pipe uses, written
// by hand and spelt as Glean spells them in JSON. It holds shapes and paths, no
// behaviour; the sink sends them, the sandbox receives them.
//
// Glean refuses null where it expects a list. Lists that a request requires
// have no omitempty and rely on the codec, which writes a nil slice as [].
// Booleans whose default is true, or whose absence means something else than
// false, are pointers.
package api
