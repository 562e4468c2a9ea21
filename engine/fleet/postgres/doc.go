// Package postgres keeps the state of places in PostgreSQL, for workers that share it. It is a
// state.Store; programs pass it to package job.
//
// Each pipeline has a schema, and may have a role that can use no other schema. A schema has five
// tables: versions has the version of the schema; places has a row for each place, with a list of its
// files; holds has who has the hold of a place, as a number that grows with each holder; files has a row
// for each file; chunks has the content, at most 256 KiB a row.
//
// Rows are evidence. Each one has an HMAC-SHA-256, made with a key that the database does not have,
// over everything that gives it its meaning: the place, the file, the version of the file (a random
// generation), the number of the chunk and the data. The row of a file covers its sizes, and the row of a
// place covers the rows of all its files. A row that was changed, removed, reordered, copied from
// another file or place, or put back from an earlier time makes its file damaged, and a run is refused.
// Only a place that is put back whole, with all its rows of one earlier time, reads as that time, as a
// folder does that is restored from a copy.
//
// A writer makes one transaction for each file. It locks the row of the place and, for the holder of the
// place, compares the number of the hold: a holder whose session has ended cannot write. The hold is an
// advisory lock of a session, which a pooler in transaction mode cannot keep; Open detects such a pooler.
//
// The source files:
//
//   - config.go, store.go, pooler.go, errors.go: the connection
//   - schema.go: setting up, migrating and checking schemas
//   - mac.go, place.go: rows and their evidence
//   - files.go, writer.go, appender.go, spool.go: the files of a place
//   - lock.go, hold.go: locks and the hold
package postgres
