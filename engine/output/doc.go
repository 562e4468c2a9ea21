// Package output writes and reads the output folder of a run, for people and programs: a file
// of JSON lines for each stream, exactly as the sink receives it, and files of rejected,
// withheld, widened and deleted items. Another file for each stream has what its lines do not
// contain, such as the ref and the rule of an item. The manifest run.json is written last: it
// names the run and has checksums.
//
// Folder writes the folder, from the callbacks of run.Options; each file is written atomically.
// Open reads it, for package diff, and OpenKept for a run that publishes it. They keep hashes
// of ids and offsets in memory, never items (invariant 7).
package output
