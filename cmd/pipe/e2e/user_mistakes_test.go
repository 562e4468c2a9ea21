package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestCalls: the mistakes that people make when they call the program, and the
// calls that look like mistakes and are none.
func TestCalls(t *testing.T) {
	folder := t.TempDir()
	empty := write(t, "empty.yaml", "")
	for name, tc := range map[string]struct {
		args string
		code int
		want []string
	}{
		"no command":         {"", 0, []string{"run", "check", "doctor"}},
		"a misspelt command": {"rnu " + shipped, 2, []string{`"rnu"`, "pipe run"}},
		"no file":            {"run", 2, []string{"needs a pipeline file"}},
		"two files":          {"run " + shipped + " " + shipped, 2, []string{"one file"}},
		"a folder":           {"run " + folder, 2, []string{"folder"}},
		"a missing file":     {"check " + folder + "/nope.yaml", 2, []string{"nope.yaml"}},
		"an empty file":      {"check " + empty, 2, []string{"empty"}},
		"a misspelt flag": {"run --dryrun " + shipped, 2,
			[]string{"there is no flag --dryrun", "did you mean --dry-run?"}},
		"a misspelt global flag": {"check --jsn " + shipped, 2, []string{"did you mean --json?"}},
		"a flag of a subcommand": {"plugin try --exampel x", 2, []string{"did you mean --example?"}},
		"a flag like no other":   {"check --quux " + shipped, 2, []string{"pipe check --help lists the flags"}},
		"a misspelt subcommand":  {"datasource pln " + shipped, 2, []string{`"datasource pln"`, "did you mean pipe datasource plan?"}},
		"no such subcommand":     {"datasource quux", 2, []string{"pipe datasource takes plan, apply, export, categories"}},
		"no subcommand":          {"datasource", 0, []string{"plan", "apply"}},
		"a subcommand's flag": {"datasource plan --quux " + shipped, 2,
			[]string{"pipe datasource plan --help lists the flags"}},
		"help of a subcommand": {"help datasource plan", 0, []string{"pipe datasource plan: compare", "--replace"}},
		"help of a command":    {"help run", 0, []string{"pipe run", "--dry-run"}},
		"help of no command":   {"help rnu", 2, []string{"did you mean pipe run?"}},
		"a swallowed file": {"purge --yes " + shipped, 2,
			[]string{"--yes takes the name of the datasource", "purge " + shipped + " --yes backstage"}},
		"a time without a unit": {"run --timeout 5 " + shipped, 2,
			[]string{"--timeout takes a time with its unit", "write 5s or 5m"}},
		"a flag without its value": {"check --explain", 2, []string{"--explain needs a value"}},
		"a misspelt component":     {"components glaen", 2, []string{"did you mean glean?"}},
		"a misspelt function":      {"functions relatd", 2, []string{"did you mean related?"}},
		"a flag after the file":    {"run " + shipped + " --sandbox --dry-run --progress none", 0, []string{"dry run"}},
		"a value after the file": {"run " + shipped + " --sandbox --only users --progress none", 0,
			[]string{"not written"}},
		"flags before the command": {"--json version", 0, []string{`"ok": true`}},
		"a bad log level":          {"check --log-level loud " + shipped, 2, []string{"loud", "debug"}},
		"a bad progress":           {"run --sandbox --progress x " + shipped, 2, []string{"plain"}},
		"a bad setting":            {"check --set nothing " + shipped, 2, []string{"PATH=VALUE"}},
		"an unknown setting":       {"check --set source.backstage.page_sice=5 " + shipped, 2, []string{"page_size"}},
		"a setting":                {"config --set source.backstage.page_size=7 " + shipped, 0, []string{"page_size", "7"}},
		"catalog without sandbox":  {"run --catalog x " + shipped, 2, []string{"--sandbox"}},
		"a catalog that is not": {"run --sandbox --catalog " + empty + " " + shipped, 2,
			[]string{"--catalog: ", "empty.yaml holds no records"}},
		"a missing catalog": {"diff --sandbox --against . --catalog " + folder + "/nope " + shipped, 2,
			[]string{"--catalog: ", "nope: no such file", "check the path"}},
		"a missing input": {"eval --input " + folder + "/nope " + shipped + " ref", 2,
			[]string{"--input: ", "nope: no such file", "check the path"}},
		"a missing variable": {"run " + shipped, 2, []string{"BACKSTAGE_BASE_URL", "GLEAN_INDEXING_API_KEY"}},
		"a missing env file": {"check --env-file " + folder + "/nope " + shipped, 2, []string{"nope"}},
		"an unknown kind":    {"show " + shipped + " --sandbox widgets", 2, []string{"widgets", "components"}},
		"a kind": {"show " + shipped + " --sandbox components --limit 2", 0,
			[]string{"component:", "--limit 0"}},
		"doctor":            {"doctor --sandbox " + shipped, 0, []string{"have an e-mail"}},
		"version as a flag": {"--version", 0, []string{"pipe ", "go1"}},
		"version":           {"version", 0, []string{"pipe ", "go1"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := pipe(t, map[string]string{"CI": "true"}, strings.Fields(tc.args)...)
			if c.code != tc.code {
				t.Errorf("exit %d, want %d\n%s", c.code, tc.code, c.both())
			}
			for _, want := range tc.want {
				if !strings.Contains(c.both(), want) {
					t.Errorf("%q is not said in\n%s", want, c.both())
				}
			}
		})
	}
}

func TestEnvFile(t *testing.T) {
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	var lines string
	for name, value := range w.env {
		lines += name + "=" + value + "\n"
	}
	path := write(t, "some.env", lines+"BACKSTAGE_PAGE_SIZE=11\n")
	if c := pipe(t, map[string]string{"CI": "true"}, "run", "--env-file", path, shipped, "--progress",
		"none"); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	c := pipe(t, map[string]string{"CI": "true", "BACKSTAGE_PAGE_SIZE": "12"}, "config", "--env-file", path, shipped)
	if !strings.Contains(c.stdout, "page_size") || strings.Contains(c.stdout, " 11") ||
		!strings.Contains(c.stdout, " 12") {
		t.Errorf("the environment does not win:\n%s", c.stdout)
	}
	file, err := filepath.Abs(shipped)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(path))
	if err := os.Rename("some.env", ".env"); err != nil {
		t.Fatal(err)
	}
	if c := pipe(t, nil, "check", "--strict-env", file); c.code != 0 {
		t.Errorf(".env is not read: exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, map[string]string{"CI": "true"}, "check", "--strict-env", file); c.code != int(job.Wrong) {
		t.Errorf(".env is read in CI: exit %d\n%s", c.code, c.both())
	}
	bad := write(t, "bad.env", "THIS is canary-secret ' not a variable\n")
	if c := pipe(t, nil, "check", "--env-file", bad, file); c.code != int(job.Wrong) ||
		strings.Contains(c.both(), "canary") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
