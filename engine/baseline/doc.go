// Package baseline keeps, on this machine, what runs need to know of each place that
// they write to: the baseline (which items the last good run delivered, a hash of
// what was in each, and who could find it), the owner id of this folder's uploads,
// the hidden list, and a lock that lets one run at a time write to a place. The
// guards compare the next run with the baseline (invariants 4 and 5).
//
// The files hold refs in clear, and hashes of IDs, contents and names: no titles,
// no content, no addresses, no secret. Folders are 0700 and files 0600. A file is
// replaced whole or not at all. Load reports a damaged, newer or missing baseline;
// no run removes one.
package baseline
