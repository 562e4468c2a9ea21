package history

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/sqlite"
)

// keptSignOuts is how long sign-outs are kept: longer than any session lasts.
const keptSignOuts = 48 * time.Hour

// SignOut ends the sessions of a person, and removes their links that were not used; "" means
// everybody. known reports whether there was a link, or the person has signed in before.
func (h *History) SignOut(ctx context.Context, person string, at time.Time) (known bool, err error) {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return false, sqlite.Explain(h.path, err)
	}
	defer tx.Rollback()
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM links WHERE ? IN ('', person))
		OR EXISTS (SELECT 1 FROM actions WHERE action = 'sign in' AND ? IN ('', who))`, person, person).Scan(&known)
	if err == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM links WHERE ? IN ('', person)", person)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO signouts (person, at) VALUES (?, ?)", person, millis(at))
	}
	if err == nil {
		err = tx.Commit()
	}
	return known, sqlite.Explain(h.path, err)
}

// Mark returns the mark of the last sign-out.
func (h *History) Mark(ctx context.Context) (mark int64, err error) {
	err = h.db.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM signouts").Scan(&mark)
	return mark, sqlite.Explain(h.path, err)
}

// SignedOut reports whether the sessions of a person were ended after a mark.
func (h *History) SignedOut(ctx context.Context, person string, mark int64) (out bool, err error) {
	err = h.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM signouts WHERE id > ? AND person IN ('', ?))", mark,
		person).Scan(&out)
	return out, sqlite.Explain(h.path, err)
}
