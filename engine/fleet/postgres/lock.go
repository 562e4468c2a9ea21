package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipe-engine/pipe/engine/state"
)

// lockKey returns the number of an advisory lock. Those of all schemas are in one space.
func lockKey(kind, schema, place string) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "pipe\x00%s\x00%s\x00%s", kind, schema, place))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// Lock takes an advisory lock of a session, and uses that session for what is written with the result: a
// session that has ended has neither. A process that does not go on loses it after a lease.
func (f *files) Lock(name string, wait time.Duration) (state.Files, func() error, error) {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if wait > 0 {
		ctx, cancel = context.WithTimeout(ctx, wait+operationTime)
	}
	defer cancel()
	var conn *pgx.Conn
	err := f.s.retry(ctx, func() (err error) { conn, err = f.s.session(ctx); return err })
	if err != nil {
		return nil, nil, f.s.failed("lock "+name, err)
	}
	key := lockKey("lock "+name, f.s.cfg.Schema, f.place)
	_, err = conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d; SELECT pg_advisory_lock(%d); SET lock_timeout = %d",
		wait.Milliseconds(), key, operationTime.Milliseconds()))
	if err != nil {
		_ = conn.Close(context.Background())
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == lockTimeout {
			err = context.DeadlineExceeded
		}
		return nil, nil, f.s.failed("lock "+name, err)
	}
	locked := &files{s: f.s, place: f.place, conn: conn, hold: f.held()}
	return locked, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), operationTime)
		defer cancel()
		return f.s.failed("unlock "+name, conn.Close(ctx)) // which ends the lock
	}, nil
}
