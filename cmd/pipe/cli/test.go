package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/records"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/suite"
	"github.com/pipe-engine/pipe/sources/file"
)

func (a *app) testCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "test",
		Usage:     "run the tests of a pipeline file",
		ArgsUsage: "FILE…",
		Description: "FILE is a pipeline file, tested by NAME.test.yaml in the same folder, or a test file. Connects " +
			"to nothing; variables come from the test file alone. A permission rule without a test fails the " +
			"call.\n\n" +
			"Exit codes: 0 all passed. 1 a test failed or a rule has no test. 2 a file or the call is wrong.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "run", Usage: "run only the tests whose names match `REGEX`"},
			&urfave.BoolFlag{Name: "update", Usage: "write golden files instead of comparing with them"},
			&urfave.BoolFlag{Name: "allow-untested", Usage: "let permission rules be untested"},
			&urfave.BoolFlag{Name: "coverage", Usage: "list every line of the mapping that no test touched"},
			allowUnpinned(),
		},
		Action: a.testAction,
	}
}

// tested is the result of the tests of one file.
type tested struct {
	File     string          `json:"file"`
	Pipeline string          `json:"pipeline"`
	Tests    []suite.Result  `json:"tests"`
	Coverage *suite.Coverage `json:"coverage"` // of the pipeline, by all files of the call
}

// testsFailed is that tests were run and not all is well.
type testsFailed struct{ message, hint string }

var _ report.Coded = testsFailed{}

func (f testsFailed) Error() string { return f.message }

// Code is the error's code in JSON.
func (f testsFailed) Code() string { return "tests" }

// Hint is what to do about it.
func (f testsFailed) Hint() string { return f.hint }

func (a *app) testAction(c *urfave.Context) error {
	if !c.Args().Present() {
		return usage{"pipe test needs a pipeline or a test file", "write pipe test pipelines/backstage.yaml"}
	}
	o, err := a.testOptions(c)
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	var all []tested
	coverage := map[string]*suite.Coverage{}
	var done []string
	for _, path := range c.Args().Slice() {
		if path, err = suitePath(path); err != nil {
			return err
		}
		if slices.Contains(done, path) { // pipelines/*.yaml names a pipeline and its tests
			continue
		}
		done = append(done, path)
		one, err := a.testFile(ctx, c, path, o, coverage)
		if a.stopped.Load() != 0 {
			return fault.ErrStopped
		}
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	return a.sumTests(c, all, o.Run != nil)
}

func (a *app) testOptions(c *urfave.Context) (suite.Options, error) {
	set, err := settingsOf(c)
	if err != nil {
		return suite.Options{}, err
	}
	said := map[string]bool{}
	o := suite.Options{
		Update: c.Bool("update"),
		Records: func(path string, m component.Model) ([]component.Recorded, error) {
			return records.Load(path, func(object []byte) bool { return component.IsRecord(m, object) })
		},
		Source: func(given []component.Recorded, m component.Model) (component.Source, error) {
			s, err := file.New(given, m)
			if err != nil {
				return nil, err
			}
			for _, note := range s.Notes() {
				if !said[note] { // every test has the records of its file
					a.printNotes([]string{note})
				}
				said[note] = true
			}
			return s, nil
		},
		Pipeline: func(path string, variables map[string]string) *pipeline.Definition {
			return job.Options{Path: path, Registry: a.Registry, Settings: set, Unpinned: c.Bool("allow-unpinned"),
				Log: a.log}.ForTests(variables).Parse(context.Background())
		},
		Settings: component.Settings{UserAgent: "pipe/" + version.Current().Version, Log: a.log, Loopback: true},
	}
	if text := c.String("run"); text != "" {
		if o.Run, err = regexp.Compile(text); err != nil {
			return o, usage{"--run is not a " +
				"regular expression: " + err.Error(), "write a part of the names, such as --run private"}
		}
	}
	return o, nil
}

// suitePath returns the path of a test file, or of the tests of a pipeline.
func suitePath(path string) (string, error) {
	if suite.IsTestFile(path) {
		return path, nil
	}
	tests := suite.TestPath(path)
	if _, err := os.Stat(path); err != nil {
		return "", usage{path + " does not exist", "check the path; it starts from the working directory"}
	}
	if _, err := os.Stat(tests); err != nil {
		return "",
			usage{path + " has no tests: there is no " + tests,
				"write one; `pipe init` gives an example, pipelines/backstage.test.yaml"}
	}
	return tests, nil
}

// testFile runs the tests of one file and prints them.
func (a *app) testFile(ctx context.Context, c *urfave.Context, path string, o suite.Options,
	coverage map[string]*suite.Coverage) (tested, error) {
	f, problems := suite.Load(path)
	var tests []*suite.Prepared
	if !problems.HasErrors() {
		var broken *pipeline.Definition
		var more config.Problems
		tests, broken, more = f.Prepare(o)
		if broken != nil {
			return tested{}, a.wrongFile(c, broken.Problems, broken.Document.Source)
		}
		problems = append(problems, more...)
	}
	if problems.HasErrors() {
		return tested{}, a.wrongFile(c, problems, f.Source)
	}
	out := tested{File: path, Pipeline: f.PipelinePath(), Tests: []suite.Result{}}
	key, err := filepath.Abs(out.Pipeline)
	if err != nil {
		return out, err
	}
	if coverage[key] == nil {
		coverage[key] = &suite.Coverage{}
	}
	out.Coverage = coverage[key]
	st := a.colors(c)
	if !c.Bool("json") {
		display.Fprintln(a.Stdout, st.Bold.Render(path))
	}
	for _, t := range tests {
		r, err := t.Run(ctx, out.Coverage)
		if err != nil {
			return out, fmt.Errorf("%s: test %q: %w", r.Pos, r.Name, err)
		}
		out.Tests = append(out.Tests, r)
		if !c.Bool("json") {
			a.printTest(r, st)
		}
	}
	return out, nil
}

// wrongFile renders the problems of a file.
func (a *app) wrongFile(c *urfave.Context, problems config.Problems, source func() []byte) error {
	if !c.Bool("json") {
		a.render(a.Stderr, problems, func(string) []byte { return source() })
		display.Fprintf(a.Stderr, "%s, no test was run\n", display.Plural(len(problems.Errors()), "problem"))
		a.shown = true
	}
	return problems.Errors()
}

func (a *app) printTest(r suite.Result, st print.Style) {
	word := st.Good.Render("ok  ")
	if !r.OK {
		word = st.Bad.Render("FAIL")
	}
	display.Fprintf(a.Stdout, "  %s  %s\n", word, r.Name)
	if r.Updated != "" {
		display.Fprintf(a.Stdout, "        wrote %s\n", r.Updated)
	}
	for _, f := range r.Failures {
		display.Fprintf(a.Stdout, "        %s: %s\n", f.Pos, display.Indent(f.Message, "          "))
		for line := range strings.Lines(f.Diff) {
			line = display.Line(strings.TrimRight(line, "\n"))
			switch line[0] {
			case '-':
				line = st.Bad.Render(line)
			case '+':
				line = st.Good.Render(line)
			}
			display.Fprintf(a.Stdout, "          %s\n", line)
		}
	}
}

// sumTests prints the end of the output: numbers and coverage. Its error decides the exit
// code. With only a part of the tests, untested rules are not an error.
func (a *app) sumTests(c *urfave.Context, all []tested, part bool) error {
	passed, total := 0, 0
	for _, one := range all {
		for _, r := range one.Tests {
			total++
			if r.OK {
				passed++
			}
		}
	}
	var err error
	if total == 0 {
		return usage{"no test was run", "the names of the tests are under name in the test file; --run selects " +
			"by name"}
	}
	if passed < total {
		err = testsFailed{fmt.Sprintf("%d of %s failed", total-passed, display.Plural(total, "test")),
			"- is expected but missing, + is unexpected; pipe explain shows how a record is mapped"}
	}
	var untested []string
	var seen []*suite.Coverage
	for _, one := range all {
		if !part && !slices.Contains(seen, one.Coverage) {
			seen = append(seen, one.Coverage)
			untested = append(untested, a.printCoverage(c, one.Pipeline, one.Coverage)...)
		}
	}
	if len(untested) > 0 && err == nil && !c.Bool("allow-untested") {
		err = testsFailed{"no test touches " + print.List(untested),
			"add a test with a record that it decides, with can_see and cannot_see; or pass --allow-untested"}
	}
	if c.Bool("json") {
		return a.printJSON(all, err)
	}
	display.Fprintf(a.Stdout, "\n%s passed", display.Plural(passed, "test"))
	if passed < total {
		display.Fprintf(a.Stdout, ", %d failed", total-passed)
	}
	display.Fprintln(a.Stdout)
	return err
}

// printCoverage prints what the tests of a pipeline covered, and returns the names of the
// other rules.
func (a *app) printCoverage(c *urfave.Context, path string, cov *suite.Coverage) (untested []string) {
	rules, mapping := suite.Untouched(cov.Rules), suite.Untouched(cov.Mapping)
	untested = cov.Untested()
	if c.Bool("json") {
		return untested
	}
	display.Fprintf(a.Stdout, "\n%s: the tests touch %d of %s and %d of %s of the mapping\n", path,
		len(cov.Rules)-len(rules), display.Plural(len(cov.Rules), "permission rule"), len(cov.Mapping)-len(mapping),
		display.Plural(len(cov.Mapping), "line"))
	for i, l := range rules {
		display.Fprintf(a.Stdout, "  %s: untested: %s\n", l.Pos, untested[i])
	}
	const most = 5
	for i, l := range mapping {
		if i == most && !c.Bool("coverage") {
			display.Fprintf(a.Stdout, "  … and %s more; --coverage lists all\n", display.Plural(len(mapping)-most, "line"))
			break
		}
		display.Fprintf(a.Stdout, "  %s: untested: %s\n", l.Pos, l.Name)
	}
	return untested
}
