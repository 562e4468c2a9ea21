package e2e

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
)

// pageOf reads a page as a person reads it.
func pageOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return html.UnescapeString(string(b))
}

// TestRunHTML: the page of a refused run has the guards, the deletions, and the command that
// allows it, as on the terminal; that of a delivered run says so, and that of a file with
// errors has them.
func TestRunHTML(t *testing.T) {
	t.Parallel()
	w := night(t)
	path := filepath.Join(t.TempDir(), "run.html")
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	c := w.run(t, "--html", path)
	id := approvalIn(t, c)
	refused := pageOf(t, path)
	for _, want := range []string{"refused, nothing was sent", "max_loss: this run would delete",
		"<code>pipe run --approve " + id + " --set @source.page_size=10", "Deleted items", "component:default/"} {
		if !strings.Contains(refused, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(refused, "--html") {
		t.Error("the call that allows the run writes the page again")
	}
	w.backstage.Heal()
	if c := w.run(t, "--html", path); c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	if page := pageOf(t, path); !strings.Contains(page, ">delivered</span>") || strings.Contains(page, "--approve") {
		t.Error("the page of a delivered run")
	}
	bad := write(t, "bad.yaml", "version: 1\nname: bad\n")
	if c := w.pipe(t, "run", "--html", path, bad); c.code != int(job.Wrong) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	if page := pageOf(t, path); !strings.Contains(page, "did not begin") || !strings.Contains(page, "source") {
		t.Error("the page of a file with errors")
	}
}

// TestHTMLUnwritable: a page that cannot be written fails a run that has no other error,
// and a diff.
func TestHTMLUnwritable(t *testing.T) {
	w, file := reviewed(t)
	for _, args := range [][]string{{"run", "--dry-run", file}, {"diff", file}} {
		c := w.pipe(t, append(args, "--html", filepath.Join(t.TempDir(), "no", "page.html"))...)
		if c.code != int(job.Failed) || !strings.Contains(c.stderr, "--html: ") {
			t.Errorf("%s: exit %d\n%s", args[0], c.code, c.both())
		}
	}
}

// TestDiffHTML: the page has the facts that the terminal prints.
func TestDiffHTML(t *testing.T) {
	w, file := reviewed(t)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := write(t, "changed.yaml", strings.Replace(string(b), `"private"]`, `"private", "team-only"]`, 1))
	path := filepath.Join(t.TempDir(), "diff.html")
	if c := w.pipe(t, "diff", "--html", path, changed); c.code != int(job.Changes) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	page := pageOf(t, path)
	for _, want := range []string{"Diff of", "wider: nobody → listed", "component:default/label-printer",
		"+</span> <bdi>group group:default/depots", "private to its owners"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}
