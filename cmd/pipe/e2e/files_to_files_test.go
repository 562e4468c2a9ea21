package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// shippedExamples holds the pipelines that are shipped as examples.
const shippedExamples = "../../../pipelines/examples"

const handbook = shippedExamples + "/files/handbook.yaml"

// handbookRun runs the pipeline of files with these records and this output folder.
type handbookRun struct {
	t   *testing.T
	env map[string]string
}

func newHandbook(t *testing.T) handbookRun {
	dir := t.TempDir()
	return handbookRun{t, map[string]string{
		"HANDBOOK_FILE": filepath.Join(dir, "handbook.ndjson"), "HANDBOOK_OUT": filepath.Join(dir, "out"),
		"XDG_STATE_HOME": filepath.Join(dir, "state"), "CI": "true",
	}}
}

func (h handbookRun) run(text string, args ...string) call {
	h.t.Helper()
	if err := os.WriteFile(h.env["HANDBOOK_FILE"], []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return pipe(h.t, h.env, append([]string{"run", handbook}, args...)...)
}

func (h handbookRun) documents() string {
	text, _ := os.ReadFile(filepath.Join(h.env["HANDBOOK_OUT"], "documents.ndjson"))
	return string(text)
}

// pages returns people, a team, and n pages, the first of them only for the team.
func pages(n, restricted int) string {
	var out strings.Builder
	out.WriteString(`{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}` + "\n" +
		`{"id":"team-42","kind":"team","name":"Payments","members":["ann"]}` + "\n")
	for i := range n {
		audience := "all"
		if i < restricted {
			audience = "team"
		}
		fmt.Fprintf(&out, `{"id":"page-%d","kind":"page","name":"Page","owner":"team-42","audience":%q}`+"\n", i, audience)
	}
	return out.String()
}

func TestFilesExample(t *testing.T) {
	t.Parallel()
	if c := pipe(t, nil, "test", handbook); c.code != 0 || !strings.Contains(c.stdout, "7 tests passed") {
		t.Errorf("test: exit %d\n%s", c.code, c.both())
	}
	h := newHandbook(t)
	if c := pipe(t, h.env, "check", handbook); c.code != 0 {
		t.Errorf("check: exit %d\n%s", c.code, c.both())
	}
	c := h.run(read(t, filepath.Join(shippedExamples, "files", "handbook.ndjson")))
	for _, want := range []string{"9 records read", "6 delivered", "2 filtered", "1 withheld",
		"0 rejected"} { // invariant 3
		if c.code != 0 || !strings.Contains(c.stdout, want) {
			t.Errorf("run: exit %d, want %s\n%s", c.code, want, c.both())
		}
	}
	if got := h.documents(); strings.Count(got, "\n") != 2 || strings.Contains(got, "salaries") ||
		!strings.Contains(got, `"groups":["team-42"]`) {
		t.Errorf("documents:\n%s", got)
	}
	if c := pipe(t, h.env, "diff", "--against", h.env["HANDBOOK_OUT"], handbook); c.code != 0 ||
		!strings.Contains(c.stdout, "nothing would change") {
		t.Errorf("diff: exit %d\n%s", c.code, c.both())
	}
}

// TestFilesInvariants: a run that must not publish leaves the files of the last one.
func TestFilesInvariants(t *testing.T) {
	t.Parallel()
	good := pages(100, 50)
	lines := strings.SplitAfter(good, "\n")
	for name, c := range map[string]struct {
		text string
		code int
		want string
	}{
		"nothing before everything: a cut record": {good[:len(good)-20], int(job.Failed), "handbook.ndjson:102"},
		"nothing before everything: an unlisted kind": {
			good + `{"id":"x","kind":"pgae"}`, int(job.Failed), `the kind "pgae"`,
		},
		"no mass deletion": {strings.Join(lines[:52], ""), int(job.Refused), "max_loss"},
		"no mass exposure": {pages(100, 10), int(job.Refused), "max_widen"},
	} {
		h := newHandbook(t)
		if c := h.run(good); c.code != 0 {
			t.Fatalf("the first run: exit %d\n%s", c.code, c.both())
		}
		before := h.documents()
		got := h.run(c.text)
		if got.code != c.code || !strings.Contains(got.both(), c.want) || h.documents() != before {
			t.Errorf("%s: exit %d, want %d and %q; documents changed: %v\n%s", name, got.code, c.code, c.want,
				h.documents() != before, got.both())
		}
	}
}

// TestFilesDecideAccess: invariant 2. A rule that cannot be evaluated rejects the page;
// it does not fall through to the default.
func TestFilesDecideAccess(t *testing.T) {
	t.Parallel()
	h := newHandbook(t)
	c := h.run(pages(200, 0) + `{"id":"odd","kind":"page","name":"Odd","audience":"team","owner":{"id":"team-42"}}` +
		"\n")
	if c.code != int(job.Rejected) || strings.Contains(h.documents(), `"odd"`) || !strings.Contains(c.both(), "odd") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestFilesGuardWithoutState: without the state of the last run, a run that finds its
// files is refused (invariant 5).
func TestFilesGuardWithoutState(t *testing.T) {
	t.Parallel()
	h := newHandbook(t)
	if c := h.run(pages(30, 0)); c.code != 0 {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	h.env["XDG_STATE_HOME"] = t.TempDir()
	if c := h.run(pages(30, 0)); c.code != int(job.Refused) || !strings.Contains(c.both(), "baseline is missing") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
