package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
)

func (a *app) statusCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "status",
		Usage:     "tell what Glean holds and how far it is, as a whole or for one document",
		ArgsUsage: "FILE [REF]",
		Description: "Without REF: uploads with their states, counts against the last good run, and when what was sent is " +
			"found. With REF:\n" +
			"whether the document is there and found, its permissions beside those that the pipeline would send now, and " +
			"what\n" +
			"happened to it. Changes nothing in Glean. Exit codes as of run; 7 when Glean paused a deletion, lost an upload, " +
			"or has not\n" +
			"processed everything within --wait.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "as", Usage: "with REF: whether the person with this `E-MAIL` finds it, and why not"},
			newWaitFlag("ask again until Glean has processed everything, or indexed the document"),
			allowUnpinned(),
		},
		Action: a.statusAction,
	}
}

func (a *app) statusAction(c *urfave.Context) error {
	if err := spacedWait(c); err != nil {
		return err
	}
	switch {
	case c.Args().Len() > 2:
		return usage{"pipe status takes one file and one ref", "ask for one after the other"}
	case c.Args().Len() == 2:
		if err := needsRefs(c); err != nil {
			return err
		}
	case c.IsSet("as"):
		return usage{"--as goes with a ref", "write pipe status FILE REF --as " + c.String("as")}
	}
	if as := c.String("as"); c.IsSet("as") && !strings.Contains(as, "@") {
		return usage{"--as takes an e-mail, and " + as + " is none", ""}
	}
	return a.operate(c, loading{unpinned: c.Args().Len() < 2}, func(ctx context.Context, o *operating) error {
		inspector, can := o.Pipeline.Sink.(component.Inspector)
		if !can {
			return o.sinkCannot("does not tell what it holds")
		}
		if len(o.refs) > 0 {
			return a.statusOfItem(ctx, c, o, inspector)
		}
		return a.statusOfPlace(ctx, c, o, inspector)
	})
}

// poll asks until done, or for as long as --wait allows; once without it. The
// pauses grow to half a minute.
func poll(ctx context.Context, c *urfave.Context, ask func() (done bool, err error)) (done bool, err error) {
	end := time.Now().Add(waitOf(c))
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		if done, err = ask(); done || err != nil || !c.IsSet("wait") {
			return done, err
		}
		left := time.Until(end)
		if left <= 0 {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}

// placeStatus is an inspection beside what this machine remembers.
type placeStatus struct {
	*component.Inspection
	LastRun *job.LastRun      `json:"lastRun"`
	Hidden  []baseline.Hidden `json:"hidden"`
	// Unconfirmed are the uploads of the last good run that Glean has acknowledged
	// and not listed yet, Lost those that it does not have.
	Unconfirmed []baseline.Upload `json:"unconfirmed"`
	Lost        []baseline.Upload `json:"lost"`
}

func (a *app) statusOfPlace(ctx context.Context, c *urfave.Context, o *operating, inspector component.Inspector) error {
	var found *component.Inspection
	var uploads operate.Reconciled
	done, err := poll(ctx, c, func() (bool, error) {
		var err error
		if found, err = inspector.Inspect(ctx); err != nil {
			return false, err
		}
		if o.State != "" {
			uploads, err = operate.Reconcile(o.State, o.Pipeline.Sink.Place(), found.History, time.Now())
		}
		return len(found.Pending)+len(uploads.Unknown) == 0 || len(found.Paused)+len(uploads.Lost) > 0, err
	})
	if err != nil {
		return err
	}
	if c.IsSet("wait") {
		if err := uploads.Save(o.State, o.Pipeline.Sink.Place()); err != nil {
			return err
		}
	}
	s := placeStatus{Inspection: found, Hidden: []baseline.Hidden{},
		Unconfirmed: append([]baseline.Upload{}, uploads.Unknown...), Lost: append([]baseline.Upload{}, uploads.Lost...)}
	last, hidden, err := o.Remembered()
	if err != nil {
		return err
	}
	s.LastRun, s.Hidden = last, append(s.Hidden, hidden...)
	switch {
	case len(found.Paused) > 0:
		err = &fault.Unconfirmed{Reason: "Glean has paused the deletion of " + strings.Join(found.Paused, ", "),
			Remedy: "look whether what should be gone must not be found: pipe hide takes single documents away, and a run " +
				"that brings back what is missing undoes the rest"}
	case len(s.Lost) > 0:
		err = &fault.Unconfirmed{Reason: "Glean lost " + uploadsOf(s.Lost) + ", although every page was acknowledged",
			Remedy: "run pipe run FILE: it sends everything again"}
	case c.IsSet("wait") && !done:
		err = &fault.Unconfirmed{Reason: fmt.Sprintf("Glean has not processed everything within %s: %s", waitOf(c),
			strings.Join(s.pending(), ", ")),
			Remedy: "wait longer with --wait=1h, or have Glean process it now with pipe process FILE"}
	}
	if c.Bool("json") {
		return a.printJSON(s, err)
	}
	a.printPlace(s, a.colors(c))
	return err
}

// pending are the streams that Glean has not processed, or not even listed.
func (s placeStatus) pending() []string {
	out := slices.Clone(s.Pending)
	for _, u := range s.Unconfirmed {
		out = append(out, u.Stream+" (not listed yet)")
	}
	return out
}

// uploadsOf names uploads by stream and time.
func uploadsOf(uploads []baseline.Upload) string {
	var parts []string
	for _, u := range uploads {
		parts = append(parts, fmt.Sprintf("the upload of %s of %s", u.Stream, clock(u.Ended)))
	}
	return strings.Join(parts, " and ")
}

func (a *app) printPlace(s placeStatus, st print.Style) {
	display.Fprintf(a.Stdout, "%s  %s\n\n", st.Bold.Render("datasource "+s.Place), s.Visible)
	counted := func(n *int) string {
		if n == nil {
			return "?"
		}
		return display.Number(*n)
	}
	rows := [][]string{}
	for _, h := range s.Streams {
		rows = append(rows, []string{h.Stream, counted(h.Uploaded), "", lastCount(s.LastRun, h.Stream)})
		if h.Stream != "documents" {
			continue
		}
		rows[len(rows)-1][2] = counted(h.Indexed)
		for _, t := range s.Types {
			rows = append(rows,
				[]string{"  " + t.Type, counted(t.Uploaded), counted(t.Indexed), lastCountOfType(s.LastRun, h.Stream, t.Type)})
		}
		for _, t := range lackingTypes(s.LastRun, h.Stream, s.Types) {
			rows = append(rows, []string{"  " + t, "0", "0", lastCountOfType(s.LastRun, h.Stream, t)})
		}
	}
	header := []string{"", "uploaded", "indexed", "last run"}
	display.Fprintln(a.Stdout, print.Grid(header, rows, 1, st))
	if s.LastRun != nil {
		display.Fprintf(a.Stdout, "%s\n",
			st.Dim.Render("the last good run from this state folder ended "+clock(s.LastRun.Finished)+
				"; Glean's counts may be three hours old"))
	} else {
		display.Fprintf(a.Stdout, "%s\n",
			st.Dim.Render("no good run is remembered here; Glean's counts may be three hours old"))
	}
	if len(s.Uploads) > 0 {
		display.Fprintf(a.Stdout, "\nuploads\n")
	}
	for _, u := range s.Uploads {
		end := "not ended"
		if !u.Ended.IsZero() {
			end = "ended " + clock(u.Ended)
		}
		display.Fprintf(a.Stdout, "  %-12s %-20s began %s, %s  %s\n", u.Stream, u.State, clock(u.Began), end,
			st.Dim.Render(u.ID))
	}
	if len(s.Unconfirmed) > 0 {
		display.Fprintf(a.Stdout, "  not confirmed yet: %s was acknowledged, and Glean does not list it as complete\n",
			uploadsOf(s.Unconfirmed))
	}
	if len(s.Hidden) > 0 {
		display.Fprintf(a.Stdout, "\nhidden with pipe hide\n")
	}
	for _, h := range s.Hidden {
		display.Fprintf(a.Stdout, "  %s  since %s, by %s\n", h.Ref, clock(h.At), h.By)
	}
	display.Fprintf(a.Stdout, "\n%s\n", display.Indent(a.named(s.Shows), ""))
}

// lastCount is what the last run delivered of a stream. It remembers members by group,
// and Glean counts them one by one.
func lastCount(l *job.LastRun, stream string) string {
	if l == nil || stream == "memberships" {
		return ""
	}
	if n, known := l.Streams[stream]; known {
		return display.Number(n)
	}
	return ""
}

func lastCountOfType(l *job.LastRun, stream, typ string) string {
	if l == nil {
		return ""
	}
	return display.Number(l.Types[stream][typ])
}

// lackingTypes are types that the last run delivered and Glean does not count.
func lackingTypes(l *job.LastRun, stream string, held []component.TypeHeld) []string {
	if l == nil {
		return nil
	}
	var out []string
	for t, n := range l.Types[stream] {
		if n > 0 && !slices.ContainsFunc(held, func(h component.TypeHeld) bool { return h.Type == t }) {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return out
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
