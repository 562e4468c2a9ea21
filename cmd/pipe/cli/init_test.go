package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// TestInit: the written files are complete and valid, and no existing file is lost.
func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if c := pipe(t, nil, "init", dir); c.code != 0 ||
		!strings.Contains(c.stdout, "pipe run --sandbox pipelines/backstage.yaml") {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	want := strings.Replace(fileText(t, shipped), "  max_widen: 1%  ", "  max_widen: 0   ", 1)
	if want == fileText(t, shipped) {
		t.Error("the shipped pipeline has no max_widen of 1%")
	}
	pipelineFile := filepath.Join(dir, "pipelines", "backstage.yaml")
	if got := fileText(t, pipelineFile); got != want {
		t.Error("the pipeline is not the shipped one with max_widen: 0")
	}
	if got := fileText(t, filepath.Join(dir, "pipelines", "schema.json")); got != fileText(t, schemaFile) {
		t.Error("the schema is not the shipped one")
	}
	if c := pipe(t, nil, "check", pipelineFile); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "test", pipelineFile); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	workflow := filepath.Join(dir, ".github", "workflows", "backstage.yaml")
	if _, problems := config.Load(workflow); len(problems) > 0 {
		t.Error(problems)
	}
	if text := fileText(t, workflow); !strings.Contains(text,
		"GLEAN_INDEXING_API_KEY: ${{ secrets.GLEAN_INDEXING_API_KEY }}") || strings.Contains(text, "[[") ||
		!strings.Contains(text, "pipe test pipelines/backstage.test.yaml") {
		t.Error(text)
	}

	ignore := filepath.Join(dir, ".gitignore")
	if got := fileText(t, ignore); got != ".env\n/out/\n" {
		t.Errorf(".gitignore: %q", got)
	}
	if err := os.WriteFile(ignore, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	checks, runs, _ := strings.Cut(fileText(t, workflow), "\n  run:\n")
	if strings.Contains(checks, "secrets.") || !strings.Contains(checks, "mode: diff") ||
		!strings.Contains(runs, "mode: run") || strings.Contains(runs, "pipe test") {
		t.Error("the job for pull requests sees a secret, or the job with secrets runs code of a pull request")
	}

	changed := write(t, "x", "")
	if err := os.Rename(changed, pipelineFile); err != nil {
		t.Fatal(err)
	}
	if c := pipe(t, nil, "init", dir); c.code != int(job.Wrong) || !strings.Contains(c.stderr, pipelineFile) ||
		!strings.Contains(c.stderr, "--force") || fileText(t, pipelineFile) != "" {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "init", "--force", dir); c.code != 0 || fileText(t, ignore) != "mine\n" ||
		fileText(t, pipelineFile) != want {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "init", changed, "b"); c.code != int(job.Wrong) {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "init", filepath.Join(workflow, "below")); c.code != int(job.Wrong) ||
		!strings.Contains(c.stderr, "a folder") {
		t.Errorf("below a file: exit %d\n%s", c.code, c.both())
	}
}

// TestInitHere: without DIR the working directory is filled, also one that holds
// something else.
func TestInitHere(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("README.md", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c := pipe(t, nil, "init", "--json"); c.code != 0 || !strings.Contains(c.stdout, `"pipelines/backstage.yaml"`) {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "check", "pipelines/backstage.yaml"); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestEnvExample: every variable of the shipped file is explained, and filling in the empty
// ones is enough for a run.
func TestEnvExample(t *testing.T) {
	d := pipeline.Load(shipped,
		pipeline.Options{Registry: components.Registry(), Variables: config.Variables{Lenient: true}})
	text := string(envExample(d, fileText(t, shipped)))
	for _, v := range d.Variables {
		at := strings.Index(text, "\n"+v.Name+"=")
		if v.HasDefault && (v.Default != "" || !v.Secret) && v.Name != "GLEAN_INSTANCE_NAME" &&
			v.Name != "GLEAN_SERVER_URL" {
			at = strings.Index(text, "\n#"+v.Name+"="+v.Default+"\n")
		}
		if at < 0 {
			t.Errorf("%s is not there", v.Name)
		}
		if explanations(fileText(t, shipped)).of(v.Name) == nil {
			t.Errorf("%s is not explained", v.Name)
		}
	}
	filled := strings.NewReplacer("BACKSTAGE_BASE_URL=\n", "BACKSTAGE_BASE_URL=https://b.example.com\n",
		"GLEAN_INDEXING_API_KEY=\n", "GLEAN_INDEXING_API_KEY=x\n",
		"GLEAN_INSTANCE_NAME=\n", "GLEAN_INSTANCE_NAME=acme\n").Replace(text)
	if needed, _, _ := strings.Cut(text, "These have defaults"); !strings.Contains(needed,
		"# One of these two: GLEAN_INSTANCE_NAME or GLEAN_SERVER_URL.") ||
		!strings.Contains(needed, "\nGLEAN_SERVER_URL=\n") {
		t.Errorf("one of the two is needed:\n%s", needed)
	}
	none := map[string]string{"XDG_STATE_HOME": t.TempDir(), "CI": "true"}
	pipe(t, none, "run", shipped).expect(t, int(job.Wrong),
		"set GLEAN_INSTANCE_NAME or GLEAN_SERVER_URL in the environment", "with --sandbox it needs no variable", "3 problems")
	pipe(t, none, "explain", shipped, "checkout").expect(t, int(job.Wrong), "BACKSTAGE_BASE_URL is not set", "1 problem,",
		"with --sandbox it needs no variable")
	pipe(t, none, "check", shipped).expect(t, int(job.Done),
		"instance or server_url (GLEAN_INSTANCE_NAME or GLEAN_SERVER_URL)")
	file := write(t, "filled.env", filled)
	if c := pipe(t, nil, "check", "--strict-env", "--env-file", file, shipped); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

func TestExplanations(t *testing.T) {
	all := explanations("  # ONE: first,\n  #   second\n  a: 1\n  # other\n  b: 1 # TWO_…_X: text\n  # not this\n")
	for name, want := range map[string]string{"ONE": "first,|  second", "TWO_A_X": "text", "TWO__X": "", "TWO_A_Y": "",
		"OTHER": ""} {
		if got := strings.Join(all.of(name), "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestInitAnswers: a person's answers become .env and test mode, and a script is asked
// nothing.
func TestInitAnswers(t *testing.T) {
	dir := t.TempDir()
	call := func(interactive bool, input string, args ...string) call {
		var out, errs strings.Builder
		code := Run(t.Context(), Host{Registry: components.Registry(), Args: append([]string{"pipe", "init"}, args...),
			Env: func(string) (string, bool) { return "", false }, Stdin: strings.NewReader(input), Stdout: &out, Stderr: &errs,
			Interactive: interactive})
		return call{code, out.String(), errs.String()}
	}
	call(true, "https://b.example.com\n\nhttps://g.example.com\n\nann@example.com\n", dir).expect(t, 0,
		"Token of backend.auth.externalAccess", "ann@example.com alone sees the documents")
	if got := fileText(t, filepath.Join(dir, ".env")); got !=
		"BACKSTAGE_BASE_URL='https://b.example.com'\nGLEAN_SERVER_URL='https://g.example.com'\n" {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(filepath.Join(dir, ".env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	file := filepath.Join(dir, "pipelines", "backstage.yaml")
	if text := fileText(t, file); !strings.Contains(text, "\n      isTestDatasource: true ") ||
		!strings.Contains(text, "\n      testers: [ann@example.com]\n") {
		t.Error(text)
	}
	pipe(t, nil, "check", file).expect(t, 0, "ok")

	if err := os.Chmod(filepath.Join(dir, ".env"), 0o644); err != nil {
		t.Fatal(err)
	}
	call(false, "", "--force", "--glean-url", "https://g.example.com", dir).expect(t, 0)
	if info, err := os.Stat(filepath.Join(dir, ".env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("replaced: %v %v", info.Mode(), err)
	}

	call(true, "", "--yes", filepath.Join(dir, "yes")).expect(t, 0, "!Token of")
	call(false, "", filepath.Join(dir, "script")).expect(t, 0, "!Token of")
	call(false, "", "--tester", "ann", filepath.Join(dir, "wrong")).expect(t, 2, "ann is not an e-mail address")
	call(false, "", "--tester", "ann@", filepath.Join(dir, "wrong")).expect(t, 2, "ann@ is not an e-mail address")
	call(false, "", "--backstage-url", "backstage", filepath.Join(dir, "wrong")).expect(t, 2,
		"backstage is not an address")
	call(true, "acme\nhttps://b.example.com\n\nhttps://acme-be.glean.com\n\nann\nann@example.com\n",
		filepath.Join(dir, "again")).expect(t, 0, "acme is not an address: write https://", "ann is not an e-mail",
		"ann@example.com alone sees the documents")
	call(false, "", "--glean-url", "https://g'.example.com", filepath.Join(dir, "wrong")).expect(t, 2, "a quotation mark")
	if _, err := os.Stat(filepath.Join(dir, "yes", ".env")); err == nil {
		t.Error(".env was written without an answer")
	}
	if example := fileText(t, filepath.Join(dir, ".env.example")); strings.Contains(example, "#BACKSTAGE_API_TOKEN=") ||
		!strings.Contains(example, "\nBACKSTAGE_API_TOKEN=\n") {
		t.Error("the token of Backstage is not among what a run needs")
	}
}
