package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/pipe-engine/pipe/engine/fault"
)

// busyMillis is how long a statement waits for another process that writes.
const busyMillis = 5000

// Open opens the database file at path and creates it when it is missing, with mode 0600. Each
// migration is applied once, in order, in a transaction of its own: a file remembers how many it
// has. A file with more migrations than given was written by a newer program and is an error,
// and so is a damaged file. Every committed transaction survives the end of the process and a
// loss of power.
//
// The database may be used by several goroutines and several processes.
func Open(ctx context.Context, path string, migrations []string) (*sql.DB, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &fault.StateError{Err: err, Remedy: "check that this user may write the folder"}
	}
	file.Close()
	db, err := open(path, "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, migrations); err != nil {
		db.Close()
		return nil, Explain(path, err)
	}
	return db, nil
}

// open opens the file at path with these pragmas. BEGIN takes the write lock at once, since a
// transaction that reads first and writes later fails when another one wrote in between.
func open(path, pragmas string) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute)}
	return sql.Open("sqlite", fmt.Sprintf("%s?_txlock=immediate&_pragma=busy_timeout(%d)&%s",
		address.String(), busyMillis, pragmas))
}

// newerError reports a file that was written by a newer version of the program.
type newerError struct{ has, known int }

func (e *newerError) Error() string {
	return fmt.Sprintf("it was written by a newer version of pipe: it has format %d, and this version knows %d",
		e.has, e.known)
}

func migrate(ctx context.Context, db *sql.DB, migrations []string) error {
	for {
		done, err := step(ctx, db, migrations)
		if err != nil || done {
			return err
		}
	}
}

// step applies the next migration. Two processes that migrate at once apply each one once, since
// the version is read under the write lock.
func step(ctx context.Context, db *sql.DB, migrations []string) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() // does nothing after Commit
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return false, err
	}
	if version > len(migrations) {
		return false, &newerError{has: version, known: len(migrations)}
	}
	if version == len(migrations) {
		return true, nil
	}
	if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
		return false, fmt.Errorf("migration %d: %w", version+1, err)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
		return false, err
	}
	return false, tx.Commit()
}

// Explain returns an error of a database with a cause and a remedy for people: a locked file, a
// full disk, a damaged or newer file. Other errors are returned with the path. It returns nil for
// nil.
func Explain(path string, err error) error {
	if err == nil {
		return nil
	}
	state := func(remedy, cause string) error {
		return &fault.StateError{Err: fmt.Errorf("%s: %s", path, cause), Remedy: remedy}
	}
	var newer *newerError
	if errors.As(err, &newer) {
		return state("use the version of pipe that wrote it, or name another folder", newer.Error())
	}
	switch codeOf(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return state("wait for the other process, or end it", "another process is using the database")
	case lib.SQLITE_FULL:
		return state("free space on the disk, then try again", "the disk is full")
	case lib.SQLITE_NOTADB, lib.SQLITE_CORRUPT:
		return state("restore the file from a backup, or move it away to begin a new one", "the database is damaged")
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM, lib.SQLITE_IOERR:
		return state("check that this user may write the file and its folder", "the database cannot be written: "+err.Error())
	}
	return fmt.Errorf("%s: %w", path, err)
}

// codeOf returns the primary result code of SQLite in err's chain; SQLITE_OK when there is none.
func codeOf(err error) int {
	var e *driver.Error
	if !errors.As(err, &e) {
		return lib.SQLITE_OK
	}
	return e.Code() & 0xff
}

// IsConflict reports whether err is a violated constraint, such as a row that is already there.
func IsConflict(err error) bool { return codeOf(err) == lib.SQLITE_CONSTRAINT }

// IsMissing reports whether there is no database file at path.
func IsMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
