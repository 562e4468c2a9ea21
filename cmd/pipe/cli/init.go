package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/pipelines"
)

// shippedName is the pipeline that is shipped, where `pipe init` writes it.
const shippedName = "pipelines/backstage.yaml"

// ignoreName is written only if there is none.
const ignoreName = ".gitignore"

// ignored are the files that must not get into version control: secrets and output.
const ignored = ".env\n/out/\n"

func (a *app) initCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "init",
		Usage:     "write a pipeline with tests, to start from",
		ArgsUsage: "[DIR]",
		Description: "Writes to DIR, or to the working directory: the pipeline, its tests and JSON Schema, " +
			".env.example with every variable explained, a workflow for GitHub Actions, and .gitignore if " +
			"there is none. At a terminal it asks for addresses, tokens and your e-mail address, writes .env, and " +
			"tests both connections; --yes asks nothing.",
		Flags:  initFlags(),
		Action: a.initAction,
	}
}

func (a *app) initAction(c *urfave.Context) error {
	dir := c.Args().First()
	if c.Args().Len() > 1 {
		return usage{"pipe init takes one folder", "write pipe init " + dir}
	}
	if dir == "" {
		dir = "."
	}
	files, err := a.initFiles()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(dir, ignoreName)); err != nil {
		files[ignoreName] = []byte(ignored)
	}
	answers, err := a.initAnswersOf(c)
	if err == nil {
		err = answers.check()
	}
	if err != nil {
		return err
	}
	files[shippedName] = answers.testMode(files[shippedName])
	if answers.any() {
		files[envName] = answers.env()
	}
	names := slices.Sorted(maps.Keys(files))
	if !c.Bool("force") {
		if err := inTheWay(dir, names); err != nil {
			return err
		}
	}
	for _, name := range names {
		file := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil {
			err = writeInit(file, name, files[name])
		}
		if err != nil {
			return usage{fmt.Sprintf("write %s: %v", file, errors.Unwrap(err)), "name a folder that can be written"}
		}
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"dir": dir, "files": names}, nil)
	}
	for _, name := range names {
		display.Fprintf(a.Stdout, "wrote %s\n", filepath.Join(dir, filepath.FromSlash(name)))
	}
	if !answers.any() || !answers.all(a.Env) {
		a.printNext(dir, answers)
		return nil
	}
	return a.testAnswers(c, dir, answers)
}

// envName is written with the answers of a person.
const envName = ".env"

// writeInit writes one file of init. .env holds secrets: only its owner reads it, also
// when it replaces one that others could read.
func writeInit(file, name string, text []byte) error {
	if name != envName {
		return os.WriteFile(file, text, 0o644)
	}
	return atomicfile.Replace(file, atomicfile.Options{Mode: 0o600}, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// testAnswers tests both ends with a person's answers, as pipe doctor does, and prints the
// next steps.
func (a *app) testAnswers(c *urfave.Context, dir string, answers initAnswers) error {
	path := filepath.Join(dir, filepath.FromSlash(shippedName))
	if err := a.readEnvFile(filepath.Join(dir, envName)); err != nil {
		return err
	}
	display.Fprintln(a.Stdout)
	err := a.doctor(c, path)
	a.printNext(dir, answers)
	return err
}

// printNext prints the next steps.
func (a *app) printNext(dir string, answers initAnswers) {
	display.Fprintf(a.Stdout, "\nNext:\n")
	step := func(call, what string) { display.Fprintf(a.Stdout, "  %s\n      %s\n", call, what) }
	if dir != "." {
		display.Fprintf(a.Stdout, "  cd %s\n", display.Block(shellWord(display.Line(dir))))
	}
	step("pipe run --sandbox "+shippedName, "try it on this machine, without an account")
	step("pipe run --sandbox --dry-run --output out "+shippedName, "keep what would be sent, in out/")
	step("pipe check "+shippedName, "after a change of the file, such as a title under mapping: report problems")
	step("pipe test "+shippedName, "run the tests of the pipeline")
	step("pipe diff --sandbox "+shippedName, "show who would find what, and each changed field")
	if !answers.any() {
		step("cp .env.example .env", "for your own Backstage and Glean: fill it in, and keep it out of git")
	}
	step("pipe doctor "+shippedName, "test both connections; then pipe datasource plan")
	if answers.tester != "" {
		display.Fprintf(a.Stdout, "\nThe datasource begins in Glean's test mode: %s alone sees the documents.\n"+
			"To go live, remove isTestDatasource and testers, and run pipe datasource apply.\n", answers.tester)
	}
}

// inTheWay fails when one of the files is there already.
func inTheWay(dir string, names []string) error {
	var there []string
	for _, name := range names {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(file); err == nil {
			there = append(there, file)
		}
	}
	if len(there) == 0 {
		return nil
	}
	is := "is"
	if len(there) > 1 {
		is = "are"
	}
	return usage{fmt.Sprintf("%s %s there already; nothing was written", strings.Join(there, ", "), is),
		"name another folder, or overwrite with --force"}
}

// initFiles are the files that init writes, by their paths with slashes.
func (a *app) initFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	entries, err := pipelines.Files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := pipelines.Files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		files[path.Join("pipelines", e.Name())] = text
	}
	// at first, a person should look at each widening
	text := bytes.Replace(files[shippedName], []byte("max_widen: 1% "), []byte("max_widen: 0  "), 1)
	files[shippedName] = text
	d := pipeline.Parse(shippedName, text,
		pipeline.Options{Registry: a.Registry, Variables: config.Variables{Lenient: true, SkipSecrets: true}})
	if d.Problems.HasErrors() {
		return nil, d.Problems.Errors()
	}
	files[".env.example"] = envExample(d, string(text))
	all, err := template.New("").Delims("[[", "]]").ParseFS(templates, "templates/init/*.tmpl")
	if err != nil {
		return nil, err
	}
	var workflow bytes.Buffer
	err = all.ExecuteTemplate(&workflow, "workflow.yaml.tmpl", map[string]any{
		"Pipeline": shippedName, "Version": release(), "Tests": testsOf(files), "Variables": d.Variables,
	})
	files[".github/workflows/backstage.yaml"] = workflow.Bytes()
	return files, err
}

// testsOf is the file of the pipeline's tests, "" when it has none.
func testsOf(files map[string][]byte) string {
	name := strings.TrimSuffix(shippedName, ".yaml") + ".test.yaml"
	if _, ok := files[name]; ok {
		return name
	}
	return ""
}

// release is the version of this pipe, or an example of one if it is a development build.
func release() string {
	if v := version.Current(); v.Released {
		return v.Version
	}
	return "v1.2.3"
}
