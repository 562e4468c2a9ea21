// Package output is the folder that a run writes for people and programs: a file of
// JSON lines for each stream, exactly as the sink gets it, and files of what was
// rejected, withheld, widened or is gone. Beside each stream lies what its lines do not
// say, such as the ref and the rule of an item. The manifest run.json comes last: it
// names the run and has checksums.
//
// Folder writes it, from the callbacks of run.Options; a file appears whole or not at
// all. Open reads it back, for package diff, and OpenKept for a run that publishes it.
// Of what they read they keep ids as hashes and places, never items (invariant 7).
package output
