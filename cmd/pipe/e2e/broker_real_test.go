//go:build backstage && unix

package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestRealBackstageBroker: a real Backstage that is read through a hub and an agent gives the index of
// a run that reads it itself. Its token is with the agent alone. A request of the run that the agent
// denies is in its audit log, as are the others.
func TestRealBackstageBroker(t *testing.T) {
	r := realBackstage(t, "BACKSTAGE_TOKEN")
	token := r.env["BACKSTAGE_API_TOKEN"]
	catalog := catalogOf(t, r.entities(t))
	t.Setenv("BACKSTAGE_TOKEN", "") // which the hub would have from the test
	b := &brokered{world: &world{env: maps.Clone(r.env)}}
	b.setUp(t, r.url, token)
	b.startHub(t)
	b.startAgent(t)
	report, out := b.Path("report.json"), t.TempDir()
	c := b.pipe(t, "run", b.pipeline, "--json", "--output", out, "--report", report, "--set",
		"@sink.requests_per_second=0")
	if c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s\n%s", c.code, c.both(), b.agent.text())
	}
	catalog.account(t, r.glean.Index("backstage"), runReport(t, c))
	catalog.access(t, r.glean.Index("backstage"))
	t.Logf("%d entities, %d documents", len(catalog), len(r.glean.Index("backstage").Documents))

	head := auditHead(t, report)
	verified := b.pipe(t, "agent", "audit", "verify", "--head", head, b.Path("audit.jsonl"))
	if verified.code != 0 || !strings.Contains(verified.stdout, "intact") {
		t.Error(verified.both())
	}
	if log := read(t, b.Path("audit.jsonl")); !strings.Contains(log, `"/api/catalog/entities`) ||
		strings.Contains(log, token) {
		t.Error("the audit log has no request of the catalog, or has the token")
	}
	for _, text := range []string{b.hub.text(), b.agent.text(), c.both(), read(t, report)} {
		if strings.Contains(text, token) {
			t.Error("an output has the token of Backstage")
		}
	}
	for _, folder := range []string{out, b.env["XDG_STATE_HOME"]} {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.Contains(read(t, path), token) {
				t.Errorf("%s has the token of Backstage", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if in, err := inMemory(b.agent, token); err != nil {
		t.Logf("the memory of the processes was not searched: %v", err)
	} else if !in[token] {
		t.Error("the memory of the agent does not have the token: the search finds nothing")
	} else if in, err := inMemory(b.hub, token); in[token] || err != nil {
		t.Errorf("the memory of the hub has the token: %v", err)
	}

	// An agent whose rules lack the list of entities.
	b.agent.cmd.Process.Signal(syscall.SIGTERM)
	b.agent.exit()
	b.Write(t, "agent.yaml", strings.Replace(read(t, b.Path("agent.yaml")), "- preset: backstage-catalog",
		"- {method: GET, path: /api/catalog/entity-facets, query: [facet, filter]}", 1))
	b.startAgent(t)
	uploads := len(r.glean.Index("backstage").Uploads)
	denied := b.pipe(t, "run", b.pipeline, "--progress", "none")
	if denied.code != int(job.Failed) || !strings.Contains(denied.both(), "agent acme denied the request") {
		t.Errorf("exit %d\n%s", denied.code, denied.both())
	}
	if n := len(r.glean.Index("backstage").Uploads); n != uploads {
		t.Errorf("%d uploads were begun", n-uploads)
	}
	if log := read(t, b.Path("audit.jsonl")); !strings.Contains(log, `"decision":"denied"`) {
		t.Error("the audit log has no denied request")
	}
	if v := b.pipe(t, "agent", "audit", "verify", b.Path("audit.jsonl")); v.code != 0 {
		t.Error(v.both())
	}
}
