package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/state"
)

// Silence makes holders ask nothing until the test ends, as processes that are stopped.
func Silence(t *testing.T) {
	silent.Store(true)
	t.Cleanup(func() { silent.Store(false) })
}

// Patient sets how long operations of a store are tried again.
func Patient(s *Store, limit time.Duration) { s.patience = limit }

// Supersede makes the next holder of a place known without ending the session of this one.
func Supersede(t *testing.T, held state.Hold) {
	t.Helper()
	h := held.(*hold)
	err := h.f.transact(operationTime, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE "+h.f.s.holds+" SET fence = $1, mac = $2", h.fence+1,
			h.f.holdMAC(h.fence+1, false).sum())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Unlock gives up the lock of a hold and keeps its session.
func Unlock(t *testing.T, held state.Hold) {
	t.Helper()
	h := held.(*hold)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.conn.Exec(context.Background(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
}

// Suspend makes the time of the wall go on by d, and not the other clock, as it is for a hold of a machine
// that was suspended.
func Suspend(held state.Hold, d time.Duration) {
	h := held.(*hold)
	until := h.until.Load().Round(0).Add(-d) // only the time of the wall
	h.until.Store(&until)
}
