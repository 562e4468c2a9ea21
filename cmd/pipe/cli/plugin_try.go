package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
)

func (a *app) pluginTryCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "try",
		Usage:     "run a plugin on recorded entities and show its changes",
		ArgsUsage: "PATH [ARGUMENT…] < records.ndjson",
		Description: "Reads entities from its input, one JSON object a line or one JSON array. It is started as in a\n" +
			"run, whatever its checksum. Exit code 3 when it failed on some of the records.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "config", Usage: "its `CONFIG`, JSON or YAML"},
			&urfave.StringSliceFlag{Name: "env", Usage: "a variable that it gets, by `NAME`"},
			&urfave.DurationFlag{Name: "timeout", Value: aloneTimeout, Usage: "how long it may take for a record"},
			&urfave.BoolFlag{Name: "example", Usage: "try the config and record that it gives as its example"},
		},
		Action: a.pluginTry,
	}
}

// tried is the result of one record.
type tried struct {
	Ref     string             `json:"ref"`
	Outcome string             `json:"outcome"`
	Reason  string             `json:"reason,omitempty"` // why it was dropped, or what failed
	Changes []codec.Difference `json:"changes,omitempty"`
}

func (a *app) pluginTry(c *urfave.Context) error {
	o, err := a.alone(c, c.Args().Slice())
	if err != nil {
		return err
	}
	o.Timeout, o.Env = c.Duration("timeout"), c.StringSlice("env")
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	text, records := c.String("config"), a.Stdin
	if c.Bool("example") {
		if text, records, err = exampleOf(ctx, o, text); err != nil {
			return err
		}
	} else if f, ok := a.Stdin.(*os.File); ok && terminal(f) {
		return usage{"pipe plugin try reads records from its input",
			"write pipe plugin try PATH < records.ndjson, or --example for the plugin's own example"}
	}
	t, err := a.startAlone(ctx, c, o, text)
	if err != nil {
		return err
	}
	defer t.Close()
	var all []tried
	st := a.colors(c)
	err = entities(records, func(r *component.Record) error {
		one, err := tryOne(ctx, t, r)
		if err == nil && c.Bool("json") {
			all = append(all, one)
		} else if err == nil {
			all = append(all, tried{Outcome: one.Outcome})
			a.printTried(one, st)
		}
		return err
	})
	if a.stopped.Load() != 0 {
		return fault.ErrStopped
	}
	if err != nil {
		return err
	}
	return a.sumTried(c, all)
}

// exampleOf returns a plugin's example; a config of the call replaces that of the example.
func exampleOf(ctx context.Context, o pluginhost.Options, text string) (config string, record io.Reader, err error) {
	about, err := pluginhost.New(o).Describe(ctx)
	if err != nil {
		return "", nil, err
	}
	given, ok := about.Example["record"].(map[string]any)
	if !ok {
		return "", nil, usage{about.Name + " gives no example record", "write pipe plugin try PATH < records.ndjson"}
	}
	line, err := codec.Marshal(given)
	if err != nil {
		return "", nil, err
	}
	if settings, ok := about.Example["config"].(map[string]any); ok && text == "" {
		b, err := codec.MarshalIndent(settings)
		if err != nil {
			return "", nil, err
		}
		text = string(b)
	}
	return text, bytes.NewReader(line), nil
}

// startAlone starts a plugin with a config of the call, and shows problems of the config at
// their positions.
func (a *app) startAlone(ctx context.Context, c *urfave.Context, o pluginhost.Options,
	text string) (*pluginhost.Transform, error) {
	doc, problems := config.Parse("--config", []byte(cmp.Or(strings.TrimSpace(text), "{}")))
	if !problems.HasErrors() {
		problems = append(problems, config.Decode(doc.Root(), &o.Config, &config.Variables{Lookup: a.lookup})...)
	}
	o.Node = doc.Root()
	t := pluginhost.New(o)
	if !problems.HasErrors() {
		err := t.Start(ctx)
		if err == nil {
			return t, nil
		}
		if !errors.As(err, &problems) {
			t.Close()
			return nil, err
		}
	}
	t.Close()
	if !c.Bool("json") {
		a.render(a.Stderr, problems, func(string) []byte { return doc.Source() })
		a.shown = true
	}
	return nil, problems.Errors()
}

func tryOne(ctx context.Context, t *pluginhost.Transform, r *component.Record) (tried, error) {
	before := r.Value
	outcomes, err := t.Apply(ctx, nil, []*component.Record{r})
	one := tried{Ref: r.Ref, Outcome: explain.Unchanged}
	switch {
	case ctx.Err() != nil:
		return one, context.Cause(ctx)
	case err != nil:
		one.Outcome, one.Reason = explain.Failed, err.Error()
	case outcomes[0].Err != nil:
		one.Outcome, one.Reason = explain.Failed, outcomes[0].Err.Error()
	case outcomes[0].Dropped != "":
		one.Outcome, one.Reason = explain.Dropped, strings.TrimPrefix(outcomes[0].Dropped, t.Name()+": ")
	default:
		if one.Changes = codec.Differences(before, r.Value); len(one.Changes) > 0 {
			one.Outcome = explain.Changed
		}
	}
	return one, nil
}

func (a *app) printTried(one tried, st print.Style) {
	paint := map[string]func(...string) string{explain.Changed: st.Good.Render, explain.Unchanged: st.Dim.Render,
		explain.Dropped: st.Dim.Render, explain.Failed: st.Bad.Render}
	display.Fprintf(a.Stdout, "%s  %s\n", st.Bold.Render(one.Ref), paint[one.Outcome](one.Outcome))
	if one.Reason != "" {
		display.Fprintf(a.Stdout, "  %s\n", display.Indent(one.Reason, "  "))
	}
	for _, d := range one.Changes {
		display.Fprint(a.Stdout, display.Block(print.Difference(d, st)))
	}
}

// sumTried prints the end of the output and returns an error if the plugin failed.
func (a *app) sumTried(c *urfave.Context, all []tried) error {
	counts := map[string]int{}
	for _, one := range all {
		counts[one.Outcome]++
	}
	switch {
	case c.Bool("json"):
		if all == nil {
			all = []tried{}
		}
		if err := a.printJSON(map[string]any{"records": all, "counts": counts}, nil); err != nil {
			return err
		}
	case len(all) == 0:
		return usage{"there was no record to run it on",
			"write pipe plugin try PATH < records.ndjson, or --example for the plugin's own example"}
	default:
		sum := display.Plural(len(all), "record")
		for i, outcome := range []string{explain.Changed, explain.Unchanged, explain.Dropped, explain.Failed} {
			sum += map[bool]string{true: ": ", false: ", "}[i == 0] + display.Number(counts[outcome]) + " " + outcome
		}
		display.Fprintf(a.Stdout, "\n%s\n", sum)
	}
	if counts[explain.Failed] > 0 {
		return exit(job.Rejected)
	}
	return nil
}
