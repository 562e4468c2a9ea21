// Package state says where the state of places is kept: what package baseline remembers of each
// place that runs write to, and the audit ledger. A Store has the files of many places. Folder is
// the store in a folder of this machine. Other stores implement the same contract, which package
// statetest checks.
//
// A store knows nothing of the content of its files. It keeps these promises:
//
//   - A file is replaced whole or not at all. A reader has the old content or the new one, and
//     keeps it while the file is replaced or removed.
//   - What was appended is there after Sync, also when the process or the machine ends.
//   - One holder at a time has the hold of a place. When a holder cannot be certain any more that
//     it has the hold, the store says so, and where the store can enforce it, it refuses what such
//     a holder writes.
package state
