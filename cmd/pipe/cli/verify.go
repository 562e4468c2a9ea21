package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	"github.com/pipe-engine/pipe/engine/verify"
)

func (a *app) verifyCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "verify",
		Usage:     "compare what Backstage shows a person with what they would find",
		ArgsUsage: "FILE",
		Description: "Reads the catalog twice, as a dry run does: with the pipeline's credentials, and with a Backstage " +
			"token of a person. Lists the documents that the person would find although Backstage hides the entity, and " +
			"the entities that Backstage shows and the person would not find, each with the rule that decided. Nothing is " +
			"sent.\n\nThe token is what the person's browser sends to Backstage; it lasts about an hour. Test people who " +
			"may see little.\n\nExit codes: as for pipe run. 5 when a person would find what Backstage hides.",
		Flags: []urfave.Flag{
			&urfave.StringSliceFlag{Name: "token-file",
				Usage: "the Backstage token of a person, in a `FILE` that only its owner may read; repeatable"},
			&urfave.StringFlag{Name: "person",
				Usage: "whose token it is, as an `E-MAIL` or a ref (default: the one that the token names)"},
			&urfave.IntFlag{Name: "limit", Value: 20, Usage: "list at most `N` of each; 0 lists all"},
			allowUnpinned(),
		},
		Action: a.verifyAction,
	}
}

func (a *app) verifyAction(c *urfave.Context) error {
	path, err := theFile(c, " --token-file token.txt")
	if err != nil {
		return err
	}
	if err := noWords(c, "name the file of the token with --token-file"); err != nil {
		return err
	}
	files := c.StringSlice("token-file")
	switch {
	case len(files) == 0:
		return usage{"pipe verify needs a token of a person", "write --token-file FILE; the file holds the token that the " +
			"person's browser sends to Backstage"}
	case len(files) > 1 && c.IsSet("person"):
		return usage{"--person goes with one --token-file", "leave --person out: each token names its person"}
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	j, err := a.open(ctx, c, path, loading{sinkLenient: true})
	if err != nil {
		return err
	}
	defer j.Close()
	if j.Definition.Source.AsPerson == nil {
		return usage{"the source " + j.Definition.Source.Name + " knows no tokens of persons", ""}
	}
	people := make([]component.AsPerson, len(files))
	for i, file := range files {
		if people[i], err = a.personOf(c, j.Definition, file); err != nil {
			return err
		}
	}
	documents, err := verify.Read(ctx, j.Pipeline, j.State, rulesOf(j.Definition))
	if err != nil {
		return job.Located(j.Definition, err)
	}
	var results []*verify.Result
	for _, p := range people {
		shown, err := a.shownTo(ctx, c, path, p)
		if err != nil {
			return err
		}
		r, err := documents.Compare(p.Ref, shown)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	untouched := documents.Untouched(results)
	exposed := slices.ContainsFunc(results, func(r *verify.Result) bool { return len(r.Hidden) > 0 })
	if c.Bool("json") {
		err = a.printJSON(map[string]any{"people": results, "untouched_rules": append([]string{}, untouched...)}, nil)
	} else {
		a.printVerified(results, untouched, c.Int("limit"))
	}
	if err == nil && exposed {
		return exit(job.Changes)
	}
	return err
}

// personOf reads the token of a person, and how the source reads with it.
func (a *app) personOf(c *urfave.Context, d *pipeline.Definition, file string) (component.AsPerson, error) {
	token, err := signin.ReadSecret(file)
	if err != nil {
		return component.AsPerson{}, err
	}
	a.redactor.Add(token)
	p := d.Source.AsPerson(token)
	if who := c.String("person"); who != "" {
		p.Ref = who
	}
	if p.Ref == "" {
		return p, &fault.Invalid{Reason: "the token in " + file + " names no person",
			Remedy: "say whose it is with --person; a token of a service is no person's"}
	}
	return p, nil
}

// shownTo returns the refs that the source shows a person.
func (a *app) shownTo(ctx context.Context, c *urfave.Context, path string, p component.AsPerson) (
	map[string]bool, error,
) {
	o, err := a.options(c, path, loading{sinkLenient: true, stateless: true})
	if err != nil {
		return nil, err
	}
	for _, name := range p.Remove {
		o.Settings = append(o.Settings, pipeline.Setting{Path: "@source." + name, Remove: true})
	}
	for name, value := range p.Set {
		o.Settings = append(o.Settings, pipeline.Setting{Path: "@source." + name, Value: value})
	}
	o.Loaded = nil
	j, err := job.Open(ctx, o)
	if err != nil {
		return nil, a.loadError(c, err)
	}
	defer j.Close()
	shown, err := verify.Shown(ctx, j.Pipeline)
	if err != nil {
		return nil, fmt.Errorf("with the token of %s: %w", p.Ref, err)
	}
	return shown, nil
}

// rulesOf returns the names of the permission rules.
func rulesOf(d *pipeline.Definition) []string {
	var out []string
	for _, g := range d.Grants {
		out = append(out, g.Rule)
	}
	return out
}

func (a *app) printVerified(results []*verify.Result, untouched []string, limit int) {
	for _, r := range results {
		display.Fprintf(a.Stdout, "%s: Backstage shows %s, and this person would find %s\n", r.Person,
			display.Plural(r.Shown, "record"), display.Plural(r.Found, "document"))
		a.printDifferences("found, although Backstage hides the record", r.Hidden, limit)
		a.printDifferences("shown by Backstage, and not found", r.Missing, limit)
		if len(r.Hidden) == 0 {
			display.Fprintln(a.Stdout, "  nothing is found that Backstage hides")
		}
	}
	if len(untouched) > 0 {
		display.Fprintf(a.Stdout, "\nNo tested person finds a document by these rules, so they were not tested: %s\n",
			strings.Join(untouched, ", "))
	}
}

func (a *app) printDifferences(what string, all []verify.Difference, limit int) {
	if len(all) == 0 {
		return
	}
	display.Fprintf(a.Stdout, "  %s %s:\n", display.Number(len(all)), what)
	shown := all
	if limit > 0 {
		shown = all[:min(limit, len(all))]
	}
	for _, d := range shown {
		rule := ""
		if d.Rule != "" {
			rule = ", rule " + d.Rule
		}
		display.Fprintf(a.Stdout, "    %s: %s%s\n", d.Ref, d.Why, rule)
	}
	if more := len(all) - len(shown); more > 0 {
		display.Fprintf(a.Stdout, "    and %s more; --limit 0 lists all\n", display.Number(more))
	}
}
