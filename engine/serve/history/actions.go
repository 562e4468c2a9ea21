package history

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// Action is what a person or token did, for the audit log.
type Action struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	Action   string    `json:"action"`
	Pipeline string    `json:"pipeline,omitempty"`
	Run      string    `json:"run,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	// Result is how it ended: done, or why not. "" means that the server ended before it was known.
	Result string `json:"result,omitempty"`
}

// Act adds an action to the audit log, without secrets in its texts. When it fails, the caller must
// not perform the action.
func (h *History) Act(ctx context.Context, a Action) error {
	_, err := h.BeginAct(ctx, a)
	return err
}

// BeginAct is Act, and returns the ID for EndAct.
func (h *History) BeginAct(ctx context.Context, a Action) (id int64, err error) {
	err = h.db.QueryRowContext(ctx, `INSERT INTO actions (at, who, action, pipeline, run, detail, result)
		VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`, millis(a.At), a.Who, a.Action, a.Pipeline, a.Run,
		h.secrets.Clean(a.Detail), h.secrets.Clean(a.Result)).Scan(&id)
	return id, sqlite.Explain(h.path, err)
}

// EndAct adds the result of an action, without secrets.
func (h *History) EndAct(ctx context.Context, id int64, result string) error {
	return h.exec(ctx, "UPDATE actions SET result = ? WHERE id = ?", h.secrets.Clean(result), id)
}

// Actions returns the actions of a pipeline from the newest, at most limit, with smaller IDs than
// before; 0 means from the newest on. "" means those of all pipelines, and sign-ins.
func (h *History) Actions(ctx context.Context, pipeline string, before int64, limit int) ([]Action, error) {
	rows, err := h.db.QueryContext(ctx, `SELECT id, at, who, action, pipeline, run, detail, result FROM actions
		WHERE (? = '' OR pipeline = ?) AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT ?`,
		pipeline, pipeline, before, before, limit)
	if err != nil {
		return nil, sqlite.Explain(h.path, err)
	}
	defer rows.Close()
	actions := []Action{}
	for rows.Next() {
		var a Action
		var at int64
		if err := rows.Scan(&a.ID, &at, &a.Who, &a.Action, &a.Pipeline, &a.Run, &a.Detail, &a.Result); err != nil {
			return nil, sqlite.Explain(h.path, err)
		}
		a.At = timeOf(at)
		actions = append(actions, a)
	}
	return actions, sqlite.Explain(h.path, rows.Err())
}

// Actors returns who did one of these actions on a pipeline after the action with an ID.
func (h *History) Actors(ctx context.Context, pipeline string, after int64, names ...string) ([]string, error) {
	list, err := codec.Marshal(names)
	if err != nil {
		return nil, err
	}
	rows, err := h.db.QueryContext(ctx, `SELECT DISTINCT who FROM actions WHERE pipeline = ? AND id > ?
		AND action IN (SELECT value FROM json_each(?)) ORDER BY who`, pipeline, after, string(list))
	if err != nil {
		return nil, sqlite.Explain(h.path, err)
	}
	defer rows.Close()
	var who []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, sqlite.Explain(h.path, err)
		}
		who = append(who, one)
	}
	return who, sqlite.Explain(h.path, rows.Err())
}

// AddLink stores that a code signs a person in, once, until a time. Only a hash of the code is
// kept.
func (h *History) AddLink(ctx context.Context, code, person string, expires time.Time) error {
	return h.exec(ctx, "INSERT INTO links VALUES (?, ?, ?)", hashOf(code), person, millis(expires))
}

// TakeLink uses a code up and returns the person for the session; ErrNotFound when it is not
// known, was used, or is too old.
func (h *History) TakeLink(ctx context.Context, code string, now time.Time) (person string, err error) {
	err = h.db.QueryRowContext(ctx, "DELETE FROM links WHERE hash = ? AND expires >= ? RETURNING person",
		hashOf(code), millis(now)).Scan(&person)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNotFound
	}
	return person, sqlite.Explain(h.path, err)
}

func hashOf(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
