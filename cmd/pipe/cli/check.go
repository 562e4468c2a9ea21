package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/check"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

func (a *app) checkCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "check",
		Usage:     "report every problem of a pipeline file; connects to nothing",
		ArgsUsage: "FILE…",
		Description: "Reads no secret, needs no variable and starts no plugin. A file that passes can only fail for " +
			"its data or for what is outside.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "explain", Usage: "explain the `CODE` of a problem, such as unknown-name, with an example"},
			&urfave.BoolFlag{Name: "fix", Usage: "write the corrections that hints give into the files, where there is one"},
			&urfave.BoolFlag{Name: "strict", Usage: "exit with 2 for warnings, too"},
			&urfave.BoolFlag{Name: "strict-env", Usage: "report variables that are not set as problems"},
			&urfave.BoolFlag{Name: "secrets", Usage: "read the secrets, too: the files of ${file:PATH}, and the providers of " +
				"${secret:NAME}"},
			&urfave.BoolFlag{Name: "verbose", Usage: "list every variable of the file"},
			&urfave.BoolFlag{Name: "plugins", Usage: "start the plugins, check their config and what they write, and end them"},
			allowUnpinned(),
		},
		Action: a.checkAction,
	}
}

func (a *app) checkAction(c *urfave.Context) error {
	if c.IsSet("explain") {
		return a.explainAction(c)
	}
	if !c.Args().Present() {
		return usage{"pipe check needs a pipeline file", "write pipe check pipelines/backstage.yaml"}
	}
	var all []check.Result
	var errs config.Problems
	var files []*pipeline.Definition
	for _, path := range c.Args().Slice() {
		if c.Bool("fix") {
			if err := a.fix(c, path); err != nil {
				return err
			}
		}
		if suite.IsTestFile(path) {
			one, problems, err := a.checkTests(c, path, len(all) > 0)
			if err != nil {
				return err
			}
			all, errs = append(all, one), append(errs, problems.Errors()...)
			continue
		}
		d, err := a.parse(c, path, loading{lenient: !c.Bool("strict-env"), secrets: c.Bool("secrets"),
			noSecrets: !c.Bool("secrets")})
		if err != nil {
			return err
		}
		if c.Bool("plugins") {
			a.probe(c, d)
		}
		a.oldVariables(c, d)
		files = append(files, d)
		errs = append(errs, d.Problems.Errors()...)
		one := check.Pipeline(path, d)
		a.addFixes(c, &one, d.Problems)
		all = append(all, one)
		if c.Bool("json") {
			continue
		}
		if len(all) > 1 {
			display.Fprintln(a.Stdout)
		}
		print.Problems(a.Stdout, d.Problems, func(string) []byte {
			if d.Document == nil {
				return nil
			}
			return d.Document.Source()
		}, a.colors(c))
		a.printChecked(one, c.Bool("verbose"))
		a.annotate(d.Problems)
	}
	if len(files) > 0 {
		a.reportUnread(a.Stderr, files...)
	}
	if c.Bool("json") {
		var err error
		if len(errs) > 0 {
			err = errs
		}
		if err == nil && c.Bool("strict") && check.Warned(all) {
			return errors.Join(a.printJSON(all, nil), exit(job.Wrong))
		}
		return a.printJSON(all, err)
	}
	if slices.ContainsFunc(all, func(one check.Result) bool { return len(one.Problems) > 0 }) {
		display.Fprintln(a.Stdout, "pipe check --explain CODE explains one of them")
	}
	if len(errs) > 0 {
		a.shown = true
		return errs
	}
	if c.Bool("strict") && check.Warned(all) {
		return exit(job.Wrong)
	}
	a.next(c, afterCheck(all))
	return nil
}

// checkTests checks a test file together with its pipeline.
func (a *app) checkTests(c *urfave.Context, path string, spaced bool) (check.Result, config.Problems, error) {
	o, err := a.testOptions(c)
	if err != nil {
		return check.Result{}, nil, err
	}
	f, problems := suite.Load(path)
	one, problems := check.Tests(path, f, problems, o)
	a.addFixes(c, &one, problems)
	if !c.Bool("json") {
		if spaced {
			display.Fprintln(a.Stdout)
		}
		print.Problems(a.Stdout, problems, func(string) []byte { return f.Source() }, a.colors(c))
		a.printChecked(one, c.Bool("verbose"))
		a.annotate(problems)
	}
	return one, problems, nil
}

func (a *app) explainAction(c *urfave.Context) error {
	all := Codes()
	var known []string
	for _, one := range all {
		known = append(known, one.Name)
	}
	asked := c.String("explain")
	i := slices.Index(known, asked)
	if i < 0 {
		hint := "the codes are " + strings.Join(known, ", ")
		if near := config.Nearest(asked, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usage{fmt.Sprintf("there is no code %q", asked), hint}
	}
	if c.Bool("json") {
		return a.printJSON(all[i], nil)
	}
	a.explain(all[i], a.colors(c))
	return nil
}

// probe starts the plugins of a file; the first signal ends it.
func (a *app) probe(c *urfave.Context, d *pipeline.Definition) {
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	d.Probe(ctx)
}

func (a *app) printChecked(one check.Result, verbose bool) {
	problems, warnings := 0, 0
	for _, p := range one.Problems {
		if p.Warning {
			warnings++
		} else {
			problems++
		}
	}
	var verdict string
	switch {
	case problems > 0:
		verdict = display.Plural(problems, "problem")
	default:
		verdict = "ok"
	}
	if warnings > 0 {
		verdict += ", " + display.Plural(warnings, "warning")
	}
	display.Fprintf(a.Stdout, "%s: %s\n", one.File, verdict)
	a.printVariables(one, verbose)
}

// printVariables lists the variables that a run would miss, or with verbose all of the
// file.
func (a *app) printVariables(one check.Result, verbose bool) {
	var set, byDefault, missing []string
	for _, v := range one.Variables {
		switch {
		case v.Set:
			set = append(set, v.Name)
		case v.Default:
			byDefault = append(byDefault, v.Name)
		default:
			missing = append(missing, v.Name)
		}
	}
	for _, list := range []struct {
		title string
		names []string
		shown bool
	}{{"set", set, verbose}, {"not set, has a default", byDefault, verbose}, {"not set, needed to run", missing, true},
		{"the sink still needs", one.SinkMissing, true}} {
		if len(list.names) == 0 || !list.shown {
			continue
		}
		display.Fprintf(a.Stdout, "  %-24s  %s\n", list.title, display.Block(display.Line(strings.Join(list.names, ", "))))
	}
}
