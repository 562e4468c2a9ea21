package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesRefs: refs are compared without regard to case and need not have Backstage's
// grammar; a record with a list named items is a record.
func TestFilesRefs(t *testing.T) {
	h := newHandbook(t)
	text := strings.NewReplacer(`"id":"team-42"`, `"id":"Team-42"`, `"members":["ann"]`, `"members":["ANN"]`,
		`"owner":"team-42"`, `"owner":"TEAM-42","items":[{"id":"x"}]`).Replace(pages(2, 1))
	if c := h.run(text); c.code != 0 || !strings.Contains(c.stdout, "4 records read") {
		t.Fatalf("run: exit %d\n%s", c.code, c.both())
	}
	if got := h.documents(); !strings.Contains(got, `"groups":["team-42"]`) {
		t.Errorf("documents:\n%s", got)
	}
	if got := read(t, filepath.Join(h.env["HANDBOOK_OUT"], "memberships.ndjson")); !strings.Contains(got, `["ann"]`) {
		t.Errorf("memberships:\n%s", got)
	}
	if c := pipe(t, h.env, "explain", handbook, "PAGE-0"); c.code != 0 || !strings.Contains(c.stdout, "team-42") {
		t.Errorf("explain: exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, h.env, "explain", handbook, "pgae-0"); c.code == 0 || !strings.Contains(c.both(), "page-0") {
		t.Errorf("explain a misspelt ref: exit %d\n%s", c.code, c.both())
	}
}
