package e2e

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
)

// TestDatasourceNotTreatedAsNew: an ambiguous answer, or one that contradicts the status or
// the last run, does not set up a datasource as new.
func TestDatasourceNotTreatedAsNew(t *testing.T) {
	t.Parallel()
	const config = "getdatasourceconfig"
	for name, faults := range map[string][]gleanfaults.Fault{
		"a page of a proxy":       {{Path: config, Status: 404, Body: "<html>not found</html>"}},
		"a refusal of something":  {{Path: config, Status: 400, Body: "request blocked"}},
		"the status knows better": {{Path: config, Status: 400, Body: "Invalid datasource"}},
		"the last run knows better": {{Path: config, Status: 400, Body: "Invalid datasource"},
			{Path: "/status", Status: 400, Body: "Invalid datasource"}},
		"the status is not answered": {{Path: config, Status: 404, Body: `{"message":"Invalid datasource"}`}, {Path: "/status", Status: 403, Body: "no"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := bare(t)
			dir := t.TempDir()
			with := edited(t, "      quicklinks:",
				"      redlistTitleRegex: \"^secret\"\n      isTestDatasource: true\n      quicklinks:")
			w.pipe(t, "run", "--apply-datasource", "--progress", "none", "--state", dir, with).expect(t, int(job.Done),
				"was created")
			for _, args := range [][]string{{"datasource", "apply", "--yes"},
				{"run", "--apply-datasource", "--progress", "none"}} {
				for _, f := range faults {
					w.glean.Fail(f)
				}
				c := w.pipe(t, append(args, "--state", dir, shipped)...)
				w.glean.Heal()
				if c.code == int(job.Done) || strings.Contains(c.both(), "was created") {
					t.Errorf("%v: %d %s", args, c.code, c.both())
				}
			}
			if got := w.config(t); got.RedlistTitleRegex != "^secret" || got.IsTestDatasource == nil || !*got.IsTestDatasource {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestTestDatasourceOpens: no run opens a test datasource to everyone; apply says so.
func TestTestDatasourceOpens(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.pipe(t, "datasource", "apply", "--yes",
		edited(t, "      quicklinks:", "      isTestDatasource: true\n      quicklinks:")).expect(t, int(job.Done))
	open := edited(t, "      quicklinks:", "      isTestDatasource: false\n      quicklinks:")
	w.pipe(t, "run", "--apply-datasource", "--progress", "none", open).expect(t, int(job.Refused), "isTestDatasource",
		"pipe datasource apply")
	if got := w.config(t); !*got.IsTestDatasource {
		t.Error("it was opened")
	}
	w.pipe(t, "datasource", "plan", open).expect(t, int(job.Changes), "only its testers see")
	w.pipe(t, "datasource", "apply", "--yes", open).expect(t, int(job.Done), "only its testers see", "verified")
}
