// Package store keeps pushed records in an SQLite file. Records of an open set are staged where
// no run sees them, and a commit makes them the stored records of its scope in one transaction:
// after the end of the process at any moment, the stored records are wholly those from before
// the commit or wholly those from after it. A Snapshot reads one state of the store while other
// processes change it.
//
// Bodies of records are written once; a commit moves only their rows. Expire removes bodies that
// no record has any more.
package store
