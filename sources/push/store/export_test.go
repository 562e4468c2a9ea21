package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
)

// Clock sets the clock of a store.
func (s *Store) Clock(now func() time.Time) { s.now = now }

// Rows returns the number of rows of a table.
func (s *Store) Rows(t *testing.T, table string) (n int) {
	t.Helper()
	if err := s.db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Stage stages records of a set as a process does that ends before its append is done.
func (s *Store) Stage(t *testing.T, g component.Grant, id, lines string) {
	t.Helper()
	p, err := s.newPart(t.Context(), g, id)
	if err == nil {
		err = p.stage(t.Context(), strings.NewReader(lines))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Stats returns the content of the store in numbers, also before any set was committed.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	t, err := s.begin(ctx, readOnly)
	if err != nil {
		return Stats{}, err
	}
	defer t.tx.Rollback()
	return s.stats(t)
}

// OpenSets returns the IDs of the sets that are open.
func (s *Store) OpenSets(ctx context.Context) (ids []string, err error) {
	t, err := s.begin(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	defer t.tx.Rollback()
	err = t.each("SELECT id FROM sets WHERE began > ? ORDER BY n", []any{millis(s.now().Add(-openFor))},
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
	return ids, err
}
