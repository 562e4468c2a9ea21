package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

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
	findings := a.section(d.Source.Name, examine(ctx, j.Pipeline.Source))
	if len(d.SinkMissing) > 0 {
		findings = append(findings,
			finding{End: d.Sink.Name, What: "settings", Detail: "not set: " + strings.Join(d.SinkMissing, ", "),
				Remedy: a.named("pipe check FILE lists the variables that a run needs")})
	} else {
		findings = append(findings, a.section(d.Sink.Name, examine(ctx, j.Pipeline.Sink))...)
	}
	if a.stopped.Load() != 0 {
		return fault.ErrStopped
	}
	return a.printFindings(c, findings)
}

type finding struct {
	End     string `json:"end"`
	What    string `json:"what"`
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped,omitzero"`
	Warning bool   `json:"warning,omitzero"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
	// Took is in milliseconds, 0 where it was not measured.
	Took float64 `json:"ms,omitzero"`

	err error
}

func (a *app) section(end string, in []component.Finding) []finding {
	out := make([]finding, 0, len(in))
	for _, f := range in {
		ms := math.Round(float64(f.Took)/float64(time.Millisecond)*10) / 10
		out = append(out, finding{end, f.What, f.OK, f.Skipped, f.Warning, f.Detail, a.named(f.Remedy), ms, f.Err})
	}
	return out
}

// examine goes to one end step by step, and makes its requests when that works.
func examine(ctx context.Context, end any) []component.Finding {
	var out []component.Finding
	if p, ok := end.(component.Diagnoser); ok {
		out = p.Diagnose(ctx)
	}
	checker, ok := end.(component.Checker)
	switch {
	case !ok:
		return out
	case slices.ContainsFunc(out, func(f component.Finding) bool { return !f.OK }):
		return append(out, component.Finding{What: "request", Skipped: true, Detail: "skipped"})
	}
	began := time.Now()
	checks := checker.Check(ctx)
	if len(checks) > 0 {
		checks[0].Took = time.Since(began)
	}
	return append(out, checks...)
}

func (a *app) printFindings(c *urfave.Context, findings []finding) error {
	bad, wrong := 0, false
	for _, f := range findings {
		if !f.OK && !f.Skipped {
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
		switch {
		case f.Skipped:
			mark = "-"
		case !f.OK:
			mark = st.Bad.Render("✗")
		case f.Warning:
			mark = st.Warn.Render("!")
		}
		took := ""
		if f.Took > 0 {
			took = fmt.Sprintf(" (%s ms)", strconv.FormatFloat(f.Took, 'f', -1, 64))
		}
		display.Fprintf(a.Stdout, "  %s %-14s %s%s\n", mark, f.What, f.Detail, took)
		if (!f.OK || f.Warning) && f.Remedy != "" {
			display.Fprintf(a.Stdout, "    → %s\n", f.Remedy)
		}
	}
	return err
}
