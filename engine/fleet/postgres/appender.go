package postgres

import (
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/state"
)

// How much and how long an appender keeps before it writes without Sync.
const (
	maxPending  = 4 * chunkSize
	pendingTime = time.Second
)

// appender appends rows to a file.
type appender struct {
	f       *files
	name    string
	row     *fileRow // as it is in the database; nil when the file is not there
	pending bytes.Buffer
	flushed time.Time
}

func (f *files) Append(name string) (state.Appender, error) {
	a := &appender{f: f, name: name, flushed: time.Now()}
	err := f.transact(operationTime, snapshot, func(ctx context.Context, tx pgx.Tx) error {
		p, err := f.readPlace(ctx, tx, false)
		if err != nil {
			return err
		}
		a.row, err = f.readFile(ctx, tx, p, name)
		if isMissing(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, f.s.failed("append to "+name, err)
	}
	return a, nil
}

func (a *appender) Write(b []byte) (int, error) {
	a.pending.Write(b)
	if a.pending.Len() >= maxPending || time.Since(a.flushed) >= pendingTime {
		if err := a.Sync(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func (a *appender) Size() int64 { return a.stored() + int64(a.pending.Len()) }

func (a *appender) stored() int64 {
	if a.row == nil {
		return 0
	}
	return a.row.size
}

// Sync writes what is pending as one transaction.
func (a *appender) Sync() error {
	a.flushed = time.Now()
	if a.pending.Len() == 0 && a.row != nil {
		return nil
	}
	next := &fileRow{name: a.name, generation: newGeneration()}
	if a.row != nil {
		*next = *a.row
	}
	next.size += int64(a.pending.Len())
	first := next.chunks
	err := a.f.transact(operationTime, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := a.f.ensurePlace(ctx, tx); err != nil {
			return err
		}
		p, err := a.f.lockPlace(ctx, tx)
		if err != nil {
			return err
		}
		now, err := a.f.readFile(ctx, tx, p, a.name)
		if err != nil && !isMissing(err) {
			return err
		}
		if err == nil && now.generation == next.generation && now.size == next.size {
			*next = *now // the answer to an earlier COMMIT was lost
			return nil
		}
		if !sameRow(a.row, now) {
			return errChanged
		}
		n, err := a.f.insert(ctx, tx, p.id, a.name, next.generation, first, bytes.NewReader(a.pending.Bytes()))
		if err != nil {
			return err
		}
		next.chunks = first + n
		return a.f.saveFile(ctx, tx, p, next)
	})
	if err != nil {
		return a.f.s.failed("append to "+a.name, err)
	}
	a.row = next
	a.pending.Reset()
	return nil
}

func sameRow(a, b *fileRow) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return bytes.Equal(a.mac, b.mac)
}

func (a *appender) Tail(n int) ([]byte, error) {
	tail := a.pending.Bytes()
	if len(tail) >= n {
		return slices.Clone(tail[len(tail)-n:]), nil
	}
	if a.row == nil {
		return slices.Clone(tail), nil
	}
	var out []byte
	err := a.f.transact(operationTime, snapshot, func(ctx context.Context, tx pgx.Tx) error {
		out = slices.Clone(tail)
		p, err := a.f.readPlace(ctx, tx, false)
		if err != nil {
			return err
		}
		now, err := a.f.readFile(ctx, tx, p, a.name)
		if err != nil {
			return err
		}
		if !sameRow(a.row, now) {
			return errChanged
		}
		for number := now.chunks - 1; number >= 0 && len(out) < n; number-- {
			var data, mac []byte
			err := tx.QueryRow(ctx, "SELECT data, mac FROM "+a.f.s.chunks+" WHERE place = $1 AND name = $2 AND generation = $3 "+
				"AND number = $4", p.id, a.name, now.generation, number).Scan(&data, &mac)
			if err == pgx.ErrNoRows {
				return damaged(a.f.Path(a.name), "chunk %d is missing", number)
			}
			if err != nil {
				return err
			}
			if !a.f.s.chunkMAC(a.f.place, a.name, now.generation, number, data).is(mac) {
				return damaged(a.f.Path(a.name), "chunk %d was not written with this key, or was changed", number)
			}
			out = append(data, out...)
		}
		return nil
	})
	if err != nil {
		return nil, a.f.s.failed("read the end of "+a.name, err)
	}
	return out[max(0, len(out)-n):], nil
}

// Truncate writes the beginning of the file as a new version: a chunk of the old one cannot be put back.
func (a *appender) Truncate(size int64) error {
	if err := a.Sync(); err != nil {
		return err
	}
	if size >= a.stored() {
		return nil
	}
	in, err := a.f.Open(a.name)
	if err != nil {
		return err
	}
	defer in.Close()
	err = state.Replace(a.f, a.name, func(w io.Writer) error {
		_, err := io.CopyN(w, in, size)
		return err
	})
	if err != nil {
		return err
	}
	again, err := a.f.Append(a.name)
	if err == nil {
		a.row = again.(*appender).row
	}
	return err
}

// Close writes what is pending.
func (a *appender) Close() error {
	if a.pending.Len() == 0 {
		return nil
	}
	return a.Sync()
}
