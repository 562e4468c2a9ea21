// Package sandbox is an index server with the rules of Glean's Indexing API, on loopback:
// the other end of `pipe run --sandbox` and of the sink's tests. It keeps what it receives
// and can report who finds what.
//
// Where Glean's documentation is silent it takes the stricter reading. Rules enables the
// worse ones, and Readings lists those under which its clients must be correct. Package
// faults makes it misbehave. It validates requests with its own code: it shares only the
// types of package api with the sink: one cannot hide the other's mistakes.
//
// Its own readings: betausers replaces the people of earlier requests, an older version than
// the stored one is answered with 409, and a secret that a rotation replaced works for ten
// minutes.
//
// A datasource has two states: the result of all requests (Server.Index), and what is in
// effect for searches (Server.Effective). Changes of documents take effect
// Rules.DocumentsTake after their request, those of users, groups and memberships
// Rules.IdentitiesTake after it, each in order, and immediately by default. A deleted
// document is UPLOADED and INDEXED until its deletion takes effect.
//
// A paused deletion lasts until Server.FinishDeletions, not seven days.
package sandbox
