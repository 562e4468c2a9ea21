package cli

import (
	"context"
	"errors"
	"io"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	"github.com/pipe-engine/pipe/engine/state"
)

// loading is what a command needs from a file.
type loading struct {
	only        []string
	lenient     bool // variables may be unset everywhere, and secrets are not read
	secrets     bool // secrets are read all the same
	noSecrets   bool // secrets are not read
	sinkLenient bool // variables of the sink may be unset
	signIn      bool // people sign in
	unpinned    bool // plugins need no checksum, since none is started or as with --allow-unpinned
	stateless   bool // the state folder is not opened
	noSource    bool // the source is not opened, and its variables may be unset
}

// options returns how the flags of a call load and open its file.
func (a *app) options(c *urfave.Context, path string, l loading) (job.Options, error) {
	set, err := settingsOf(c)
	if err != nil {
		return job.Options{}, err
	}
	o := job.Options{
		Path: path, Base: c.String("base"), Registry: a.Registry, Settings: set, Lookup: a.lookup, Only: l.only,
		Lenient: l.lenient, SinkLenient: l.sinkLenient, SkipSecrets: l.noSecrets || l.lenient && !l.secrets,
		Unpinned: l.unpinned || c.Bool("allow-unpinned"),
		NoSource: l.noSource, Sandbox: c.Bool("sandbox"), Catalog: c.String("catalog"), State: state.Named(c.String("state")),
		Version: version.Current().Version, Secrets: a.redactor, Log: a.log,
		Started: func(s *job.Sandbox) { a.printNotes(s.Source.Notes) },
		Loaded:  func(d *pipeline.Definition) { a.loaded(c, d) },
	}
	switch {
	case l.signIn:
		o.SignIns = config.RenewSignIns
	case a.Person:
		o.SignIns = config.UseSignIns
	}
	if l.stateless {
		o.State = state.None{}
	}
	return o, nil
}

// loaded adds the problems that only the command line knows, and prints the warnings of a
// file without errors.
func (a *app) loaded(c *urfave.Context, d *pipeline.Definition) {
	a.nameHints(d.Problems)
	a.oldVariables(c, d)
	a.reportUnread(a.Stderr, d)
	if !c.Bool("json") && !d.Problems.HasErrors() {
		a.renderProblems(a.Stderr, d)
	}
}

// nameHints replaces FILE in the calls of hints with the file of this call.
func (a *app) nameHints(problems config.Problems) {
	for i := range problems {
		problems[i].Hint = a.named(problems[i].Hint)
	}
}

// load loads a file and prints its problems. The caller closes the result.
func (a *app) load(ctx context.Context, c *urfave.Context, path string, l loading) (*job.File, error) {
	o, err := a.options(c, path, l)
	if err != nil {
		return nil, err
	}
	f, err := job.Load(ctx, o)
	return f, a.loadError(c, err)
}

// open loads a file, prints its problems, and opens its source and sink.
func (a *app) open(ctx context.Context, c *urfave.Context, path string, l loading) (*job.Job, error) {
	o, err := a.options(c, path, l)
	if err != nil {
		return nil, err
	}
	j, err := job.Open(ctx, o)
	return j, a.loadError(c, err)
}

// loadWithState loads the file of a call that has no sandbox, and returns it with the
// state folder, "" for none.
func (a *app) loadWithState(c *urfave.Context, l loading) (*job.File, string, error) {
	f, err := a.load(c.Context, c, c.Args().First(), l)
	if err != nil {
		return nil, "", err
	}
	dir, err := a.stateFolder(c)
	return f, dir, err
}

// stateFolder returns the state folder of a call that has no sandbox, "" for none.
func (a *app) stateFolder(c *urfave.Context) (string, error) {
	store, err := job.Options{State: state.Named(c.String("state")), Lookup: a.lookup}.StateStore()
	folder, _ := store.(state.Folder)
	return string(folder), err
}

// loadError prints the problems of a file that has errors, and returns them; other
// errors stay as they are.
func (a *app) loadError(c *urfave.Context, err error) error {
	var wrong *job.LoadError
	if !errors.As(err, &wrong) {
		return err
	}
	a.nameHints(wrong.Definition.Problems)
	return a.printProblems(c, a.Stderr, wrong.Definition)
}

// parse loads a file and prints nothing.
func (a *app) parse(c *urfave.Context, path string, l loading) (*pipeline.Definition, error) {
	o, err := a.options(c, path, l)
	if err != nil {
		return nil, err
	}
	d := o.Parse(c.Context)
	a.nameHints(d.Problems)
	return d, nil
}

// printProblems prints the problems of a file that has errors, and returns the errors.
func (a *app) printProblems(c *urfave.Context, w io.Writer, d *pipeline.Definition) error {
	errs := d.Problems.Errors()
	if c.Bool("json") {
		return a.printJSON(nil, errs)
	}
	a.renderProblems(w, d)
	display.Fprintf(w, "%s: %s, nothing was done\n", c.Args().First(), display.Plural(len(errs), "problem"))
	if !c.Bool("sandbox") && hasFlag(c.Command, "sandbox") && slices.ContainsFunc(d.Problems, func(p config.Problem) bool {
		return p.Code == "undefined-variable"
	}) {
		display.Fprintln(w, "  with --sandbox it needs no variable: the source and Glean are servers on this machine")
	}
	if a.envFileSkipped {
		display.Fprintln(w, "  .env was not read because CI=true; to read it, pass --env-file .env")
	}
	a.shown = true
	return errs
}

// fileError prints the problems of any file that pipe reads, and returns them; other errors stay as
// they are.
func (a *app) fileError(c *urfave.Context, err error) error {
	var pipe *job.LoadError
	var broker *brokerfile.Error
	var openID *signin.FileError
	var source []byte
	switch {
	case c.Bool("json"):
		return err
	case errors.As(err, &pipe):
		a.renderProblems(a.Stderr, pipe.Definition)
	case errors.As(err, &broker):
		source = broker.Source
	case errors.As(err, &openID):
		source = openID.Source
	default:
		return err
	}
	problems := config.Problems{}
	errors.As(err, &problems)
	if pipe == nil {
		a.render(a.Stderr, problems, func(string) []byte { return source })
	}
	display.Fprintf(a.Stderr, "%s: %s, nothing was done\n", problems[0].File, display.Plural(len(problems), "problem"))
	a.shown = true
	return problems
}

func (a *app) renderProblems(w io.Writer, d *pipeline.Definition) {
	if a.ending.Load() {
		return
	}
	a.render(w, d.Problems, func(string) []byte {
		if d.Document == nil {
			return nil
		}
		return d.Document.Source()
	})
}

func hasFlag(cmd *urfave.Command, name string) bool {
	return slices.ContainsFunc(cmd.Flags, func(f urfave.Flag) bool { return slices.Contains(f.Names(), name) })
}
