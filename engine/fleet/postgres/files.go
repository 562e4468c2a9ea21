package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/state"
)

// files are the files of a place.
type files struct {
	s     *Store
	place string
	conn  *pgx.Conn // of a lock; nil to take any of the pool
	mu    sync.Mutex
	hold  *hold // these are the files of a holder until it releases the place
}

func (f *files) held() *hold {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hold
}

// String returns the place with its store.
func (f *files) String() string { return fmt.Sprintf("%s in %s", f.place, f.s) }

func (f *files) Place() string { return f.place }

func (f *files) Key() string { return state.KeyOf(f.place) }

func (f *files) Path(name string) string {
	c := f.s.pool.Config().ConnConfig
	return fmt.Sprintf("postgres://%s/%s/%s/%s%s", c.Host, c.Database, f.s.cfg.Schema, f.Key(), name)
}

// transact calls do in a transaction, and again when it fails for a reason that passes, for a while. do
// can be called after a transaction that did take effect although its result was lost.
func (f *files) transact(limit time.Duration, o pgx.TxOptions, do func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if f.conn != nil {
		return f.attempt(ctx, o, do)
	}
	return f.s.retry(ctx, func() error { return f.attempt(ctx, o, do) })
}

// retry calls do again when it fails for a reason that passes, for a while.
func (s *Store) retry(ctx context.Context, do func() error) error {
	began := time.Now()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := do()
		if !again(err) || time.Since(began)+pause > s.patience {
			return err
		}
		if pg := new(pgconn.PgError); errors.As(err, &pg) && pg.Code == readOnly {
			s.pool.Reset() // a new connection may reach the server that takes writes
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (f *files) attempt(ctx context.Context, o pgx.TxOptions, do func(ctx context.Context, tx pgx.Tx) error) error {
	in := func(tx pgx.Tx) error { return do(ctx, tx) }
	if f.conn != nil {
		return pgx.BeginTxFunc(ctx, f.conn, o, in)
	}
	return pgx.BeginTxFunc(ctx, f.s.pool, o, in)
}

// snapshot is a transaction that reads one state of all rows.
var snapshot = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// Open copies the file to one without a name.
func (f *files) Open(name string) (*os.File, error) {
	var out *os.File
	err := f.transact(transferTime, snapshot, func(ctx context.Context, tx pgx.Tx) error {
		p, err := f.readPlace(ctx, tx, false)
		if err != nil {
			return err
		}
		r, err := f.readFile(ctx, tx, p, name)
		if err != nil {
			return err
		}
		if out != nil { // of an attempt that failed
			out.Close()
		}
		if out, err = atomicfile.Nameless(os.TempDir(), "pipe-state"); err != nil {
			return err
		}
		return f.copyOut(ctx, tx, p.id, r, out)
	})
	if err == nil {
		_, err = out.Seek(0, io.SeekStart)
	}
	if err != nil {
		if out != nil {
			out.Close()
		}
		return nil, f.s.failed("read "+name, err)
	}
	return out, nil
}

// copyOut writes the content of a file and verifies each chunk.
func (f *files) copyOut(ctx context.Context, tx pgx.Tx, place int64, r *fileRow, to io.Writer) error {
	rows, err := tx.Query(ctx, "SELECT generation, number, data, mac FROM "+f.s.chunks+
		" WHERE place = $1 AND name = $2 ORDER BY generation, number", place, r.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var size, n int64
	for rows.Next() {
		var generation, number int64
		var data, mac pgtype.DriverBytes
		if err := rows.Scan(&generation, &number, &data, &mac); err != nil {
			return err
		}
		switch {
		case generation != r.generation:
			return damaged(f.Path(r.name), "it has a chunk of another version")
		case number != n:
			return damaged(f.Path(r.name), "chunk %d is missing", n)
		case !f.s.chunkMAC(f.place, r.name, generation, number, data).is(mac):
			return damaged(f.Path(r.name), "chunk %d was not written with this key, or was changed", n)
		}
		if _, err := to.Write(data); err != nil {
			return err
		}
		size += int64(len(data))
		n++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != r.chunks || size != r.size {
		return damaged(f.Path(r.name), "it has %d chunks with %d bytes instead of %d with %d", n, size, r.chunks, r.size)
	}
	return nil
}

func (f *files) Stat(name string) (info state.Info, err error) {
	err = f.transact(operationTime, snapshot, func(ctx context.Context, tx pgx.Tx) error {
		p, err := f.readPlace(ctx, tx, false)
		if err != nil {
			return err
		}
		r, err := f.readFile(ctx, tx, p, name)
		if err == nil {
			info = r.info()
		}
		return err
	})
	return info, f.s.failed("read "+name, err)
}

func (f *files) List(prefix string) (out []state.Info, err error) {
	err = f.transact(operationTime, snapshot, func(ctx context.Context, tx pgx.Tx) error {
		out = nil
		p, err := f.readPlace(ctx, tx, false)
		if err != nil || p == nil {
			return err
		}
		for _, one := range p.manifest {
			if !strings.HasPrefix(one.name, prefix) {
				continue
			}
			r, err := f.readFile(ctx, tx, p, one.name)
			if err != nil {
				return err
			}
			out = append(out, r.info())
		}
		return nil
	})
	return out, f.s.failed("list the files", err)
}

func (f *files) Remove(name string) error {
	err := f.transact(operationTime, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := f.ensurePlace(ctx, tx); err != nil {
			return err
		}
		p, err := f.lockPlace(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := f.readFile(ctx, tx, p, name); err != nil && !errors.As(err, new(*state.DamagedError)) {
			return err
		}
		for _, table := range []string{f.s.chunks, f.s.files} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE place = $1 AND name = $2", p.id, name); err != nil {
				return err
			}
		}
		p.set(name, nil)
		return f.savePlace(ctx, tx, p)
	})
	return f.s.failed("remove "+name, err)
}

// Sweep does nothing: a transaction that did not end left nothing.
func (f *files) Sweep() {}

func (f *files) Scratch() (string, error) { return os.MkdirTemp("", "pipe-state-*") }

// unknownPlace is the name in reports of a place whose row is missing.
const unknownPlace = "a place without a row"

// checkOrphans returns what every run reports when rows belong to a place that has none; nil if there are
// no such rows.
func (s *Store) checkOrphans() (*PlaceReport, error) {
	f := &files{s: s, place: unknownPlace}
	err := f.transact(operationTime, snapshot, f.orphans)
	if bad := new(state.DamagedError); errors.As(err, &bad) {
		return &PlaceReport{Place: unknownPlace, Damaged: []string{bad.Error()}}, nil
	}
	return nil, s.failed("check the state", err)
}

// checkPlace verifies all rows of a place.
func (s *Store) checkPlace(place string) (PlaceReport, error) {
	f := &files{s: s, place: place}
	out := PlaceReport{Place: place}
	var names []string
	err := f.transact(operationTime, snapshot, func(ctx context.Context, tx pgx.Tx) error {
		out.Damaged = nil
		p, err := f.readPlace(ctx, tx, false)
		if err != nil || p == nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT DISTINCT name FROM (SELECT name FROM "+s.files+" WHERE place = $1 UNION ALL "+
			"SELECT name FROM "+s.chunks+" WHERE place = $1) t", p.id)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		for _, one := range p.manifest {
			names = append(names, one.name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		if err != nil {
			return err
		}
		_, _, err = f.readHold(ctx, tx, p.id, "")
		switch bad := new(state.DamagedError); {
		case errors.Is(err, pgx.ErrNoRows): // nothing has held it
			return nil
		case errors.As(err, &bad):
			out.Damaged = []string{bad.Error()}
			return nil
		}
		return err
	})
	if bad := new(state.DamagedError); errors.As(err, &bad) {
		out.Damaged = []string{bad.Error()}
		return out, nil
	}
	if err != nil {
		return out, s.failed("check "+place, err)
	}
	for _, name := range names {
		in, err := f.Open(name)
		switch bad := new(state.DamagedError); {
		case errors.As(err, &bad):
			out.Damaged = append(out.Damaged, bad.Error())
			continue
		case isMissing(err):
			out.Damaged = append(out.Damaged, damaged(f.Path(name), "it has chunks and no row").Error())
			continue
		case err != nil:
			return out, err
		}
		info, err := in.Stat()
		in.Close()
		if err != nil {
			return out, err
		}
		out.Bytes += info.Size()
	}
	return out, nil
}
