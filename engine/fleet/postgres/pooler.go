package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/fault"
)

// oldestServer is the oldest version of the server: 14 has idle_session_timeout.
const oldestServer = 140000

// check checks the server, the connection and the schema.
func (s *Store) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, operationTime)
	defer cancel()
	var server int
	// The simple protocol prepares no statements, which a pooler in transaction mode would mix up.
	err := s.pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int", pgx.QueryExecModeSimpleProtocol).
		Scan(&server)
	if err != nil {
		return s.failed("connect", err)
	}
	if server < oldestServer {
		return &fault.StateError{Err: errors.New("PostgreSQL is older than version 14"), Remedy: "use PostgreSQL 14 or newer"}
	}
	pooled, err := s.pooled(ctx)
	if err != nil {
		return s.failed("check the connection", err)
	}
	if pooled {
		return &fault.StateError{
			Err: errors.New("a pooler in transaction mode answers instead of PostgreSQL: a lock of a session would not " +
				"be that of this worker"),
			Remedy: "connect to PostgreSQL itself, or to a pooler in session mode",
		}
	}
	return s.checkVersion(ctx)
}

// pooled reports whether connections share sessions of the server: while one connection is in a
// transaction, no other connection may have its session, and the other one keeps its own.
func (s *Store) pooled(ctx context.Context) (bool, error) {
	a, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer a.Release()
	b, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer b.Release()
	first, err := backend(ctx, a.Conn())
	if err != nil {
		return false, err
	}
	tx, err := b.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(ctx)
	other, err := backend(ctx, b.Conn())
	if err != nil {
		return false, err
	}
	second, err := backend(ctx, a.Conn())
	return first == other || first != second, err
}

// backend returns the process of the server that answers.
func backend(ctx context.Context, conn *pgx.Conn) (pid uint32, err error) {
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid, err
}
