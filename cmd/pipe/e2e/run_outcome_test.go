package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// printedReport is what --json prints of a run.
type printedReport struct {
	OK   bool `json:"ok"`
	Data struct {
		Verdict  string                    `json:"verdict"`
		Sent     bool                      `json:"sent"`
		Read     int                       `json:"read"`
		Endings  map[string]int            `json:"endings"`
		Reasons  map[string]map[string]int `json:"reasons"`
		Audience map[string]int            `json:"audience"`
		Notes    []string                  `json:"notes"`
		Streams  []struct {
			Name    string         `json:"name"`
			Written bool           `json:"written"`
			Endings map[string]int `json:"endings"`
		} `json:"streams"`
	} `json:"data"`
	Error *report.Error `json:"error"`
}

func runReport(t testing.TB, c call) printedReport {
	t.Helper()
	var r printedReport
	if err := codec.Unmarshal([]byte(c.stdout), &r); err != nil {
		t.Fatalf("%v in %s\n%s", err, c.stdout, c.stderr)
	}
	sum := 0
	for _, n := range r.Data.Endings {
		sum += n
	}
	if sum != r.Data.Read { // invariant 3
		t.Errorf("read %d, endings %v", r.Data.Read, r.Data.Endings)
	}
	return r
}

// TestRun is the main job over real HTTP: every entity of the bundled company ends as the
// pipeline defines, found by exactly the allowed people.
func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	c := w.pipe(t, "run", "--json", shipped)
	if c.code != 0 {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	r := runReport(t, c)
	if r.Data.Read != len(backstagesandbox.Company()) || r.Data.Verdict != "delivered" || !r.Data.Sent {
		t.Errorf("%+v", r.Data)
	}
	index := w.index()
	for _, s := range r.Data.Streams {
		got := map[string]int{"users": len(index.Users), "groups": len(index.Groups),
			"documents": len(index.Documents)}[s.Name]
		if got != s.Endings["delivered"] {
			t.Errorf("%s: %d in the index, %d delivered", s.Name, got, s.Endings["delivered"])
		}
	}
	catalog := catalogOf(t, backstagesandbox.Company())
	catalog.account(t, index, r)
	catalog.access(t, index)
}

// TestRunAgain: the same catalog twice gives the same index, and deleted entities are
// deleted from the index.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	before := w.index()
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	if after := w.index(); len(after.Documents) != len(before.Documents) || len(after.Users) != len(before.Users) {
		t.Errorf("%d documents and %d users became %d and %d", len(before.Documents), len(before.Users), len(after.Documents),
			len(after.Users))
	}
	gone := ""
	for ref := range before.Documents {
		if strings.HasPrefix(ref, "component:") {
			gone = ref
			break
		}
	}
	w.backstage.Remove(gone)
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	if _, there := w.index().Document(gone); there {
		t.Errorf("%s is still in the index", gone)
	}
}

// TestDryRun: nothing is sent, and the output is what would have been sent.
func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	delete(w.env, "GLEAN_INDEXING_API_KEY") // it needs none
	out := t.TempDir()
	c := w.pipe(t, "run", shipped, "--dry-run", "--output", out)
	if c.code != 0 || !strings.Contains(c.stdout, "dry run, nothing sent") {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	if index := w.index(); len(index.Documents)+len(index.Users)+len(index.Uploads) != 0 {
		t.Error("something was sent")
	}
	for name, least := range map[string]int{"users": 20, "groups": 5, "documents": 40, "memberships": 10, "rejected": 0} {
		b, err := os.ReadFile(filepath.Join(out, name+".ndjson"))
		if err != nil {
			t.Error(err)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		if len(lines) < least {
			t.Errorf("%s: %d lines", name, len(lines))
		}
		for _, line := range lines {
			if name == "documents" {
				var doc gleanapi.Document
				if err := codec.Unmarshal([]byte(line), &doc); err != nil || doc.ID == "" || doc.Permissions == nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		}
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	r := runReport(t, w.pipe(t, "run", "--json", "--only", "users,groups", shipped))
	index := w.index()
	if !r.OK || len(index.Documents) != 0 || len(index.Users) == 0 || len(index.Groups) == 0 {
		t.Errorf("%+v: %d documents, %d users", r, len(index.Documents), len(index.Users))
	}
	r = runReport(t, w.pipe(t, "run", "--json", "--only", "documents", shipped))
	if index := w.index(); !r.OK || len(index.Documents) == 0 || len(index.Users) == 0 {
		t.Errorf("%+v", r)
	}
	if c := w.pipe(t, "run", "--only", "document", shipped); c.code != int(job.Wrong) ||
		!strings.Contains(c.stderr, "documents") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestKindsOff: identities that are switched off are not written, and still
// resolve who owns what.
func TestKindsOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	w.env["SYNC_USERS_ENABLED"], w.env["SYNC_GROUPS_ENABLED"] = "false", "false"
	c := w.pipe(t, "run", shipped)
	index := w.index()
	if c.code != 0 || len(index.Users)+len(index.Groups) != 0 || len(index.Documents) == 0 {
		t.Errorf("exit %d: %d users, %d groups, %d documents\n%s", c.code, len(index.Users), len(index.Groups),
			len(index.Documents), c.both())
	}
	if !strings.Contains(c.stderr, "warning") {
		t.Errorf("no warning that nobody new will find anything:\n%s", c.stderr)
	}
}

// TestDefault: the default decides where no rule does, and a default of none does not empty
// the index.
func TestDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	w.env["DEFAULT_PERMISSIONS"] = "owner"
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	index := w.index()
	for id, d := range index.Documents {
		p := d.Permissions
		if p == nil || p.AllowAnonymousAccess || p.AllowAllDatasourceUsersAccess ||
			len(p.AllowedUsers)+len(p.AllowedGroups) == 0 {
			t.Errorf("%s: %+v", id, p)
		}
	}
	w.env["DEFAULT_PERMISSIONS"] = "none"
	c := w.pipe(t, "run", shipped)
	if c.code != int(job.Refused) && len(w.index().Documents) == 0 {
		t.Errorf("exit %d: the index was emptied\n%s", c.code, c.both())
	}
}

func TestEndings(t *testing.T) {
	for _, e := range component.Endings {
		if e.String() == "" || e.String() == "pending" {
			t.Errorf("ending %d has no word", e)
		}
	}
}
