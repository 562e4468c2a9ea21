package history

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// openOld opens a history that a version of pipe with so many migrations wrote, after statements of
// that version.
func openOld(t *testing.T, steps int, statements ...string) *History {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	db, err := sqlite.Open(t.Context(), path, migrations[:steps])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := Open(t.Context(), path, &redact.Redactor{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// TestOldDocuments: the numbers of documents of earlier runs are taken from their records.
func TestOldDocuments(t *testing.T) {
	const insert = "INSERT INTO runs (id, pipeline, asked, mode, dry, started, ended, class, record) VALUES "
	h := openOld(t, 5,
		insert+`('a', 'p', '[]', '', 0, 1, 2, 0, '{"report":{"audience":{"all-users":2,"nobody":1}}}')`,
		insert+`('b', 'p', '[]', '', 0, 2, 3, 1, '{}')`, insert+`('c', 'p', '[]', '', 0, 3, NULL, NULL, '')`)
	runs, err := h.Runs(t.Context(), "p", "", 10)
	if err != nil || len(runs) != 3 || runs[0].Documents != nil || runs[1].Documents != nil ||
		len(runs[2].Documents) != 2 || runs[2].Documents[access.AllUsers] != 2 {
		t.Errorf("%v, %+v", err, runs)
	}
}

// TestOpenOlder: a file from before runs had numbers keeps its runs, in the order in which they were
// stored, and its last good run.
func TestOpenOlder(t *testing.T) {
	const at = int64(time.Hour / time.Millisecond)
	insert := fmt.Sprintf
	h := openOld(t, 5,
		insert(`INSERT INTO actions (at, who, action, pipeline, run, detail) VALUES
			(%d, 'bot', 'push', 'catalog', '', '')`, at),
		insert(`INSERT INTO runs (id, pipeline, asked, mode, dry, started, ended, class, rules, only) VALUES
			('9-clock-ahead', 'catalog', '[{"by":"ann","how":"page"}]', 'full', 0, %d, %d, 0, 'r1', '["documents"]')`,
			1000*at, 1001*at),
		insert(`INSERT INTO runs (id, pipeline, asked, mode, dry, started, ended, class, rules, facts, record) VALUES
			('1-good', 'catalog', '[]', '', 0, %d, %d, 3, 'r2', '{}', '{}')`, 2*at, 3*at),
		insert(`INSERT INTO runs (id, pipeline, asked, mode, dry, started) VALUES
			('2-running', 'catalog', '[]', '', 1, %d)`, 4*at),
		insert("INSERT INTO good VALUES ('catalog', '1-good', %d, 'r2'), ('wiki', '0-gone', %d, 'r3')", 2*at, 2*at))
	runs, err := h.Runs(t.Context(), "catalog", "", 10)
	if err != nil || len(runs) != 3 {
		t.Fatalf("%v, %+v", err, runs)
	}
	last, good, first := runs[0], runs[1], runs[2]
	if last.ID != "2-running" || !last.Ended.IsZero() || !last.Dry || last.Verdict != "" {
		t.Errorf("the last run: %+v", last)
	}
	if good.ID != "1-good" || good.Class != 3 || good.Action != 1 || good.Started.UnixMilli() != 2*at {
		t.Errorf("the good run: %+v", good)
	}
	if first.ID != "9-clock-ahead" || first.Mode != "full" || first.Asked[0].By != "ann" || first.Only[0] != "documents" {
		t.Errorf("the first run: %+v", first)
	}
	if g, err := h.LastGood(t.Context(), "catalog"); err != nil || g.Number != good.Number || g.Action != 1 ||
		g.Rules != "r2" {
		t.Errorf("the last good run: %v, %+v", err, g)
	}
	if g, err := h.LastGood(t.Context(), "wiki"); err != nil || g.Number != 0 || g.Run != "0-gone" || g.Action != 1 {
		t.Errorf("a good run that is not kept: %v, %+v", err, g)
	}
	if r, err := h.Measured(t.Context(), "catalog"); err != nil || r.ID != "1-good" {
		t.Errorf("the last run with figures: %v, %+v", err, r)
	}
}

// TestOldActions: the actions of earlier versions have no result.
func TestOldActions(t *testing.T) {
	h := openOld(t, 7,
		"INSERT INTO actions (at, who, action, pipeline, run, detail) VALUES (1, 'ann', 'approve', 'p', '', 'x')")
	id, err := h.BeginAct(t.Context(), Action{Who: "bob", Action: "approve", Pipeline: "p"})
	if err == nil {
		err = h.EndAct(t.Context(), id, "done")
	}
	actions, listed := h.Actions(t.Context(), "p", 0, 10)
	if err != nil || listed != nil || len(actions) != 2 || actions[0].Result != "done" || actions[1].Result != "" {
		t.Errorf("%v, %v, %+v", err, listed, actions)
	}
}
