package store

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
)

// sweepBodies is the number of bodies that one transaction removes.
const sweepBodies = 1000

// Expire removes old sets, keys and changes, and the bodies of no record.
func (s *Store) Expire(ctx context.Context) (out component.Expired, err error) {
	now := s.now()
	err = s.write(ctx, func(t *transaction) error {
		var old []int64
		err := t.each("SELECT n, id FROM sets WHERE began <= ? ORDER BY n", []any{millis(now.Add(-openFor))},
			func(scan func(...any) error) error {
				var n int64
				var id string
				err := scan(&n, &id)
				old, out.Sets = append(old, n), append(out.Sets, id)
				return err
			})
		if err != nil {
			return err
		}
		for _, n := range old {
			if err := dropSet(t, n); err != nil {
				return err
			}
		}
		if err := dropIdle(t, now); err != nil {
			return err
		}
		if out.Keys, err = t.exec("DELETE FROM answers WHERE at <= ?", millis(now.Add(-keepKeys))); err != nil {
			return err
		}
		// changes matter to sets that were open at the time; the last one is shown
		_, err = t.exec("DELETE FROM changes WHERE at <= ? AND generation < (SELECT generation FROM store)",
			millis(now.Add(-keepKeys)))
		return err
	})
	if err != nil {
		return component.Expired{}, err
	}
	return out, s.sweep(ctx)
}

// sweep removes the bodies of no record, a part of them at a time.
func (s *Store) sweep(ctx context.Context) error {
	for {
		done := false
		err := s.write(ctx, func(t *transaction) error {
			const some = "(SELECT body FROM garbage ORDER BY body LIMIT ?)"
			err := t.all([]any{sweepBodies}, "DELETE FROM bodies WHERE id IN "+some, "DELETE FROM garbage WHERE body IN "+some)
			if err != nil {
				return err
			}
			_, err = t.row("SELECT NOT EXISTS (SELECT 1 FROM garbage)", nil, &done)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}
