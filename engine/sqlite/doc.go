// Package sqlite opens SQLite databases: files that last, with migrations, and scratch databases
// that end with their process. It is the only package that imports the driver; its users work
// with database/sql.
package sqlite
