package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// Run is a run of a pipeline by the server.
type Run struct {
	ID       string  `json:"id"`
	Pipeline string  `json:"pipeline"`
	Asked    []Asked `json:"asked"`
	Mode     string  `json:"mode,omitempty"` // full or changes; "" for what the file says
	Dry      bool    `json:"dry_run,omitempty"`
	// Only are the streams that the run is limited to; empty for all.
	Only []string `json:"only,omitempty"`

	Started time.Time `json:"started,omitzero"` // zero while it waits to begin
	Ended   time.Time `json:"ended,omitzero"`   // zero while it runs
	// Class is the exit code that pipe run would have; -1 while it runs and when the server ended
	// before the run.
	Class   int    `json:"exit_code"`
	Verdict string `json:"verdict,omitempty"`
	// Refusal is the ID of the refusal; "" when no guard refused the run.
	Refusal string `json:"refusal,omitempty"`
	// Rules is a hash of the parts of the file that decide about records and access, with its
	// plugins.
	Rules  string   `json:"rules,omitempty"`
	Causes []string `json:"causes"`
	// Documents counts the documents by who finds them; nil when the run was not reviewed.
	Documents map[access.Audience]int `json:"-"`
	// Record is what pipe run --report writes; nil while the run has not ended, in lists, and
	// when the server ended before the run.
	Record *report.Record `json:"-"`
	// Facts complete the metrics of the run; nil for a dry run and where Record is nil.
	Facts *report.Facts `json:"-"`
}

// Asked is who or what asked for a run.
type Asked struct {
	By string `json:"by"` // schedule, start, webhook, or the name of a person or a token
	// Person reports whether By is a person.
	Person bool `json:"person,omitempty"`
	// Identity is a hash of who By is at an identity provider; "" when none has said it.
	Identity string    `json:"identity,omitempty"`
	At       time.Time `json:"at"`
	How      string    `json:"how"` // schedule, missed, api, page, push, webhook or approval
}

// VerdictWaiting is the verdict of a run that has not begun; the history does not have it.
const VerdictWaiting = "waiting"

// VerdictHeld is the verdict of a run that was only read and reviewed, since a person has to accept
// the rules first.
const VerdictHeld = "held"

// VerdictInterrupted is the verdict of a run during which the server was ended.
const VerdictInterrupted = "interrupted"

// Begin adds a run that begins.
func (h *History) Begin(ctx context.Context, r *Run) error {
	asked, err := codec.Marshal(r.Asked)
	if err != nil {
		return err
	}
	only, err := codec.Marshal(slices.Concat([]string{}, r.Only))
	if err != nil {
		return err
	}
	return h.exec(ctx, "INSERT INTO runs (id, pipeline, asked, mode, dry, only, started) VALUES (?, ?, ?, ?, ?, ?, ?)",
		r.ID, r.Pipeline, string(asked), r.Mode, r.Dry, string(only), millis(r.Started))
}

// Good reports whether a run delivered everything that it read.
func (r *Run) Good() bool {
	switch job.Class(r.Class) {
	case job.Done, job.Rejected, job.Unconfirmed:
		return !r.Dry && len(r.Only) == 0 && !r.Ended.IsZero()
	}
	return false
}

// End stores how a run ended.
func (h *History) End(ctx context.Context, r *Run) error {
	asked, err := codec.Marshal(r.Asked)
	if err != nil {
		return err
	}
	causes, err := codec.Marshal(r.Causes)
	if err != nil {
		return err
	}
	var record, facts, documents []byte
	if r.Record != nil && r.Record.Report != nil {
		r.Documents = r.Record.Report.Audience
	}
	if len(r.Documents) > 0 {
		if documents, err = codec.Marshal(r.Documents); err != nil {
			return err
		}
	}
	if r.Record != nil {
		if record, err = codec.Marshal(r.Record); err != nil {
			return err
		}
	}
	if r.Facts != nil {
		if facts, err = codec.Marshal(r.Facts); err != nil {
			return err
		}
	}
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return sqlite.Explain(h.path, err)
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `UPDATE runs SET
		asked = ?, ended = ?, class = ?, verdict = ?, refusal = ?, rules = ?, causes = ?, record = ?, facts = ?,
		documents = ? WHERE id = ?`, string(asked), millis(r.Ended), r.Class, r.Verdict, r.Refusal,
		r.Rules, h.secrets.Clean(string(causes)), h.secrets.Clean(string(record)), string(facts), string(documents),
		r.ID)
	if err == nil && r.Good() {
		_, err = tx.ExecContext(ctx, `INSERT INTO good VALUES (?, ?, ?, ?) ON CONFLICT (pipeline)
			DO UPDATE SET run = excluded.run, started = excluded.started, rules = excluded.rules`,
			r.Pipeline, r.ID, millis(r.Started), r.Rules)
		if err == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM accepted WHERE pipeline = ?", r.Pipeline)
		}
	}
	if err == nil {
		err = tx.Commit()
	}
	return sqlite.Explain(h.path, err)
}

// Interrupt ends the runs that have no end, after the server was started again: the server that
// performed them is gone.
func (h *History) Interrupt(ctx context.Context, now time.Time) error {
	return h.exec(ctx, "UPDATE runs SET ended = ?, class = -1, verdict = ?, causes = ? WHERE ended IS NULL", millis(now),
		VerdictInterrupted, `["the server was ended during the run"]`)
}

const runColumns = "id, pipeline, asked, mode, dry, only, started, ended, class, verdict, refusal, rules, causes, " +
	"documents"

// scanRun reads the runColumns, and more of the same row.
func scanRun(row interface{ Scan(...any) error }, more ...any) (*Run, error) {
	r := &Run{Class: -1}
	var asked, causes, only, documents string
	var started int64
	var ended, class sql.NullInt64
	to := append([]any{&r.ID, &r.Pipeline, &asked, &r.Mode, &r.Dry, &only, &started, &ended, &class, &r.Verdict,
		&r.Refusal, &r.Rules, &causes, &documents}, more...)
	if err := row.Scan(to...); err != nil {
		return nil, err
	}
	r.Started = timeOf(started)
	if ended.Valid {
		r.Ended, r.Class = timeOf(ended.Int64), int(class.Int64)
	}
	if documents != "" {
		if err := codec.Unmarshal([]byte(documents), &r.Documents); err != nil {
			return nil, err
		}
	}
	return r, errors.Join(codec.Unmarshal([]byte(asked), &r.Asked), codec.Unmarshal([]byte(causes), &r.Causes),
		codec.Unmarshal([]byte(only), &r.Only))
}

// Runs returns the runs of a pipeline from the newest, at most limit, that began before the run
// with the ID before; "" means from the newest on.
func (h *History) Runs(ctx context.Context, pipeline, before string, limit int) ([]*Run, error) {
	rows, err := h.db.QueryContext(ctx, "SELECT "+runColumns+" FROM runs WHERE pipeline = ? AND (? = '' OR id < ?) "+
		"ORDER BY id DESC LIMIT ?", pipeline, before, before, limit)
	if err != nil {
		return nil, sqlite.Explain(h.path, err)
	}
	defer rows.Close()
	runs := []*Run{}
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, sqlite.Explain(h.path, err)
		}
		runs = append(runs, r)
	}
	return runs, sqlite.Explain(h.path, rows.Err())
}

// Run returns a run with its record; ErrNotFound when there is none.
func (h *History) Run(ctx context.Context, id string) (*Run, error) {
	return h.whole(ctx, "WHERE id = ?", id)
}

// Measured returns the last run of a pipeline that has Facts, with its record; ErrNotFound when
// there is none.
func (h *History) Measured(ctx context.Context, pipeline string) (*Run, error) {
	return h.whole(ctx, "WHERE pipeline = ? AND facts != '' ORDER BY id DESC LIMIT 1", pipeline)
}

// whole returns the run that a condition finds, with its record and facts.
func (h *History) whole(ctx context.Context, where string, args ...any) (*Run, error) {
	var record, facts string
	r, err := scanRun(h.db.QueryRowContext(ctx, "SELECT "+runColumns+", record, facts FROM runs "+where, args...),
		&record, &facts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, sqlite.Explain(h.path, err)
	}
	if record != "" {
		r.Record = &report.Record{}
		if err := codec.Unmarshal([]byte(record), r.Record); err != nil {
			return nil, fmt.Errorf("%s: the record of run %s: %w", h.path, r.ID, err)
		}
	}
	if facts != "" {
		r.Facts = &report.Facts{}
		if err := codec.Unmarshal([]byte(facts), r.Facts); err != nil {
			return nil, fmt.Errorf("%s: the facts of run %s: %w", h.path, r.ID, err)
		}
	}
	return r, nil
}

// Reviewed returns the last run of a pipeline that was refused, or that published all streams;
// ErrNotFound when there is none. Dry runs and runs that failed do not count.
func (h *History) Reviewed(ctx context.Context, pipeline string) (*Run, error) {
	r, err := scanRun(h.db.QueryRowContext(ctx, "SELECT "+runColumns+` FROM runs WHERE pipeline = ? AND dry = 0
		AND (class = 4 OR class IN (0, 3, 7) AND only = '[]') ORDER BY id DESC LIMIT 1`, pipeline))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	return r, sqlite.Explain(h.path, err)
}

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
	return h.exec(ctx, "INSERT INTO due VALUES (?, ?) ON CONFLICT (pipeline) DO UPDATE SET at = excluded.at",
		pipeline, millis(at))
}
