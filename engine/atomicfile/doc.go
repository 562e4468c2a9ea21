// Package atomicfile replaces files atomically: a reader, or the next run after a crash, finds
// either the old or the new content, never a part of it.
//
// The new content is written to a temporary file in the same folder, synced to disk and
// renamed. Then the folder is synced if the file system allows it. A symlink is replaced, not
// followed.
package atomicfile
