// Package output is the folder that a run writes for people and programs: a file of
// JSON lines for each stream, exactly as the sink gets it, and files of what was
// rejected, withheld, widened or is gone.
//
// Folder writes it, from the callbacks of run.Options; a file appears whole or not at
// all. Open reads it back, for package diff. Of what it reads it keeps ids as hashes
// and places, never items (invariant 7).
package output
