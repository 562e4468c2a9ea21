package cli

import (
	"regexp"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

func (a *app) sandboxCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "sandbox",
		Usage:     "keep the servers of --sandbox running, to try commands",
		ArgsUsage: "FILE",
		Description: "Prints variables for --env-file and serves until it is stopped: pipe sandbox FILE > " +
			"sandbox.env. In another terminal, use them with any command, such as pipe run --env-file " +
			"sandbox.env FILE.",
		Flags: []urfave.Flag{&urfave.StringFlag{Name: "catalog",
			Usage: "serve the entities of this `FILE` (JSON, an answer of the catalog's API, NDJSON or YAML)"}},
		Action: a.sandboxAction,
	}
}

func (a *app) sandboxAction(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	d, err := a.parse(c, path, loading{lenient: true, unpinned: true})
	if err != nil {
		return err
	}
	o, err := a.options(c, path, loading{})
	if err != nil {
		return err
	}
	s, err := o.StartSandbox(ctx)
	if err != nil {
		return a.loadError(c, err)
	}
	defer s.Close()
	variables, settings := pointers(d, s.Settings)
	if c.Bool("json") {
		if err := a.printJSON(map[string]any{"variables": variables, "settings": settings}, nil); err != nil {
			return err
		}
	} else {
		for _, v := range variables {
			display.Fprintln(a.Stdout, v)
		}
	}
	head := "run --env-file sandbox.env"
	for _, one := range settings {
		head += " --set " + shellWord(one)
	}
	again := a.callWith(head, func(name string) bool { return name == "set" || name == "state" })
	display.Fprintf(a.Stderr,
		"pipe: serving %s and %s; with the lines above in sandbox.env:\n  %s\nuntil this is stopped\n", d.Source.Name,
		d.Sink.Name, display.Block(again))
	<-ctx.Done()
	return nil
}

// pointers returns the settings that point a file at the servers: NAME=VALUE for values from
// variables, PATH=VALUE for --set for literal values. Defaults stay defaults.
func pointers(d *pipeline.Definition, all []pipeline.Setting) (variables, settings []string) {
	for _, s := range all {
		part, rest, _ := strings.Cut(strings.TrimPrefix(s.Path, "@"), ".")
		one := map[string]string{"source": d.Source.Name, "sink": d.Sink.Name}[part]
		path := part + "." + one + "." + rest
		n := nodeAt(d.Document.Root(), path)
		switch m := fromVariable.FindStringSubmatch(n.Text()); {
		case n == nil:
		case m != nil:
			variables = append(variables, m[1]+"="+s.Value)
		default:
			settings = append(settings, path+"="+s.Value)
		}
	}
	slices.Sort(variables)
	slices.Sort(settings)
	return variables, settings
}

// fromVariable is a value that is one variable, with a default or without.
var fromVariable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-.*)?\}$`)

func nodeAt(n *config.Node, path string) *config.Node {
	for key := range strings.SplitSeq(path, ".") {
		if n = n.Get(key); n == nil {
			return nil
		}
	}
	return n
}
