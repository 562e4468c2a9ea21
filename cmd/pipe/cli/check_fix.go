package cli

import (
	"io"
	"os"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/check"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/editor/quickfix"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/suite"
)

// checkText returns how the text of a file is checked while fixes are tried: no secret is read.
func (a *app) checkText(c *urfave.Context, path string) (quickfix.Check, error) {
	if suite.IsTestFile(path) {
		o, err := a.testOptions(c)
		return func(changed []byte) config.Problems {
			f, problems := suite.Parse(path, changed)
			_, problems = check.Tests(path, f, problems, o)
			return problems
		}, err
	}
	o, err := a.options(c, path, loading{lenient: !c.Bool("strict-env"), noSecrets: true})
	return func(changed []byte) config.Problems {
		o := o
		o.Text = changed
		d := o.Parse(c.Context)
		a.nameHints(d.Problems)
		return d.Problems
	}, err
}

// addFixes adds the fixes of a file's problems, with --json.
func (a *app) addFixes(c *urfave.Context, one *check.Result, problems config.Problems) {
	if !c.Bool("json") {
		return
	}
	src, err := os.ReadFile(one.File)
	if err != nil {
		return // reported as a problem
	}
	try, err := a.checkText(c, one.File)
	if err != nil {
		return // reported by the check itself
	}
	one.AddFixes(problems, quickfix.New(text.New(string(src)), try(src), try).Of)
}

// fix writes the certain fixes of a file's problems into it.
func (a *app) fix(c *urfave.Context, path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil // reported as a problem
	}
	try, err := a.checkText(c, path)
	if err != nil {
		return err
	}
	fixed, applied := quickfix.All(src, try)
	if len(applied) == 0 {
		return nil
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := atomicfile.Replace(path, atomicfile.Options{Mode: info.Mode().Perm()}, func(w io.Writer) error {
		_, err := w.Write(fixed)
		return err
	}); err != nil {
		return err
	}
	if !c.Bool("json") {
		for _, one := range applied {
			display.Fprintf(a.Stdout, "%s: fixed: %s\n", one.Problem.Pos, display.Line(one.Fix.Title))
		}
	}
	return nil
}
