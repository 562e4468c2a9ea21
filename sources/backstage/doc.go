// Package backstage reads the software catalog of a Backstage.
//
// The model defines the members of an entity for expressions and decodes it in the engine's
// workers. The reader walks the catalog kind by kind, ordered by name, and passes entities
// on as raw bytes; it reads only their refs.
//
// Documentation (TechDocs) is read after the catalog, one site at a time and several at once:
// its pages are attached to their entities, which decide who finds them. Package techdocs reads
// the files of a site.
//
// It keeps these invariants. Nothing before everything (1): a read succeeds only if every
// kind returned as many entities as Backstage promised. A kind that falls short is read once
// more and is then an error; so are entities that were not requested, and a catalog that
// looks empty. Decided access (2): invalid relations reject their entity. Nothing lost
// silently (3): an entity without a name is passed on, too, and is rejected. The source is
// only read (8): the connection allows only GETs of three paths and the POST of the lookup by
// refs, which changes nothing.
package backstage
