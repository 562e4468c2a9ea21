// Package history keeps what a server did in an SQLite file: its runs, the actions of
// everybody who signed in, and sign-in links that are not used yet. It holds
// counts, causes, refs and IDs, never titles or texts.
//
// Each change is a transaction, so a process that is killed leaves the state before or after it.
package history
