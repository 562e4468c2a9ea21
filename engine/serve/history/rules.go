package history

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/sqlite"
)

// Approval is that a person accepted something.
type Approval struct {
	Person string    `json:"person"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Good is the last run of a pipeline that delivered everything it read.
type Good struct {
	Run     string
	Number  int64 // of the run
	Action  int64 // of the last action before it began
	Started time.Time
	Rules   string
}

// LastGood returns the last good run of a pipeline, however long ago it was; ErrNotFound when
// there is none.
func (h *History) LastGood(ctx context.Context, pipeline string) (*Good, error) {
	var g Good
	var started int64
	err := h.db.QueryRowContext(ctx, "SELECT run, number, action, started, rules FROM good WHERE pipeline = ?", pipeline).
		Scan(&g.Run, &g.Number, &g.Action, &started, &g.Rules)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	g.Started = timeOf(started)
	return &g, sqlite.Explain(h.path, err)
}

// AcceptRules stores that a person accepted rules, until the next good run.
func (h *History) AcceptRules(ctx context.Context, pipeline, rules string, a Approval) error {
	return h.exec(ctx, `INSERT INTO accepted VALUES (?, ?, ?, ?, ?) ON CONFLICT (pipeline, rules)
		DO UPDATE SET person = excluded.person, at = excluded.at, reason = excluded.reason`,
		pipeline, rules, a.Person, millis(a.At), h.secrets.Clean(a.Reason))
}

// RulesAccepted reports whether a person accepted rules.
func (h *History) RulesAccepted(ctx context.Context, pipeline, rules string) (bool, error) {
	var n int
	err := h.db.QueryRowContext(ctx, "SELECT count(*) FROM accepted WHERE pipeline = ? AND rules = ?", pipeline, rules).
		Scan(&n)
	return n > 0, sqlite.Explain(h.path, err)
}
