// Package baseline keeps what runs need to know about each place that they
// write to: the baseline (the items that the last good run delivered, hashes of their contents,
// and their audiences), the owner id of this folder's uploads, the hidden list, and a lock that
// lets one run at a time write to a place. The guards compare the next run with the baseline
// (invariants 4 and 5).
//
// The files contain refs and ids in clear (the id of a user is an e-mail address), and hashes
// of contents and principals: no titles, no content, no secret. Package state says where they
// are kept. Load reports a damaged, newer or missing baseline; no run removes one.
//
// The source files:
//
//   - store.go, file.go, sealed.go, write.go, load.go, parse.go, convert.go, archive.go: the files
//   - lock.go, take.go, owner.go: who holds and who owns a place
//   - hidden.go, hiding.go, hiddenlist.go: items that users hid
//   - refusal.go, approval.go, approve.go: refused runs, and their approvals
//   - compare.go, previous.go, window.go, widening.go, swap.go, growth.go, query.go: how a run
//     differs from the good runs of the last seven days
//   - upload.go, fate.go: uploads that the sink has not confirmed
//
// It is one package although it has many files: the comparison reads the rows that the loader
// builds and that the writer writes, and no other package may see them.
package baseline
