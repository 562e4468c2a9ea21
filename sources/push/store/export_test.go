package store

import (
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
