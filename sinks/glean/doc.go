// Package glean is the sink that fills a datasource of Glean through its
// Indexing API: users, groups, the members of each group, documents, each
// upload whole.
//
// Its place in the flow: a Session encodes items while the source is read
// (identities are held until all are known, then merged and resolved), says
// what Glean holds when the run is reviewed, and sends the plan when the guards
// have passed.
//
// Nothing rests on an answer that may be lost: an upload's id names the run that
// makes it and every attempt at a first page has one of its own, what is in
// doubt is found out by sending pages again or from Glean's status (doubt.go),
// and what an earlier run left unfinished is discarded once that run is known to
// have ended, or its lease is over (lease.go).
//
// Invariants kept here. Nothing before everything (1): a session sends nothing
// before Publish, and an upload's last page goes out only when each of its
// other pages was acknowledged. Decided access (2): a decision becomes the
// permissions of the document it was made for, and one that names nobody whom
// Glean knows withholds it. Nothing lost in silence (3): who is left out of
// permissions and groups is counted and reported. No mass deletion (4): what
// Glean refuses counts as lost, an upload of which nothing was accepted is not
// ended, and a count that Glean's status lacks is unknown, never zero. Secrets
// stay secret (6): the token goes to the connection alone, and what Glean
// answers is shown without it. Bounded memory (7): identities are held,
// documents never; at most concurrency + 1 pages are in memory.
package glean
