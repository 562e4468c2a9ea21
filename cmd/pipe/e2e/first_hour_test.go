package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
)

// TestNextSteps: each command of the first hour names the next one, for a person at a
// terminal alone.
func TestNextSteps(t *testing.T) {
	t.Parallel()
	w := bare(t)
	file := " " + shipped
	for _, step := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"check", shipped}, 0, "Next: pipe doctor" + file},
		{[]string{"datasource", "plan", shipped}, int(job.Changes), "Next: pipe datasource apply" + file},
		{[]string{"datasource", "apply", "--yes", shipped}, 0, "Next: pipe run --dry-run" + file},
		{[]string{"doctor", shipped}, 0, "Next: pipe datasource plan" + file},
		{[]string{"datasource", "plan", shipped}, 0, "Next: pipe run --dry-run" + file},
		{[]string{"run", "--dry-run", "--progress", "none", shipped}, 0, "Next: pipe run" + file},
		{[]string{"run", "--progress", "none", shipped}, 0, "Next: pipe status" + file},
		{[]string{"check", "--json", shipped}, 0, "!Next:"},
	} {
		typed(t, w.env, "", step.args...).expect(t, step.code, step.says)
	}
	w.pipe(t, "check", shipped).expect(t, 0, "!Next:")
	typed(t, nil, "", "check", shipped).expect(t, 0, "Next: set BACKSTAGE_BASE_URL, GLEAN_INDEXING_API_KEY in .env")
	typed(t, nil, "", "run", "--sandbox", "--progress", "none", shipped).expect(t, 0, "Next: pipe init")
}

// TestRetriesAreSaid: a retry is one line, the log at debug has the requests, and --quiet
// prints the result and what needs attention.
func TestRetriesAreSaid(t *testing.T) {
	t.Parallel()
	w := night(t)
	w.glean.Fail(gleanfaults.Fault{Status: 503, Path: "getdatasourceconfig", Times: 1})
	w.pipe(t, "run", shipped, "--progress", "plain", "--log-level", "warning").expect(t, 0,
		"glean answered 503, trying again in", "(attempt 2 of", "read 90 records")
	w.pipe(t, "run", shipped, "--quiet").expect(t, 0, "backstage delivered   82 delivered, 1 merged", "!records read",
		"have the same e-mail")
	w.pipe(t, "doctor", shipped, "--log-level", "debug").expect(t, 0, "debug: request method=GET url=http://127.0.0.1:",
		"/api/catalog/entities/by-query", "status=200 ms=", "attempt=1")
}

// TestFirstMistakes: the mistakes of the first hour, each with its place and what to write.
func TestFirstMistakes(t *testing.T) {
	text := read(t, shipped)
	t.Chdir(t.TempDir())
	if err := os.Mkdir("pipelines", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("pipelines/backstage.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, hint := range map[string]string{
		"backstage.yaml":          "did you mean pipelines/backstage.yaml?",
		"pipelines/backstag.yaml": "did you mean pipelines/backstage.yaml?",
		"catalog/backstage.yaml":  "did you mean pipelines/backstage.yaml?",
		"catalog/other.yaml":      "the folder does not exist either",
		"pipelines":               "is a directory",
	} {
		pipe(t, nil, "check", path).expect(t, int(job.Wrong), hint)
	}
	for _, tc := range []struct{ was, is, at, says string }{
		{"        title: name\n", "        title: name | upper\n", ":16: syntax: `name | upper` is not part of this language",
			"hint: write upper(name)"},
		{"        title: name\n", "        title: .metadata.name\n", ":16: syntax: an expression does not begin with a dot",
			"hint: write metadata.name without the dot"},
		{"        title: name\n", "        title: metadata.title or \"default\"\n", ":31: wrong-type: or does not take",
			"for a value when there is none write ??"},
		{"        title: name\n", "        title: entity.metadata.name\n", ":23: unknown-name: entity has no member metadata",
			"hint: write the member alone, as metadata.name"},
		{"      allow: owner\n", "      allow: {users: [\"ann@example.com\"]}\n", ":23: bad-ref:",
			"the ref of the user instead of an e-mail address, such as user:default/ann"},
		{"default: ${DEFAULT_PERMISSIONS:-datasource-users}", "default: all_users", ":12: not-allowed:",
			"did you mean all-users?"},
		{"instance: ${GLEAN_INSTANCE_NAME:-}", "instance: acme-be", ":15: glean:", "hint: write acme;"},
		{"server_url: ${GLEAN_SERVER_URL:-}", "server_url: https://acme-be.glean.com/api/index/v1", ":17: glean:",
			"write the host alone, as https://acme-be.glean.com"},
	} {
		wrong := strings.Replace(text, tc.was, tc.is, 1)
		if wrong == text {
			t.Fatalf("the shipped pipeline has no %q", tc.was)
		}
		pipe(t, nil, "check", write(t, "x.yaml", wrong)).expect(t, int(job.Wrong), tc.at, tc.says)
	}
	if c := pipe(t, nil, "init", "."); c.code != 0 && !strings.Contains(c.both(), "there already") {
		t.Error(c.both())
	}
	unfilled := write(t, ".env", "BACKSTAGE_BASE_URL=\nGLEAN_INDEXING_API_KEY=\n")
	pipe(t, nil, "doctor", "--env-file", unfilled, "pipelines/backstage.yaml").expect(t, int(job.Wrong),
		"${BACKSTAGE_BASE_URL} is empty: set it in .env or in the environment")
}

// TestInitTests: with all answers, init tests both ends.
func TestInitTests(t *testing.T) {
	t.Parallel()
	w := bare(t)
	answers := strings.Join([]string{w.env["BACKSTAGE_BASE_URL"], w.env["BACKSTAGE_API_TOKEN"], w.env["GLEAN_SERVER_URL"],
		w.env["GLEAN_INDEXING_API_KEY"], "ann@example.com"}, "\n") + "\n"
	c := typed(t, nil, answers, "init", t.TempDir())
	c.expect(t, int(job.Wrong), "Indexing token of Glean", "✓ ", "datasource")
	if strings.Contains(c.both(), w.env["GLEAN_INDEXING_API_KEY"]+"\n") {
		t.Error("a token was printed")
	}
}
