package print

import (
	"io"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/summary"
)

// Summary prints a summary as text.
func Summary(w io.Writer, s *summary.Summary, st Style) {
	display.Fprintf(w, "%s: %s\n%s\n", s.Title, st.Bold.Render(s.Subject), s.Result)
	for _, t := range s.Tables {
		display.Fprintf(w, "\n%s\n%s\n", st.Bold.Render(t.Caption), Grid(t.Columns, t.Rows, t.Left, st))
		if t.More != "" {
			display.Fprintf(w, "… %s\n", t.More)
		}
	}
	for _, n := range s.Notes {
		display.Fprintf(w, "\n%s\n", n)
	}
}
