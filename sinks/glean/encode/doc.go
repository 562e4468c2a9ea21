// Package encode encodes items as the JSON that Glean is sent, and decodes it.
//
// Its place in the flow: while the source is read, an Encoder holds users and
// groups until all are known, then rejects duplicate ids, merges users with one
// e-mail and resolves members; documents are made at once, with the names that
// users and groups have by then.
//
// Invariants kept here. Decided access (2): a decision becomes the permissions
// of the document it was made for, and never wider ones; a document that names
// nobody whom Glean knows is withheld. Nothing lost silently (3): what is left
// out of permissions, groups and documents is counted and reported. Bounded
// work (7): users and groups are held, documents never.
package encode
