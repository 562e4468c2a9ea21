// Package audit is the ledger of what a sink was told about access: for each run, push or
// hide, the documents whose audience changed and the groups whose members changed, with
// the run's id, the hash of its file and the approvals that it used. It answers who could
// find a document at a time, and what a person could find.
//
// The ledger is one file of a state folder, for its owner alone. It is only appended to,
// in blocks; each block ends with a checksum over it and the one before, so that a block
// that was changed, removed or cut is found (a ledger that cannot be read answers
// nothing). What is older than the time it is kept is replaced by one block with the
// state at that time.
//
// It says what was told. The sink takes its time to act on that.
package audit
