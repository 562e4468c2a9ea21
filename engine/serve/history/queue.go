package history

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// Queue stores a run that waits to begin, or what a further request changed of one that has not
// ended: who asked for it and what it does. due, unless it is zero, becomes the last time of the
// schedule that was dealt with, in the same transaction.
func (h *History) Queue(ctx context.Context, r *Run, due time.Time) error {
	asked, only, err := lists(r)
	if err != nil {
		return err
	}
	return h.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO runs (id, pipeline, asked, mode, dry, only) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET asked = excluded.asked, mode = excluded.mode, dry = excluded.dry,
			only = excluded.only WHERE ended IS NULL`, r.ID, r.Pipeline, asked, r.Mode, r.Dry, only)
		if err == nil && !due.IsZero() {
			_, err = tx.ExecContext(ctx, setLastDue, r.Pipeline, millis(due))
		}
		return err
	})
}

// Queued returns the runs of a pipeline that wait to begin, in the order in which they were asked
// for.
func (h *History) Queued(ctx context.Context, pipeline string) ([]*Run, error) {
	return h.list(ctx, "pipeline = ? AND started IS NULL ORDER BY number", pipeline)
}

// Begin stores that a run begins. It ends earlier runs of the pipeline that have begun and have no
// end: a pipeline runs once at a time, so their result was not stored.
func (h *History) Begin(ctx context.Context, r *Run) error {
	asked, only, err := lists(r)
	if err != nil {
		return err
	}
	return h.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, interrupt+" AND pipeline = ? AND id != ?", millis(r.Started), VerdictInterrupted,
			`["the result of the run was not stored"]`, r.Pipeline, r.ID)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO runs (id, pipeline, asked, mode, dry, only, started, action)
			VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(id), 0) FROM actions))
			ON CONFLICT (id) DO UPDATE SET started = excluded.started, action = excluded.action`,
			r.ID, r.Pipeline, asked, r.Mode, r.Dry, only, millis(r.Started))
		return err
	})
}

// EncodeError means that a run cannot be stored, whatever the state of the file.
type EncodeError struct{ err error }

// Error returns the reason.
func (e *EncodeError) Error() string { return "encode the run: " + e.err.Error() }

// Unwrap returns the cause.
func (e *EncodeError) Unwrap() error { return e.err }

// End stores how a run ended. Who asked for it is what Queue and Begin stored. It returns an
// *EncodeError when another try cannot succeed.
func (h *History) End(ctx context.Context, r *Run) error {
	causes, err := codec.Marshal(r.Causes)
	var record, facts, documents []byte
	if r.Record != nil && r.Record.Report != nil {
		r.Documents = r.Record.Report.Audience
	}
	if err == nil && len(r.Documents) > 0 {
		documents, err = codec.Marshal(r.Documents)
	}
	if err == nil && r.Record != nil {
		record, err = codec.Marshal(r.Record)
	}
	if err == nil && r.Facts != nil {
		facts, err = codec.Marshal(r.Facts)
	}
	if err != nil {
		return &EncodeError{err}
	}
	return h.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE runs SET ended = ?, class = ?, verdict = ?, refusal = ?, rules = ?, causes = ?,
			record = ?, facts = ?, documents = ? WHERE id = ?`, millis(r.Ended), r.Class, r.Verdict, r.Refusal, r.Rules,
			h.secrets.Clean(string(causes)), h.secrets.Clean(string(record)), string(facts),
			string(documents), r.ID)
		if err != nil || !r.Good() {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO good (pipeline, run, started, rules, number, action)
			SELECT pipeline, id, started, rules, number, action FROM runs WHERE id = ? ON CONFLICT (pipeline)
			DO UPDATE SET run = excluded.run, started = excluded.started, rules = excluded.rules,
			number = excluded.number, action = excluded.action`, r.ID)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM accepted WHERE pipeline = ?", r.Pipeline)
		return err
	})
}

// Interrupt ends the runs that have begun and have no end, after the server was started again: the
// server that performed them is gone.
func (h *History) Interrupt(ctx context.Context, now time.Time) error {
	return h.exec(ctx, interrupt, millis(now), VerdictInterrupted, `["the server was ended during the run"]`)
}

const interrupt = `UPDATE runs SET ended = ?, class = -1, verdict = ?, causes = ? WHERE started IS NOT NULL AND ended IS NULL`

// lists returns the lists of a run as they are stored.
func lists(r *Run) (asked, only string, err error) {
	a, err := codec.Marshal(slices.Concat([]Asked{}, r.Asked))
	if err != nil {
		return "", "", err
	}
	o, err := codec.Marshal(slices.Concat([]string{}, r.Only))
	return string(a), string(o), err
}

// change changes the file in one transaction.
func (h *History) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return sqlite.Explain(h.path, err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err = do(tx); err == nil {
		err = tx.Commit()
	}
	return sqlite.Explain(h.path, err)
}
