// Package baseline keeps, on this machine, what runs need to know of each place that
// they write to: the baseline (which items the last good run delivered, a hash of
// what was in each, and who could find it), the owner id of this folder's uploads,
// the hidden list, and a lock that lets one run at a time write to a place. The
// guards compare the next run with the baseline (invariants 4 and 5).
//
// The files hold refs and ids in clear (that of a user is an e-mail address), and hashes
// of contents and principals: no titles, no content, no secret. Folders are 0700 and files 0600. A file is
// replaced whole or not at all. Load reports a damaged, newer or missing baseline;
// no run removes one.
//
// What a file is for:
//
//   - store.go, file.go, sealed.go, write.go, load.go, convert.go, archive.go: the files
//   - lock.go, take.go, owner.go: whose the place is
//   - hidden.go, hiding.go, hiddenlist.go: what people hid
//   - refusal.go, approve.go: refused runs, and what allows them
//   - compare.go, previous.go, window.go, swap.go, growth.go, query.go: how a run differs
//     from the good runs of the last seven days
//   - upload.go, fate.go: uploads that the sink has not confirmed
//
// It is one package although it has many files: the comparison reads the rows that the
// loader makes and that the writer writes, and nothing else may see them.
package baseline
