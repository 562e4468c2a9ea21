// Package payload encrypts what a fleet keeps in Temporal: inputs, results, signals, queries,
// heartbeats, memos and failures. Temporal stores only ciphertext and the ID of the key.
//
// A payload that is not encrypted is refused: whoever can write to Temporal, but has no key, can
// make no worker do anything (invariant 6).
package payload
