// Package sandbox is an index server with the rules of Glean's Indexing API, on
// loopback: the other end of `pipe run --sandbox` and of the sink's tests. It
// keeps what it is given and can say who finds what.
//
// Where Glean's documents are silent it takes the stricter reading, Rules
// switches on the worse ones, and Readings lists those under which what uses
// the server has to be right. Package faults makes it misbehave. It checks what it
// receives with code of its own: it shares with the sink the shapes of package
// api and nothing else, so that one cannot excuse the other's mistakes.
//
// Readings of its own: betausers puts its people in the place of those named
// before, a version that is older than what is there is the 409, and the secret
// that a rotation replaced works for ten minutes.
//
// A datasource has two states: what requests have left (Server.Index), and what is in
// effect for who finds what (Server.Effective). Changes of documents take effect
// Rules.DocumentsTake after their request, those of users, groups and memberships
// Rules.IdentitiesTake, each in their order, and at once by default. A deleted document
// is still UPLOADED and INDEXED until its deletion takes effect.
//
// Not kept: the end of a paused deletion after seven days.
package sandbox
