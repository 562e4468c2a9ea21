package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

func (a *app) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		Aliases:     []string{"test-connection"},
		Usage:       "tell whether a run could work: both ends reachable, credentials good, something readable",
		ArgsUsage:   "FILE",
		Description: "Reads, and changes nothing at either end. Exit code 1 when something is not as a run needs it.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "sandbox", Usage: "look at servers on this machine that are started for it"}},
		Action:      a.doctorAction,
	}
}

func (a *app) doctorAction(c *cli.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	go func() {
		if stop := a.watch(cancel); stop != nil {
			select {
			case <-stop:
				cancel()
			case <-ctx.Done():
			}
		}
	}()
	var l loading
	sandboxed := c.Bool("sandbox")
	if sandboxed {
		box, err := a.startSandbox(ctx, c, path)
		if err != nil {
			return err
		}
		defer box.close()
		l.settings = box.settings
	}
	d, err := a.load(c, path, l)
	if err != nil {
		return err
	}
	p, closePipeline, err := d.Open(a.engineSettings(d, engine.NewRunID(), sandboxed))
	if err != nil {
		return err
	}
	defer closePipeline()
	findings := section(d.Source.Name, checkEnd(ctx, p.Source))
	if len(findings) > 0 && findings[len(findings)-1].OK {
		findings = append(findings, section(d.Source.Name, identities(ctx, d, p.Source))...)
	}
	findings = append(findings, section(d.Sink.Name, checkEnd(ctx, p.Sink))...)
	return a.printFindings(c, findings)
}

type finding struct {
	End    string `json:"end"`
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

func section(end string, in []engine.Finding) []finding {
	out := make([]finding, 0, len(in))
	for _, f := range in {
		out = append(out, finding{end, f.What, f.OK, f.Detail, f.Remedy})
	}
	return out
}

func checkEnd(ctx context.Context, end any) []engine.Finding {
	if c, ok := end.(engine.Checker); ok {
		return c.Check(ctx)
	}
	return nil
}

// identities reads who there is: without e-mail nobody is a user of the index.
func identities(ctx context.Context, d *pipeline.Definition, source engine.Source) []engine.Finding {
	var out []engine.Finding
	for _, ph := range d.Model.Phases() {
		if !ph.Identities {
			continue
		}
		var mu sync.Mutex
		count, mail := map[string]int{}, map[string]int{}
		err := source.Read(ctx, ph, func(_ context.Context, records []*engine.Record) error {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range records {
				count[r.Kind]++
				if r.Email != "" {
					mail[r.Kind]++
				}
			}
			return nil
		})
		if err != nil {
			return append(out, engine.Finding{What: ph.Name, Detail: err.Error(), Remedy: engine.RemedyOf(err)})
		}
		for _, k := range ph.Kinds {
			f := engine.Finding{What: k.Name, OK: count[k.Name] > 0, Detail: plural(count[k.Name], "record")}
			if mail[k.Name] > 0 {
				f.Detail = fmt.Sprintf("%s of %s have an e-mail", number(mail[k.Name]), number(count[k.Name]))
			}
			if !f.OK {
				f.Detail, f.Remedy = "none is readable", "permissions name them: without any, nobody finds what is not for all users"
			}
			out = append(out, f)
		}
	}
	return out
}

func (a *app) printFindings(c *cli.Context, findings []finding) error {
	bad := 0
	for _, f := range findings {
		if !f.OK {
			bad++
		}
	}
	var err error
	if bad > 0 {
		err = engine.Errorf(engine.Permanent, "", "%s not as a run needs it", plural(bad, "thing"))
	}
	if c.Bool("json") {
		return a.printJSON(findings, err)
	}
	st := a.colors(c)
	end := ""
	for _, f := range findings {
		if f.End != end {
			end = f.End
			fmt.Fprintln(a.stdout, st.bold.Render(end))
		}
		mark := st.good.Render("✓")
		if !f.OK {
			mark = st.bad.Render("✗")
		}
		fmt.Fprintf(a.stdout, "  %s %-14s %s\n", mark, f.What, f.Detail)
		if !f.OK && f.Remedy != "" {
			fmt.Fprintf(a.stdout, "    → %s\n", f.Remedy)
		}
	}
	return err
}
