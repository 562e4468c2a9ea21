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

// GoodRules returns the rules of the last run that delivered what it read; ErrNotFound when there
// is none.
func (h *History) GoodRules(ctx context.Context, pipeline string) (rules string, err error) {
	err = h.db.QueryRowContext(ctx, `SELECT rules FROM runs WHERE pipeline = ? AND dry = 0 AND class IN (0, 3, 7)
		ORDER BY id DESC LIMIT 1`, pipeline).Scan(&rules)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNotFound
	}
	return rules, sqlite.Explain(h.path, err)
}

// AcceptRules stores that a person accepted rules.
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
