package history

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// History is the open file. Its methods may be called from any goroutine.
type History struct {
	db      *sql.DB
	path    string
	secrets *redact.Redactor
}

// ErrNotFound means that the history has no such run or link.
var ErrNotFound = errors.New("not in the history")

// migrations are the steps from an empty file to the current format. A step never changes once
// it was released. Times are milliseconds since 1970.
var migrations = []string{`
CREATE TABLE runs (
	id TEXT PRIMARY KEY,
	pipeline TEXT NOT NULL,
	asked TEXT NOT NULL,              -- a JSON list of what asked for it
	mode TEXT NOT NULL,               -- full, changes, or as the file says
	dry INTEGER NOT NULL,
	started INTEGER NOT NULL,
	ended INTEGER,                    -- absent while it runs
	class INTEGER,                    -- its exit code
	verdict TEXT NOT NULL DEFAULT '',
	refusal TEXT NOT NULL DEFAULT '', -- the ID that an approval names
	rules TEXT NOT NULL DEFAULT '',   -- a hash of what decides about records and access
	causes TEXT NOT NULL DEFAULT '[]',
	record TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_of ON runs (pipeline, started);
CREATE TABLE due (pipeline TEXT PRIMARY KEY, at INTEGER NOT NULL);
CREATE TABLE actions (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, pipeline TEXT NOT NULL,
	run TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX actions_at ON actions (at);
CREATE TABLE links (hash TEXT PRIMARY KEY, person TEXT NOT NULL, expires INTEGER NOT NULL);
`, `
ALTER TABLE runs ADD COLUMN facts TEXT NOT NULL DEFAULT ''; -- for the metrics; absent for a dry run
`, `
CREATE TABLE accepted (
	pipeline TEXT NOT NULL, rules TEXT NOT NULL, person TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL,
	PRIMARY KEY (pipeline, rules)
);
`, `
ALTER TABLE runs ADD COLUMN only TEXT NOT NULL DEFAULT '[]'; -- the streams that it was limited to
CREATE TABLE good ( -- the last run of each pipeline that delivered everything it read; never removed
	pipeline TEXT PRIMARY KEY, run TEXT NOT NULL, started INTEGER NOT NULL, rules TEXT NOT NULL
);
INSERT INTO good SELECT pipeline, max(id), started, rules FROM runs WHERE dry = 0 AND class IN (0, 3, 7) GROUP BY pipeline;
`, `
CREATE TABLE signouts (id INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, at INTEGER NOT NULL); -- '' is everybody
`, `
ALTER TABLE runs ADD COLUMN documents TEXT NOT NULL DEFAULT ''; -- their number by who finds them, as in the record
UPDATE runs SET documents = coalesce(json_extract(record, '$.report.audience'), '') WHERE json_valid(record);
`, `
CREATE TABLE numbered (
	number INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order in which they were asked for
	id TEXT NOT NULL UNIQUE,
	pipeline TEXT NOT NULL,
	asked TEXT NOT NULL,              -- a JSON list of what asked for it
	mode TEXT NOT NULL,               -- full, changes, or as the file says
	dry INTEGER NOT NULL,
	only TEXT NOT NULL DEFAULT '[]',  -- the streams that it is limited to
	started INTEGER,                  -- absent while it waits to begin
	action INTEGER NOT NULL DEFAULT 0, -- the last action before it began
	ended INTEGER,                    -- absent while it waits or runs
	class INTEGER,                    -- its exit code
	verdict TEXT NOT NULL DEFAULT '',
	refusal TEXT NOT NULL DEFAULT '', -- the ID that an approval names
	rules TEXT NOT NULL DEFAULT '',   -- a hash of what decides about records and access
	causes TEXT NOT NULL DEFAULT '[]',
	record TEXT NOT NULL DEFAULT '',
	facts TEXT NOT NULL DEFAULT '',   -- for the metrics; absent for a dry run
	documents TEXT NOT NULL DEFAULT '' -- their number by who finds them, as in the record
);
INSERT INTO numbered (id, pipeline, asked, mode, dry, only, started, action, ended, class, verdict, refusal, rules, causes,
	record, facts, documents) SELECT id, pipeline, asked, mode, dry, only, started,
	coalesce((SELECT max(id) FROM actions WHERE at < runs.started), 0), ended, class, verdict, refusal, rules, causes,
	record, facts, documents FROM runs ORDER BY rowid;
DROP TABLE runs;
ALTER TABLE numbered RENAME TO runs;
CREATE INDEX runs_of ON runs (pipeline, number);
ALTER TABLE good ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE good ADD COLUMN action INTEGER NOT NULL DEFAULT 0;
UPDATE good SET
	number = coalesce((SELECT number FROM runs WHERE id = good.run),
		(SELECT max(number) FROM runs WHERE pipeline = good.pipeline AND id <= good.run), 0),
	action = coalesce((SELECT action FROM runs WHERE id = good.run),
		(SELECT max(id) FROM actions WHERE at < good.started), 0);
`, `
ALTER TABLE actions ADD COLUMN result TEXT NOT NULL DEFAULT ''; -- how it ended; absent when that is not known
`}

// Open opens the history at path, and creates it when it is missing. Secrets are removed from
// what is stored. A damaged file and one of a newer version are errors with a remedy.
func Open(ctx context.Context, path string, secrets *redact.Redactor) (*History, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, err
	}
	return &History{db: db, path: path, secrets: secrets}, nil
}

// Close closes the file.
func (h *History) Close() error { return h.db.Close() }

// exec runs a statement that changes the file.
func (h *History) exec(ctx context.Context, query string, args ...any) error {
	_, err := h.db.ExecContext(ctx, query, args...)
	return sqlite.Explain(h.path, err)
}

// keptRuns is how long runs are kept, mostKept how many of a pipeline are kept in any case, and
// keptActions how long actions are kept.
const (
	keptRuns    = 90 * 24 * time.Hour
	mostKept    = 50
	keptActions = 400 * 24 * time.Hour
)

// Prune removes what is too old at a time.
func (h *History) Prune(ctx context.Context, now time.Time) error {
	return errors.Join(
		h.exec(ctx, `DELETE FROM runs WHERE ended IS NOT NULL AND started < ? AND id NOT IN (
			SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY pipeline ORDER BY number DESC) AS n FROM runs)
			WHERE n <= ?)`, millis(now.Add(-keptRuns)), mostKept),
		h.exec(ctx, "DELETE FROM actions WHERE at < ?", millis(now.Add(-keptActions))),
		h.exec(ctx, "DELETE FROM links WHERE expires < ?", millis(now)),
		h.exec(ctx, "DELETE FROM signouts WHERE at < ?", millis(now.Add(-keptSignOuts))),
	)
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Check returns why the history cannot be written; nil when it can.
func (h *History) Check(ctx context.Context) error {
	tx, err := h.db.BeginTx(ctx, nil) // takes the write lock
	if err != nil {
		return sqlite.Explain(h.path, err)
	}
	return tx.Rollback()
}
