// Package payload encrypts what a fleet keeps in Temporal: inputs, results, signals, queries,
// heartbeats, memos and failures. Temporal stores only ciphertext and the ID of the key.
//
// A worker refuses a payload that is missing or not encrypted: whoever can write to Temporal, but has no
// key, can make it do only what the fleet has asked for (invariant 6).
package payload
