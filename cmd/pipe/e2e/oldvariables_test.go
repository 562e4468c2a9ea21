package e2e

import (
	"maps"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// A variable of the Python connector is honoured or refused before anything is
// sent, in the environment and in .env alike.
func TestOldVariables(t *testing.T) {
	t.Parallel()
	foreign := edited(t, "visibility: ${GLEAN_VISIBILITY_ANNOTATION:-glean.com/visibility}",
		"visibility: glean.com/visibility\n  dry: ${DRY_RUN:-}")
	tested := edited(t, "# isTestDatasource: true               # only the testers see it", "isTestDatasource: true",
		"# testers: [ann@example.com]", "testers: [ann@example.com]")
	literal := edited(t, "default: ${DEFAULT_PERMISSIONS:-datasource-users}", "default: datasource-users")
	for name, c := range map[string]struct {
		set  string // NAME=value, separated by spaces
		args string
		code int
		want string
	}{
		"a dry run that is none": {"DRY_RUN=true", "run " + shipped, int(job.Wrong),
			"old-variable: DRY_RUN is true, but pipe run would change what people find\n  hint: add --dry-run"},
		"as pydantic reads it":  {"DRY_RUN=Yes", "run " + shipped, int(job.Wrong), "add --dry-run"},
		"one that is":           {"DRY_RUN=true", "run --dry-run " + shipped, 0, "nothing sent"},
		"switched off":          {"DRY_RUN=false", "run " + shipped, 0, ""},
		"the file's own":        {"DRY_RUN=true", "run " + foreign, int(job.Wrong), "add --dry-run"},
		"the file's own, shown": {"DRY_RUN=true", "explain " + foreign + " component:default/depot-wallboard", 0, ""},
		"another command": {"DRY_RUN=true", "push " + shipped + " component:default/depot-wallboard",
			int(job.Wrong), "unset DRY_RUN"},
		"the set-up":     {"DRY_RUN=true", "datasource apply --yes " + shipped, int(job.Wrong), "unset DRY_RUN"},
		"only looked at": {"DRY_RUN=true", "show " + shipped + " components", 0, ""},
		"check":          {"DRY_RUN=true", "check " + shipped, 0, "warning: old-variable: DRY_RUN is true"},
		"files":          {"OUTPUT_JSON=true", "run --dry-run " + shipped, int(job.Wrong), "add --output DIR"},
		"test mode": {"GLEAN_DATASOURCE_IS_TEST_MODE=true", "run " + shipped, int(job.Wrong),
			"isTestDatasource: true under sink.glean.datasource"},
		"test mode, checked": {"GLEAN_DATASOURCE_IS_TEST_MODE=true", "check " + shipped, int(job.Wrong),
			"isTestDatasource: true"},
		"test mode of the file": {"GLEAN_DATASOURCE_IS_TEST_MODE=true " +
			"GLEAN_DATASOURCE_TEST_USER_EMAILS=ann@example.com", "check " + tested, 0, ""},
		"testers": {"GLEAN_DATASOURCE_TEST_USER_EMAILS=ann@example.com", "run " + shipped, int(job.Wrong),
			"testers: ["},
		"a variable of the shipped file": {"DEFAULT_PERMISSIONS=owner SYNC_APIS_ENABLED=false", "run --dry-run " + shipped, 0,
			""},
		"a variable that no file reads": {"DEFAULT_PERMISSIONS=owner", "run --dry-run " + literal, int(job.Wrong),
			"default: ${DEFAULT_PERMISSIONS:-datasource-users} under permissions"},
	} {
		for _, where := range []string{"environment", ".env"} {
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			env, args := maps.Clone(w.env), strings.Fields(c.args)
			if where == "environment" {
				for one := range strings.FieldsSeq(c.set) {
					k, v, _ := strings.Cut(one, "=")
					env[k] = v
				}
			} else {
				args = append(args, "--env-file", write(t, "old.env", strings.ReplaceAll(c.set, " ", "\n")+"\n"))
			}
			got := pipe(t, env, args...)
			if place := map[string]string{"environment": "environment: ", ".env": "old.env:1: "}[where]; c.code != 0 &&
				!strings.Contains(got.both(), place) {
				t.Errorf("%s: it does not say %q\n%s", name, place, got.both())
			}
			if got.code != c.code || !strings.Contains(got.both(), c.want) {
				t.Errorf("%s, in the %s: exit %d, want %d and %q in\n%s", name, where, got.code, c.code, c.want, got.both())
			}
			if n := len(w.index().Documents); c.code != 0 && n > 0 {
				t.Errorf("%s, in the %s: %d documents were published", name, where, n)
			}
		}
	}
}
