package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/records"
	"github.com/pipe-engine/pipe/sources/file"
)

// watched is a job that is opened to be observed: on its own source, on the sandbox's, or on
// records of a file.
type watched struct {
	*job.Job
	input *file.Source // nil without --input
}

// sourceFlags are the flags that select the records of explain and eval.
func sourceFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "input",
			Usage: "take the records of this `FILE` instead of asking the source: JSON, an answer of the catalog's API, " +
				"NDJSON or YAML; - is the input"},
		&urfave.BoolFlag{Name: "sandbox", Usage: "read from a server on this machine that is started for it"},
		&urfave.StringFlag{Name: "catalog",
			Usage: "with --sandbox: serve the entities of this `FILE`, in any format of --input"},
		allowUnpinned(),
	}
}

// openWatched loads a file and opens it on the source that the flags say.
func (a *app) openWatched(ctx context.Context, c *urfave.Context, path string) (*watched, error) {
	switch {
	case c.IsSet("input") && c.Bool("sandbox"):
		return nil, usage{"--input and --sandbox both set the source", "keep one of the two"}
	case c.IsSet("catalog") && !c.Bool("sandbox"):
		return nil, usage{"--catalog goes with --sandbox", "add --sandbox, or write --input in its place"}
	case c.IsSet("input"):
		return a.openInput(ctx, c, path)
	}
	j, err := a.open(ctx, c, path, loading{sinkLenient: true})
	return &watched{Job: j}, err
}

// openInput opens a file on given records; it requires no variables.
func (a *app) openInput(ctx context.Context, c *urfave.Context, path string) (*watched, error) {
	o, err := a.options(c, path, loading{lenient: true, sinkLenient: true, stateless: true})
	if err != nil {
		return nil, err
	}
	w := &watched{}
	o.PlaceholderUI = true
	o.Source = func(d *pipeline.Definition) (component.Source, error) {
		input, err := a.readInput(c.String("input"), d.Model)
		if err != nil {
			return nil, err
		}
		if w.input, err = file.New(input, d.Model); err != nil {
			return nil, wrongInput("--input", err)
		}
		if twice := w.input.Twice(); twice != "" {
			a.printNotes([]string{twice})
		}
		a.printNotes(w.input.Notes())
		return w.input, nil
	}
	w.Job, err = job.Open(ctx, o)
	return w, a.loadError(c, err)
}

func (a *app) readInput(path string, m component.Model) ([]component.Recorded, error) {
	isRecord := func(object []byte) bool { return component.IsRecord(m, object) }
	if path != "-" {
		input, err := records.Load(path, isRecord)
		return input, wrongInput("--input", err)
	}
	text, err := io.ReadAll(a.Stdin)
	if err != nil {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	input, err := records.Parse("input", text, isRecord)
	return input, wrongInput("--input", err)
}

// wrongInput turns an error of the file that a flag names into a usage error, except
// config.Problems; nil stays nil.
func wrongInput(flag string, err error) error {
	if err == nil || errors.As(err, new(config.Problems)) {
		return err
	}
	return usage{flag + ": " + err.Error(), fault.RemedyOf(err)}
}

// printNotes prints sentences about records that were changed when their file was read.
func (a *app) printNotes(notes []string) {
	for _, n := range notes {
		display.Fprintf(a.Stderr, "! %s\n", n)
	}
}

// watchRun does the read act. The first signal ends it.
func (a *app) watchRun(ctx context.Context, c *urfave.Context, w *watched, o component.Observer) error {
	_, err := explain.Watch(ctx, w.Pipeline, w.State, o)
	if a.stopped.Load() != 0 {
		return fault.ErrStopped
	}
	a.showProblems(c, w.Definition, err)
	return err
}

// pickRef finds the record that the call names among those that were read.
func (w *watched) pickRef(asked string, records []string) (string, error) {
	m := explain.NewMatcher(w.Pipeline.Model, asked)
	ref, near := m.Pick(records)
	switch {
	case ref != "":
		return ref, nil
	case len(near) > 0 && m.Matches(near[0]):
		return "",
			usage{fmt.Sprintf("%q may mean %s", asked, display.Plural(len(near), "record")), "write one of: " + print.List(near)}
	}
	if w.input != nil {
		if unread, _ := m.Pick(w.input.Refs()); unread != "" {
			return "", usage{unread + " has a kind that the pipeline does not read",
				"switch the kind on in the source's " +
					"block of the pipeline file"}
		}
	}
	u := usage{fmt.Sprintf("the source holds no %q among the %s that the pipeline reads", asked,
		display.Plural(len(records), "record")), "a ref is kind:namespace/name; `pipe show FILE KIND` lists them"}
	if len(near) > 0 {
		u.hint = "did you mean " + print.List(near) + "?"
	}
	return "", u
}
