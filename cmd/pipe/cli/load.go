package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// loading is what a command needs of a file.
type loading struct {
	settings    []pipeline.Setting // after those of --set
	only        []string
	lenient     bool // variables may be unset everywhere
	sinkLenient bool // variables of the sink may be unset
	unpinned    bool // plugins need no checksum, since none is started or as with --allow-unpinned
}

// load loads a file and prints what is wrong with it. The error is an exit
// when there is something.
func (a *app) load(c *urfave.Context, path string, l loading) (*pipeline.Definition, error) {
	d, err := a.parse(c, path, l)
	if err != nil {
		return nil, err
	}
	a.oldVariables(c, d)
	a.reportUnread(a.stderr, d)
	if !c.Bool("json") || d.Problems.HasErrors() {
		if err := a.printProblems(c, a.stderr, d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (a *app) parse(c *urfave.Context, path string, l loading) (*pipeline.Definition, error) {
	set, err := settingsOf(c)
	if err != nil {
		return nil, err
	}
	d := pipeline.Load(path, pipeline.Options{
		Registry:    a.registry,
		Settings:    append(set, l.settings...),
		Variables:   config.Variables{Lookup: a.lookup, Lenient: l.lenient},
		Only:        l.only,
		SinkLenient: l.sinkLenient,
		Unpinned:    l.unpinned || c.Bool("allow-unpinned"),
		Log:         a.log,
	})
	for i := range d.Problems {
		d.Problems[i].Hint = a.named(d.Problems[i].Hint)
	}
	a.keepSecret(d)
	return d, nil
}

// printProblems renders the problems of a file; it fails when there are errors
// among them.
func (a *app) printProblems(c *urfave.Context, w io.Writer, d *pipeline.Definition) error {
	if len(d.Problems) == 0 {
		return nil
	}
	if c.Bool("json") {
		return a.printJSON(nil, d.Problems.Errors())
	}
	d.Problems.Render(w, func(string) []byte {
		if d.Document == nil {
			return nil
		}
		return d.Document.Source()
	})
	n := len(d.Problems.Errors())
	if n == 0 {
		return nil
	}
	display.Fprintf(w, "%s: %s, nothing was done\n", c.Args().First(), display.Plural(n, "problem"))
	if !c.Bool("sandbox") && hasFlag(c.Command, "sandbox") && slices.ContainsFunc(d.Problems, func(p config.Problem) bool { return p.Code == "undefined-variable" }) {
		display.Fprintln(w, "  with --sandbox it needs no variable: the source and Glean are servers on this machine")
	}
	if a.envFileSkipped {
		display.Fprintln(w, "  .env was not read, since CI=true; name it with --env-file .env if it is meant")
	}
	a.shown = true
	return d.Problems.Errors()
}

func hasFlag(cmd *urfave.Command, name string) bool {
	return slices.ContainsFunc(cmd.Flags, func(f urfave.Flag) bool { return slices.Contains(f.Names(), name) })
}

// engineSettings is what components are opened with.
func (a *app) engineSettings(d *pipeline.Definition, runID string, loopback bool) component.Settings {
	return component.Settings{
		UserAgent: fmt.Sprintf("pipe/%s (%s; run %s)", version(), d.File.Name, runID),
		Folder:    filepath.Dir(d.Document.Root().Pos().File),
		Log:       a.log,
		Loopback:  loopback,
	}
}
