package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// reviewed returns a world and its folder of --output, in a temporary working directory.
func reviewed(t *testing.T) (w *world, file string) {
	t.Helper()
	w = newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	file, err := filepath.Abs(shipped)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if c := w.pipe(t, "run", "--dry-run", "--output", "out", file); c.code != 0 {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	return w, file
}

// TestDiff: the effect of a change, access first; the sink is neither needed nor contacted.
func TestDiff(t *testing.T) {
	w, file := reviewed(t)
	w.glean.Close()
	delete(w.env, "GLEAN_SERVER_URL")
	delete(w.env, "GLEAN_INDEXING_API_KEY")
	if c := w.pipe(t, "diff", file); c.code != int(job.Done) || !strings.Contains(c.stdout, "nothing would change") {
		t.Errorf("unchanged: exit %d\n%s", c.code, c.both())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := write(t, "changed.yaml", strings.NewReplacer(
		"title: name", `title: name + "!"`, `"private"]`, `"private", "team-only"]`,
		`in ["Component", "API"`, `in ["Component"`,
		"    - name: unknown visibility",
		"    - name: ledger\n      when: metadata.namespace == \"payments-internal\"\n      allow: owner\n"+
			"    - name: hidden\n      when: metadata.name == \"notifier\"\n      allow: none\n    - name: unknown visibility",
	).Replace(string(b)))
	c := w.pipe(t, "diff", "--limit", "0", changed)
	if c.code != int(job.Changes) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	granted, items, _ := strings.Cut(c.stdout, "\ndocuments\n")
	for _, want := range []string{
		"fields that differ: title in ", "who finds what",
		"WIDER     documents component:default/label-printer  nobody → listed, by rule \"private to its " +
			"owners\"\n      + group group:default/depots",
		"narrower  documents component:default/notifier  datasource-users → nobody\n",
		"narrower  documents  datasource-users → listed, by rule \"ledger\"\n      system:payments-internal/ledger, " +
			"component:payments-internal/ledger-service\n      + group group:default/payments",
	} {
		if !strings.Contains(granted, want) {
			t.Errorf("there is no %q above the documents:\n%s", want, c.stdout)
		}
	}
	for _, want := range []string{
		"~ component:default/booking-service", "- booking-service", "+ booking-service!",
		`+ component:default/label-printer  Label Printer Driver!  (found by listed, by rule "private to its owners")`, "- api:default/booking-api",
	} {
		if !strings.Contains(items, want) {
			t.Errorf("there is no %q among the documents:\n%s", want, c.stdout)
		}
	}
	if c := w.pipe(t, "diff", "--limit", "3", changed); !strings.Contains(c.stdout, "more; --limit 0 shows all") ||
		strings.Count(c.stdout, "\n  ~ ")+strings.Count(c.stdout, "\n  + ") > 3 {
		t.Errorf("--limit: %s", c.stdout)
	}
}

// TestDiffJSON: everything becomes everybody's, for a machine to judge.
func TestDiffJSON(t *testing.T) {
	w, file := reviewed(t)
	w.env["DEFAULT_PERMISSIONS"] = "all-users"
	c := w.pipe(t, "diff", "--json", "--limit", "0", file)
	var got struct {
		OK   bool `json:"ok"`
		Data struct {
			Access  []diff.AccessChange `json:"access"`
			Streams []diff.StreamDiff   `json:"streams"`
		} `json:"data"`
	}
	if err := codec.Unmarshal([]byte(c.stdout), &got); err != nil || c.code != int(job.Changes) || !got.OK {
		t.Fatalf("exit %d, %v\n%s", c.code, err, c.both())
	}
	if len(got.Data.Access) != 54 || !got.Data.Access[0].Wider || got.Data.Access[0].To != "all-users" ||
		got.Data.Access[0].Rule != "default" {
		t.Errorf("%d: %+v", len(got.Data.Access), got.Data.Access[:1])
	}
	for _, s := range got.Data.Streams {
		if s.Name == "documents" && (s.Wider != 54 || s.Changed != 0 || s.Before != 56) {
			t.Errorf("%+v", s)
		}
	}
}

// TestDiffSets: a set with a group less is wider, one with a group more narrower.
func TestDiffSets(t *testing.T) {
	t.Parallel()
	const three, two, one = `all_of: ["group:default/routing", "group:default/data", "group:default/platform"]`, `all_of: ["group:default/data", "group:default/routing"]`, `groups: ["group:default/data"]`
	file := func(allow string) string {
		return edited(t, "  rules:\n",
			"  rules:\n    - name: everything\n      when: kind == \"API\"\n      allow:\n        "+allow+"\n")
	}
	for _, c := range []struct{ before, now, mark, names string }{
		{three, two, "WIDER   ", "+ all of group group:default/data and group group:default/routing\n"},
		{two, three, "narrower", "- all of group group:default/data and group group:default/routing\n"},
		{two, one, "WIDER   ", "+ group group:default/data\n"},
		{two, `all_of: [["group:default/data", "group:default/routing"], ["group:default/care", "group:default/platform"]]`, "WIDER   ", "+ all of group group:default/care and group group:default/platform\n"},
	} {
		w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
		out := t.TempDir()
		w.pipe(t, "run", file(c.before), "--dry-run", "--output", out).expect(t, 0)
		got := w.pipe(t, "diff", "--against", out, file(c.now))
		if got.code != int(job.Changes) || !strings.Contains(got.stdout, "  "+c.mark+"  documents, by rule ") ||
			!strings.Contains(got.stdout, "      "+c.names) {
			t.Errorf("%s to %s: exit %d\n%s", c.before, c.now, got.code, got.both())
		}
	}
}

// TestDiffMembers: a group with other members is a change of who finds what.
func TestDiffMembers(t *testing.T) {
	w, file := reviewed(t)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := write(t, "changed.yaml", strings.Replace(string(b), `members: related("hasMember")`, `members: 'filter(related("hasMember"), # != "user:default/liam.obrien")'`, 1))
	c := w.pipe(t, "diff", "--only", "groups", changed)
	if c.code != int(job.Changes) ||
		!strings.Contains(c.stdout,
			"narrower  memberships group:default/payments\n      - user liam.obrien@larkspur.example") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if !strings.Contains(c.stdout, "documents is not written by this run and was not compared") {
		t.Errorf("what --only leaves out is not told: %s", c.stdout)
	}
}

// TestDiffCalls: mistakes in calls.
func TestDiffCalls(t *testing.T) {
	w, file := reviewed(t)
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "documents.ndjson"), []byte("{\"id\":\"a\"}\n{\"id\":\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no folder": {[]string{"--against", "nothing"},
			"write it with pipe run --dry-run --output nothing " + file + ";"},
		"an empty one":   {[]string{"--against", t.TempDir()}, "has no output of a run"},
		"a damaged one":  {[]string{"--against", broken}, "documents.ndjson:2 is not an item of documents"},
		"a file":         {[]string{"--against", file}, "there is no folder"},
		"two files":      {[]string{file}, "diff takes one file, but there are 2"},
		"only a catalog": {[]string{"--catalog", "x.json"}, "--catalog goes with --sandbox"},
	} {
		if c := w.pipe(t, append([]string{"diff", file}, tc.args...)...); c.code != int(job.Wrong) ||
			!strings.Contains(c.stderr, tc.want) {
			t.Errorf("%s: exit %d, want %q\n%s", name, c.code, tc.want, c.both())
		}
	}
}
