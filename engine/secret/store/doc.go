// Package store keeps secrets in one file that is encrypted with age
// (https://age-encryption.org) and may be committed to version control: an armored file
// whose content is JSON. The age command reads and writes the same file.
//
// Every change replaces the file as a whole, under a lock: a reader finds the old or the
// new content, and of two writers at once neither loses what the other wrote. The lock is
// an empty file next to the store.
package store
