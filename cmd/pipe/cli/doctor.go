package cli

import (
	"context"
	"errors"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

func (a *app) doctorCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "doctor",
		Aliases:     []string{"test-connection"},
		Usage:       "test both connections and credentials; changes nothing",
		ArgsUsage:   "FILE",
		Description: "Exit codes: 0 everything works. 1 a check failed. 2 the datasource differs from the file.",
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "sandbox", Usage: "test a Backstage and a Glean on this machine, started for this call"},
		},
		Action: a.doctorAction,
	}
}

func (a *app) doctorAction(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	if err := a.doctor(c, path); err != nil {
		return err
	}
	if !c.Bool("sandbox") {
		a.next(c, "pipe datasource plan FILE")
	}
	return nil
}

// doctor tests both ends of a file and prints the findings.
func (a *app) doctor(c *urfave.Context, path string) error {
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	j, err := a.open(ctx, c, path, loading{sinkLenient: true, unpinned: true, stateless: true})
	if err != nil {
		return err
	}
	defer j.Close()
	d := j.Definition
	findings := a.section(d.Source.Name, checkEnd(ctx, j.Pipeline.Source))
	if len(d.SinkMissing) > 0 {
		findings = append(findings,
			finding{End: d.Sink.Name, What: "settings", Detail: "not set: " + strings.Join(d.SinkMissing, ", "),
				Remedy: a.named("pipe check FILE lists the variables that a run needs")})
	} else {
		findings = append(findings, a.section(d.Sink.Name, checkEnd(ctx, j.Pipeline.Sink))...)
	}
	if a.stopped.Load() != 0 {
		return fault.ErrStopped
	}
	return a.printFindings(c, findings)
}

type finding struct {
	End    string `json:"end"`
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`

	err error
}

func (a *app) section(end string, in []component.Finding) []finding {
	out := make([]finding, 0, len(in))
	for _, f := range in {
		out = append(out, finding{end, f.What, f.OK, f.Detail, a.named(f.Remedy), f.Err})
	}
	return out
}

func checkEnd(ctx context.Context, end any) []component.Finding {
	if c, ok := end.(component.Checker); ok {
		return c.Check(ctx)
	}
	return nil
}

func (a *app) printFindings(c *urfave.Context, findings []finding) error {
	bad, wrong := 0, false
	for _, f := range findings {
		if !f.OK {
			bad++
			wrong = wrong || errors.As(f.err, new(*component.SettingError))
		}
	}
	var err error
	if bad > 0 {
		err = fault.Errorf(fault.Permanent, "", "%s failed", display.Plural(bad, "check"))
	}
	if wrong {
		err = usage{err.Error(), "change the file or the datasource: they differ"}
	}
	if c.Bool("json") {
		return a.printJSON(findings, err)
	}
	st := a.colors(c)
	end := ""
	for _, f := range findings {
		if f.End != end {
			end = f.End
			display.Fprintln(a.Stdout, st.Bold.Render(end))
		}
		mark := st.Good.Render("✓")
		if !f.OK {
			mark = st.Bad.Render("✗")
		}
		display.Fprintf(a.Stdout, "  %s %-14s %s\n", mark, f.What, f.Detail)
		if !f.OK && f.Remedy != "" {
			display.Fprintf(a.Stdout, "    → %s\n", f.Remedy)
		}
	}
	return err
}
