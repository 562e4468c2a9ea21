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
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// Run is a run of a pipeline by the server.
type Run struct {
	// Number orders the runs of a history: a later one has a higher number, whatever the clock said.
	Number   int64   `json:"-"`
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
	// Action is the number of the last action in the audit log before the run began.
	Action int64 `json:"-"`
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

// VerdictWaiting is the verdict of a run that has not begun.
const VerdictWaiting = "waiting"

// VerdictHeld is the verdict of a run that was only read and reviewed, since a person has to accept
// the rules first.
const VerdictHeld = "held"

// VerdictInterrupted is the verdict of a run during which the server was killed.
const VerdictInterrupted = "interrupted"

// VerdictStopped is the verdict of a run that the server stopped since it was about to end.
const VerdictStopped = string(run.VerdictStopped)

// delivered are the classes of runs that delivered everything they read.
var delivered = [...]job.Class{job.Done, job.Rejected, job.Unconfirmed}

// Good reports whether a run delivered everything that it read.
func (r *Run) Good() bool {
	return slices.Contains(delivered[:], job.Class(r.Class)) && !r.Dry && len(r.Only) == 0 && !r.Ended.IsZero()
}

const runColumns = "number, action, id, pipeline, asked, mode, dry, only, started, ended, class, verdict, refusal, " +
	"rules, causes, documents"

// scanRun reads the runColumns, and more of the same row.
func scanRun(row interface{ Scan(...any) error }, more ...any) (*Run, error) {
	r := &Run{Class: -1}
	var asked, causes, only, documents string
	var started, ended, class sql.NullInt64
	to := append([]any{&r.Number, &r.Action, &r.ID, &r.Pipeline, &asked, &r.Mode, &r.Dry, &only, &started, &ended,
		&class, &r.Verdict, &r.Refusal, &r.Rules, &causes, &documents}, more...)
	if err := row.Scan(to...); err != nil {
		return nil, err
	}
	if started.Valid {
		r.Started = timeOf(started.Int64)
	} else {
		r.Verdict = VerdictWaiting
	}
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

// Runs returns the runs of a pipeline that have begun, from the newest, at most limit, and only those
// before the run with the ID before; "" means from the newest on.
func (h *History) Runs(ctx context.Context, pipeline, before string, limit int) ([]*Run, error) {
	return h.list(ctx, `pipeline = ? AND started IS NOT NULL AND (? = '' OR number < (SELECT number FROM runs WHERE id = ?))
		ORDER BY number DESC LIMIT ?`, pipeline, before, before, limit)
}

// Sending returns the last runs of a pipeline that have begun and send something, from the newest, at
// most limit.
func (h *History) Sending(ctx context.Context, pipeline string, limit int) ([]*Run, error) {
	return h.list(ctx, "pipeline = ? AND started IS NOT NULL AND dry = 0 ORDER BY number DESC LIMIT ?", pipeline, limit)
}

// Since returns the runs of a pipeline with higher numbers than one, also those that wait to begin.
func (h *History) Since(ctx context.Context, pipeline string, number int64) ([]*Run, error) {
	return h.list(ctx, "pipeline = ? AND number > ? ORDER BY number", pipeline, number)
}

// list returns the runs that a condition finds.
func (h *History) list(ctx context.Context, where string, args ...any) ([]*Run, error) {
	rows, err := h.db.QueryContext(ctx, "SELECT "+runColumns+" FROM runs WHERE "+where, args...)
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
	return h.whole(ctx, "WHERE pipeline = ? AND facts != '' ORDER BY number DESC LIMIT 1", pipeline)
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
		AND (class = ? OR class IN (?, ?, ?) AND only = '[]') ORDER BY number DESC LIMIT 1`,
		pipeline, job.Refused, delivered[0], delivered[1], delivered[2]))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	return r, sqlite.Explain(h.path, err)
}
