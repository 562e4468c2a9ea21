package e2e

import (
	"net/http"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestPreflight: what publishing depends on fails before the catalog is read. The
// catalog of each case answers 403, which would be the error of a read.
func TestPreflight(t *testing.T) {
	for name, tc := range map[string]struct {
		fault *gleanfaults.Fault
		glean gleansandbox.Options
		env   map[string]string
		code  int
		says  []string
	}{
		"a refused token": {fault: &gleanfaults.Fault{Status: http.StatusUnauthorized}, code: int(job.Failed),
			says: []string{"401", "the token of glean was refused"}},
		"a missing datasource": {glean: gleansandbox.Options{Datasources: []gleanapi.DatasourceConfig{}},
			code: int(job.Wrong), says: []string{"pipe datasource apply", "backstage.yaml:", "name: "}},
		"a different datasource": {env: map[string]string{"BACKSTAGE_UI_URL": "https://other.example.com"},
			code: int(job.Wrong), says: []string{"urlRegex", "pipe datasource apply", "backstage.yaml:"}},
		"an unreachable Glean": {env: map[string]string{"GLEAN_SERVER_URL": "http://127.0.0.1:1"}, code: int(job.Failed),
			says: []string{"127.0.0.1:1"}},
		"another run's upload": {fault: &gleanfaults.Fault{Path: "/status", Status: 200,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"documents":{"bulkUploadHistory":[{"uploadId":"somebody-else","status":"ACTIVE"}]}}`}, code: int(job.Failed),
			says: []string{"somebody-else", "--discard-upload"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, backstagesandbox.Options{}, tc.glean)
			for k, v := range tc.env {
				w.env[k] = v
			}
			if tc.fault != nil {
				w.glean.Fail(*tc.fault)
			}
			w.backstage.Fail(backstagefaults.Fault{Status: http.StatusForbidden})
			w.pipe(t, append([]string{"run", "--progress", "none", shipped}, impatient...)...).
				expect(t, tc.code, append(tc.says, "!accessRestrictions", "nothing sent")...)
		})
	}
}

// TestDatasourceDiffers: a datasource that differs from the file is exit 2, and 5 only in
// datasource plan.
func TestDatasourceDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	w.pipe(t, "run", "--progress", "none", shipped).expect(t, int(job.Done))
	w.env["BACKSTAGE_UI_URL"] = "https://other.example.com"
	for _, args := range [][]string{{"run", "--progress", "none"}, {"doctor"}, {"push"}} {
		args = append(args, shipped)
		if args[0] == "push" {
			args = append(args, "component:default/fraud-scorer")
		}
		w.pipe(t, args...).expect(t, int(job.Wrong), "urlRegex", "pipe datasource apply")
	}
	w.pipe(t, "doctor", "--set", "@sink.timeout=20s", "--state", "none", shipped).
		expect(t, int(job.Wrong), "`pipe datasource apply --state none --set @sink.timeout=20s "+shipped+"`")
	w.pipe(t, "datasource", "plan", shipped).expect(t, int(job.Changes), "urlRegex")
}

// TestEmptyCatalog: a catalog that answers with nothing is exit 4, before the first
// good run and after it.
func TestEmptyCatalog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	empty := func() {
		t.Helper()
		w.backstage.Fail(backstagefaults.Fault{Empty: true})
		w.pipe(t, "run", "--progress", "none", shipped).expect(t, int(job.Refused), "the catalog is empty",
			"accessRestrictions", "nothing sent")
		w.backstage.Heal()
	}
	empty()
	w.pipe(t, "run", "--progress", "none", shipped).expect(t, int(job.Done))
	empty()
}

// TestFirstRunReportedOnce: a run that ended before its review does not report that there was
// no earlier one.
func TestFirstRunReportedOnce(t *testing.T) {
	t.Parallel()
	const first = "First run with this state folder"
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	w.pipe(t, "run", "--progress", "none", shipped).expect(t, int(job.Done), first)
	w.pipe(t, "run", "--progress", "none", shipped).expect(t, int(job.Done), "!"+first)
	w.backstage.Fail(backstagefaults.Fault{Kind: "Template", Status: http.StatusForbidden})
	w.pipe(t, "run", "--progress", "none", shipped).expect(t, int(job.Failed), "!"+first, "documents found by")
	w.pipe(t, "run", "--progress", "none", "--state", "none", "--sandbox", shipped).expect(t, int(job.Done),
		"No state folder", "!"+first)
}
