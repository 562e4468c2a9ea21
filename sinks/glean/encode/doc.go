// Package encode encodes items as JSON for Glean, and decodes it.
//
// Its place in the flow: while the source is read, an Encoder holds users and groups until
// all are known. It then rejects duplicate ids, merges users with the same e-mail address
// and resolves members. Documents are encoded immediately, with the names that users and
// groups have by then.
//
// Invariants kept here. Decided access (2): a decision becomes the permissions of its
// document, and never wider ones; a document with no user or group that Glean knows is
// withheld. Nothing lost silently (3): refs left out of permissions, groups and documents
// are counted and reported. Bounded work (7): users and groups are held, documents never.
package encode
