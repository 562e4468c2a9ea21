package history

import (
	"path/filepath"
	"testing"

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
