// Package atomicfile replaces a file whole or not at all: a reader, or the next
// run after a crash, finds the old content or the new, never a part of either.
//
// The new content is written to a temporary file in the same folder, synced to
// disk and renamed; then the folder is synced where the file system allows it. A
// symlink is replaced, not followed.
package atomicfile
