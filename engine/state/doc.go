// Package state remembers, on this machine, the last good run of each place that
// runs write to: which items it delivered, a hash of what was in each, and who
// could find it. The guards compare the next run with it (invariants 4 and 5). A
// lock beside it lets one run at a time write to a place.
//
// What lies on disk are refs in clear, and hashes of IDs, contents and names: no
// titles, no content, no addresses, no secret. Folders are 0700 and files 0600.
// A file takes another's place whole or not at all, and one that is damaged or
// is not this place's is set aside, never trusted.
package state
