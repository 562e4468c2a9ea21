package e2e

import (
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
		"have one e-mail")
	w.pipe(t, "doctor", shipped, "--log-level", "debug").expect(t, 0, "debug: request method=GET url=http://127.0.0.1:",
		"/api/catalog/entities/by-query", "status=200 ms=", "attempt=1")
}
