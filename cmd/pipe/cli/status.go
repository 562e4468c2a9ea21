package cli

import (
	"context"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
)

func (a *app) statusCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "status",
		Usage:     "show what Glean holds and has processed",
		ArgsUsage: "FILE [REF]",
		Description: "Without REF: the uploads and their state, counts compared with the last good run, and when the " +
			"last changes become searchable. With REF: whether the document is indexed, its permissions next " +
			"to those the pipeline would send now, and its history. Changes nothing.\n\n" +
			"Exit codes: as for pipe run. 7 when Glean paused a deletion, lost an upload, or has not " +
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
		return usage{"pipe status takes one file and one ref", "run the command once for each"}
	case c.Args().Len() == 2:
		if err := needsRefs(c); err != nil {
			return err
		}
	case c.IsSet("as"):
		return usage{"--as goes with a ref", "write pipe status FILE REF --as " + c.String("as")}
	}
	if as := c.String("as"); c.IsSet("as") && !strings.Contains(as, "@") {
		return usage{"--as takes an e-mail, but " + as + " is not one", ""}
	}
	return a.operate(c, loading{unpinned: c.Args().Len() < 2}, func(ctx context.Context, o *operating) error {
		if _, can := o.Pipeline.Sink.(component.Inspector); !can {
			return o.sinkCannot("does not report what it holds")
		}
		if len(o.refs) > 0 {
			return a.statusOfItem(ctx, c, o)
		}
		return a.statusOfPlace(ctx, c, o)
	})
}

// placeStatus is the status of a place, with the state on this machine.
type placeStatus struct {
	*component.Inspection
	LastRun     *job.LastRun      `json:"lastRun"`
	Hidden      []baseline.Hidden `json:"hidden"`
	Unconfirmed []baseline.Upload `json:"unconfirmed"`
	Lost        []baseline.Upload `json:"lost"`
}

func (a *app) statusOfPlace(ctx context.Context, c *urfave.Context, o *operating) error {
	found, statusErr := operate.InspectPlace(ctx, o.Pipeline.Sink, o.State, waitOf(c))
	if found == nil {
		return statusErr
	}
	last, hidden, err := o.Remembered()
	if err != nil {
		return err
	}
	s := placeStatus{found.Inspection, last, append([]baseline.Hidden{}, hidden...), found.Unconfirmed, found.Lost}
	if c.Bool("json") {
		return a.printJSON(s, statusErr)
	}
	a.printPlace(s, a.colors(c))
	return statusErr
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
			st.Dim.Render("the last good run from this state folder ended "+display.Second(s.LastRun.Finished)+
				"; Glean's counts may be three hours old"))
	} else {
		display.Fprintf(a.Stdout, "%s\n",
			st.Dim.Render("this state folder has no good run; Glean's counts may be three hours old"))
	}
	if len(s.Uploads) > 0 {
		display.Fprintf(a.Stdout, "\nuploads\n")
	}
	for _, u := range s.Uploads {
		end := "not ended"
		if !u.Ended.IsZero() {
			end = "ended " + display.Second(u.Ended)
		}
		display.Fprintf(a.Stdout, "  %-12s %-20s began %s, %s  %s\n", u.Stream, u.State, display.Second(u.Began), end,
			st.Dim.Render(u.ID))
	}
	if len(s.Unconfirmed) > 0 {
		display.Fprintf(a.Stdout, "  not confirmed yet: %s was acknowledged, but Glean does not list it as "+
			"complete\n",
			operate.UploadsText(s.Unconfirmed))
	}
	if len(s.Hidden) > 0 {
		display.Fprintf(a.Stdout, "\nhidden with pipe hide\n")
	}
	for _, h := range s.Hidden {
		display.Fprintf(a.Stdout, "  %s  since %s, by %s\n", h.Ref, display.Second(h.At), h.By)
	}
	display.Fprintf(a.Stdout, "\n%s\n", display.Indent(a.named(s.Shows), ""))
}

// lastCount returns how many items of a stream the last run delivered. The state counts
// members by group, and Glean one by one.
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

// lackingTypes are the types that the last run delivered and Glean does not count.
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
