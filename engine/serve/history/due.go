package history

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/sqlite"
)

const setLastDue = "INSERT INTO due VALUES (?, ?) ON CONFLICT (pipeline) DO UPDATE SET at = excluded.at"

// LastDue returns the last time of the schedule that was dealt with; zero for a pipeline that
// the server has never scheduled.
func (h *History) LastDue(ctx context.Context, pipeline string) (time.Time, error) {
	var at int64
	err := h.db.QueryRowContext(ctx, "SELECT at FROM due WHERE pipeline = ?", pipeline).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return timeOf(at), sqlite.Explain(h.path, err)
}

// SetLastDue stores the last time of the schedule that was dealt with.
func (h *History) SetLastDue(ctx context.Context, pipeline string, at time.Time) error {
	return h.exec(ctx, setLastDue, pipeline, millis(at))
}
