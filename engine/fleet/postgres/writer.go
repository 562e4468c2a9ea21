package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/state"
)

// chunkSize is the most data of a row.
const chunkSize = 256 << 10

// writer writes the new version of a file.
type writer struct {
	f          *files
	name       string
	spool      spool
	generation int64
	ended      bool
}

func (f *files) Create(name string) (state.Writer, error) {
	return &writer{f: f, name: name, generation: newGeneration()}, nil
}

// newGeneration returns a random number that identifies a version of a file.
func newGeneration() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.ended {
		return 0, errEnded
	}
	return w.spool.Write(b)
}

var errEnded = errors.New("the file was committed or aborted")

func (w *writer) Commit() error {
	if w.ended {
		return errEnded
	}
	defer w.Abort()
	err := w.f.transact(transferTime, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		id, err := w.f.ensurePlace(ctx, tx)
		if err != nil {
			return err
		}
		chunks, err := w.f.insert(ctx, tx, id, w.name, w.generation, 0, w.spool.reader())
		if err != nil {
			return err
		}
		p, err := w.f.lockPlace(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM "+w.f.s.chunks+" WHERE place = $1 AND name = $2 AND generation <> $3",
			p.id, w.name, w.generation)
		if err != nil {
			return err
		}
		return w.f.saveFile(ctx, tx, p, &fileRow{name: w.name, generation: w.generation, size: w.spool.size, chunks: chunks})
	})
	if err != nil && w.committed() { // the answer to COMMIT was lost
		err = nil
	}
	return w.f.s.failed("write "+w.name, err)
}

// committed reports whether the file has this version. It asks through the pool: the connection of a lock
// may have ended with the answer.
func (w *writer) committed() bool {
	info, err := (&files{s: w.f.s, place: w.f.place}).Stat(w.name)
	return err == nil && info.Version == any(w.generation)
}

func (w *writer) Abort() {
	w.ended = true
	w.spool.close()
}

// insert writes chunks, beginning with a number, and returns how many.
func (f *files) insert(ctx context.Context, tx pgx.Tx, place int64, name string, generation, first int64,
	from io.Reader) (int64, error) {
	buffer := make([]byte, chunkSize)
	number := first
	return tx.CopyFrom(ctx, pgx.Identifier{f.s.cfg.Schema, "chunks"},
		[]string{"place", "name", "generation", "number", "data", "mac"}, pgx.CopyFromFunc(func() ([]any, error) {
			n, err := io.ReadFull(from, buffer)
			if n == 0 && errors.Is(err, io.EOF) {
				return nil, nil
			}
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, err
			}
			row := []any{place, name, generation, number, buffer[:n],
				f.s.chunkMAC(f.place, name, generation, number, buffer[:n]).sum()}
			number++
			return row, nil
		}))
}
