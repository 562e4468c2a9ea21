// Package audit keeps the ledger of access changes that were sent to a sink: for each run, push
// or hide, the documents whose audience changed and the groups whose members changed, with the
// run's id, the hash of the pipeline file and the approvals that were used. It answers who
// could find a document at a given time, and what a person could find.
//
// The ledger is one file of a state folder, readable only by its owner. Writers append blocks
// to it. Each block ends with a checksum over itself and the block before, which detects
// changed, removed or cut blocks; a damaged ledger answers no query. Events that are older than
// the retention time are replaced by one block with the state at that time.
//
// The ledger records what was sent. The sink takes time to process it.
package audit
