package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// restrictedRule hides the ledger of the sandbox's catalog from most, with a name that is Markdown,
// HTML and a workflow command.
const restrictedRule = "    - name: \"secret |](https://evil.example)<img src=x>\\n::error::z\"\n" +
	"      when: metadata.name matches \"ledger\"\n      allow: owner\n"

// TestDiffSummary: what is written and printed names only documents that every datasource user
// finds before the change, also when the change opens the others.
func TestDiffSummary(t *testing.T) {
	w, file := reviewed(t)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	opened := strings.Replace(string(b), "title: name", `title: name + "!"`, 1)
	base := write(t, "base.yaml", strings.Replace(string(b), "    - name: unknown visibility",
		restrictedRule+"    - name: unknown visibility", 1))
	w.pipe(t, "run", "--dry-run", "--output", "base", base).expect(t, 0)
	w.pipe(t, "diff", "--against", "base", write(t, "open.yaml", opened)).expect(t, int(job.Changes), "ledger-db")
	summary := "summary.md"
	c := w.pipe(t, "diff", "--against", "base", "--summary", summary, write(t, "open.yaml", opened))
	text := c.both() + read(t, summary)
	c.expect(t, int(job.Changes), "component:default/booking-service", "wider", "!ledger-db")
	if strings.Contains(text, "ledger") || !strings.Contains(text, "component&#58;default&#47;booking&#45;service") {
		t.Error(text)
	}
	c = w.pipe(t, "diff", "--summary", summary, base)
	text = read(t, summary)
	c.expect(t, int(job.Changes), "narrower")
	for _, bad := range []string{"](", "<img", "\n::", "evil.example"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in\n%s", bad, text)
		}
	}
	if n := strings.Count(text, "### Effect of the change"); n != 2 {
		t.Errorf("%d summaries are in the file", n)
	}
	for _, args := range [][]string{{"--json"}, {"--summary", ""}} {
		w.pipe(t, append([]string{"diff", "--summary", summary, base}, args...)...).expect(t, int(job.Wrong), "--summary")
	}
}

// TestSummaryOfFailure: what the source answers is not printed, what is wrong with the file is.
func TestSummaryOfFailure(t *testing.T) {
	w, file := reviewed(t)
	source := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "component:default/canary is not yours", http.StatusForbidden)
	}))
	defer source.Close()
	w.env["BACKSTAGE_BASE_URL"] = source.URL
	for _, args := range [][]string{{"diff"}, {"run", "--dry-run"}} {
		w.pipe(t, append(args, file)...).expect(t, int(job.Failed), "canary")
		c := w.pipe(t, append(args, "--summary", "failed.md", file)...)
		c.expect(t, int(job.Failed), "a request was answered with 403 Forbidden", "!canary")
		if text := read(t, "failed.md"); strings.Contains(text, "canary") || !strings.Contains(text, "403") {
			t.Error(text)
		}
		broken := write(t, "broken.yaml", "nonsense: 1\n")
		w.pipe(t, append(args, "--summary", "broken.md", broken)...).
			expect(t, int(job.Wrong), `unknown key "nonsense"`)
	}
}

// TestRunSummary: a run names no document, whether it is delivered, refused or a dry run.
func TestRunSummary(t *testing.T) {
	w, file := reviewed(t)
	refs := regexp.MustCompile(`"id":"[a-z]+:[^"]+"`).FindAllString(read(t, "out/documents.ndjson"), -1)
	if len(refs) < 50 {
		t.Fatalf("%d refs", len(refs))
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w.pipe(t, "datasource", "apply", "--yes", file).expect(t, 0)
	open := write(t, "open.yaml", strings.Replace(string(b), "default: ${DEFAULT_PERMISSIONS:-datasource-users}",
		"default: all-users", 1))
	for _, tc := range []struct {
		code job.Class
		says string
		args []string
	}{
		{job.Done, "delivered", []string{file}},
		{job.Refused, "wider audience", []string{open}},
		{job.Done, "Dry run: nothing was sent", []string{"--dry-run", file}},
	} {
		c := w.pipe(t, append([]string{"run", "--state", "state", "--log-level", "debug", "--summary", "run.md"},
			tc.args...)...)
		c.expect(t, int(tc.code), tc.says, "Documents that only some people find", "!debug:")
		text := c.both() + read(t, "run.md")
		for _, ref := range refs {
			if ref = strings.Trim(strings.TrimPrefix(ref, `"id":`), `"`); strings.Contains(text, ref) ||
				strings.Contains(text, strings.NewReplacer(":", "&#58;", "/", "&#47;", "-", "&#45;").Replace(ref)) {
				t.Errorf("%v names %s\n%s", tc.args, ref, text)
			}
		}
	}
}
