// Package backstage reads the software catalog of a Backstage.
//
// The model says what an entity looks like to expressions and decodes it in
// the engine's workers. The reader walks the catalog kind by kind, ordered by
// name, and hands over entities as the bytes they came in, having looked only
// at what they are found by.
//
// It keeps these invariants. Nothing before everything (1): a read ends
// without error only when every kind gave as many entities as Backstage
// promised; what comes short is read once more and is then an error, and so
// are entities that nobody asked for and a catalog that looks empty. Decided
// access (2): relations that cannot be understood reject their entity. Nothing
// lost in silence (3): an entity without a name is handed over too, to be
// rejected by itself. The source is only read (8): three GETs are all that its
// connection lets through.
package backstage
