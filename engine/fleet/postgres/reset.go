package postgres

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/state"
)

// Reset removes all rows of a place in one transaction. Where the row of the place is missing, others are
// removed when one of them proves that they are of this place.
func (s *Store) Reset(place, keep string) (kept state.Kept, err error) {
	f := &files{s: s, place: place}
	err = f.transact(transferTime, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		kept, err = f.reset(ctx, tx, keep)
		return err
	})
	return kept, s.failed("reset the state", err)
}

func (f *files) reset(ctx context.Context, tx pgx.Tx, keep string) (state.Kept, error) {
	var free bool
	key := lockKey("hold", f.s.cfg.Schema, f.place)
	if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", key).Scan(&free); err != nil {
		return 0, err
	}
	if !free {
		return 0, state.ErrHeld
	}
	ids, err := f.own(ctx, tx)
	if err != nil {
		return 0, err
	}
	text, kept, err := f.salvage(ctx, tx, ids, keep)
	if err != nil {
		return 0, err
	}
	for _, table := range []string{f.s.chunks, f.s.files, f.s.holds} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE place = ANY($1)", ids); err != nil {
			return 0, err
		}
	}
	if _, err := tx.Exec(ctx, "DELETE FROM "+f.s.places+" WHERE id = ANY($1)", ids); err != nil {
		return 0, err
	}
	id, err := f.ensurePlace(ctx, tx)
	if err != nil {
		return 0, err
	}
	// The next holder waits as after a lost one, and has a number that no earlier holder had.
	fence := time.Now().UnixMicro()
	_, err = tx.Exec(ctx, "INSERT INTO "+f.s.holds+" (place, fence, released, mac) VALUES ($1, $2, false, $3)", id, fence,
		f.holdMAC(fence, false).sum())
	if err != nil || text == nil {
		return kept, err
	}
	r := &fileRow{name: keep, generation: newGeneration(), size: int64(len(text))}
	if r.chunks, err = f.insert(ctx, tx, id, keep, r.generation, 0, bytes.NewReader(text)); err != nil {
		return 0, err
	}
	p, err := f.readPlace(ctx, tx, true)
	if err != nil {
		return 0, err
	}
	return kept, f.saveFile(ctx, tx, p, r)
}

// own returns the number of the place, whose row is then locked, and numbers that have no such row where a
// file or a hold proves that it is of this place.
func (f *files) own(ctx context.Context, tx pgx.Tx) ([]int64, error) {
	rows, err := tx.Query(ctx, "SELECT id FROM "+f.s.places+" WHERE place = $1 FOR UPDATE", f.place)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	lost := " WHERE place NOT IN (SELECT id FROM " + f.s.places + ")"
	var id, fence int64
	var released bool
	var mac []byte
	if rows, err = tx.Query(ctx, "SELECT place, fence, released, mac FROM "+f.s.holds+lost); err != nil {
		return nil, err
	}
	if _, err = pgx.ForEachRow(rows, []any{&id, &fence, &released, &mac}, func() error {
		if f.holdMAC(fence, released).is(mac) {
			ids = append(ids, id)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var r fileRow
	if rows, err = tx.Query(ctx, "SELECT place, name, generation, size, chunks, modified, mac FROM "+f.s.files+
		lost); err != nil {
		return nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&id, &r.name, &r.generation, &r.size, &r.chunks, &r.modified, &r.mac},
		func() error {
			if f.s.fileMAC(f.place, &r).is(r.mac) {
				ids = append(ids, id)
			}
			return nil
		})
	return ids, err
}

// salvage returns the content of a file that verifies; nil when there is none.
func (f *files) salvage(ctx context.Context, tx pgx.Tx, ids []int64, name string) ([]byte, state.Kept, error) {
	read := func(id int64, r *fileRow) ([]byte, error) {
		out := bytes.NewBuffer([]byte{}) // an empty file is not nil
		err := f.copyOut(ctx, tx, id, r, out)
		return out.Bytes(), err
	}
	isDamage := func(err error) bool { return errors.As(err, new(*state.DamagedError)) }
	p, err := f.readPlace(ctx, tx, true)
	if err == nil {
		r, err := f.readFile(ctx, tx, p, name)
		if isMissing(err) {
			return nil, state.KeptNone, nil
		}
		if err == nil {
			text, err := read(p.id, r)
			if err == nil {
				return text, state.KeptLatest, nil
			}
			if !isDamage(err) {
				return nil, 0, err
			}
		} else if !isDamage(err) {
			return nil, 0, err
		}
	} else if !isDamage(err) {
		return nil, 0, err
	}
	for _, id := range ids {
		r := &fileRow{name: name}
		err := tx.QueryRow(ctx, "SELECT generation, size, chunks, modified, mac FROM "+f.s.files+
			" WHERE place = $1 AND name = $2", id, name).Scan(&r.generation, &r.size, &r.chunks, &r.modified, &r.mac)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !f.s.fileMAC(f.place, r).is(r.mac) {
			continue
		}
		var text []byte
		if err == nil {
			text, err = read(id, r)
		}
		if err == nil {
			return text, state.KeptOlder, nil
		}
		if !isDamage(err) {
			return nil, 0, err
		}
	}
	return nil, state.KeptLost, nil
}
