package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// The error codes of PostgreSQL that are used.
const (
	noPermission  = "42501"
	noTable       = "42P01"
	noSchema      = "3F000"
	lockTimeout   = "55P03"
	noSuchRole    = "22023" // of SET ROLE
	unknownOption = "42704"
	readOnly      = "25006" // also of a standby, after a failover
)

// failed returns the error of an operation with its class: an UnavailableError is worth another try.
func (s *Store) failed(what string, err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case isMissing(err), errors.As(err, new(*state.DamagedError)), errors.As(err, new(*state.LostError)),
		errors.As(err, new(*state.UnavailableError)), errors.As(err, new(*fault.StateError)), errors.Is(err, state.ErrHeld):
		return err
	case errors.As(err, &pg) && !passing(pg.Code):
		return fault.Errorf(fault.Fatal, remedyOf(pg.Code), "%s in %s: %v", what, s, err)
	}
	// The cause is not wrapped: a socket that is not there is no file that is not there.
	return &state.UnavailableError{Err: fault.Errorf(fault.Transient, "check that PostgreSQL answers, and run again",
		"%s in %s: %v", what, s, err)}
}

// passing reports whether an error code of the server is worth another try: connection failures, missing
// resources, conflicts of transactions, a server that ends or starts, and one that takes no writes until the
// next connection reaches the one that does.
func passing(code string) bool {
	return code == lockTimeout || code == readOnly || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "53") ||
		strings.HasPrefix(code, "57") || strings.HasPrefix(code, "40") || strings.HasPrefix(code, "25P0")
}

func remedyOf(code string) string {
	switch {
	case code == noPermission:
		return "grant the role of the pipeline its schema: pipe-worker state init"
	case code == noTable, code == noSchema:
		return "set up the schema with pipe-worker state init"
	case strings.HasPrefix(code, "28"), code == "3D000", code == noSuchRole:
		return "check the database, the user, the role and the password"
	}
	return "check the database, and pipe-worker state check"
}

// again reports whether an operation may be tried again.
func again(err error) bool {
	var pg *pgconn.PgError
	return err != nil && !errors.Is(err, context.Canceled) && !errors.As(err, new(*state.LostError)) &&
		!errors.As(err, new(*state.DamagedError)) && !isMissing(err) &&
		!errors.Is(err, errChanged) && (!errors.As(err, &pg) || passing(pg.Code))
}

// isMissing reports whether an error means that a file of a place is not there.
func isMissing(err error) bool {
	var missing *missingError
	return errors.As(err, &missing)
}

// missingError reports a file of a place that is not there.
type missingError struct{ path string }

func (e *missingError) Error() string { return fmt.Sprintf("open %s: %v", e.path, fs.ErrNotExist) }

func (e *missingError) Unwrap() error { return fs.ErrNotExist }

// errChanged means that another process wrote a file that this one appends to.
var errChanged = errors.New("another process has written it at the same time")

// RemedyDamaged says what to do about damaged rows.
const RemedyDamaged = "a person must look: pipe-worker state check names what is damaged; restore the schema from a " +
	"backup, or run pipe-worker state reset PIPELINE, which removes the baseline, the approvals and the audit ledger " +
	"and keeps the hidden list where its rows are whole; runs are then refused until pipe-worker fleet adopt PIPELINE"

func damaged(path, format string, args ...any) error {
	return &state.DamagedError{Path: path, Problem: fmt.Sprintf(format, args...), Remedy: RemedyDamaged}
}
