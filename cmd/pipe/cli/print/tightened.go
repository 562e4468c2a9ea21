package print

import (
	"fmt"
	"io"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// printTightened says what a refused run told the sink all the same, and what waits.
func printTightened(w io.Writer, r *run.Report, st Style) {
	t := r.Tightened
	if t == nil {
		return
	}
	title := "access was narrowed although the run was refused"
	switch {
	case !r.Sent:
		title = "access would be narrowed although the run is refused"
	case t.Failed != "":
		title = "access was narrowed in part"
	}
	var lines []string
	if len(t.Narrowed) > 0 {
		lines = append(lines, someRefs("found by fewer people: ", t.Narrowed))
	}
	if len(t.Removed) > 0 {
		lines = append(lines, someRefs("found by no one: ", t.Removed))
	}
	if lines == nil {
		if t.TooMany+t.Unsure == 0 {
			return
		}
		title = "no access was narrowed"
	}
	if t.TooMany > 0 {
		lines = append(lines, fmt.Sprintf("waits for an approval: %s that a rule withholds, more than max_loss "+
			"allows",
			display.Plural(t.TooMany, "document")))
	}
	if t.Unsure > 0 {
		lines = append(lines, fmt.Sprintf("waits for an approval: %s with a narrower audience, whose record or a "+
			"named user or group is "+
			"missing, or which other people would newly find", display.Plural(t.Unsure, "document")))
	}
	if t.Failed != "" {
		lines = append(lines, "not all of it was sent: "+t.Failed)
	}
	display.Fprintf(w, "\n%s\n", st.Bold.Render(title))
	for _, line := range lines {
		display.Fprintf(w, "  %s\n", display.Indent(line, "    "))
	}
}

// someRefs are the first refs behind a title, and how many there are.
func someRefs(title string, refs []string) string {
	return fmt.Sprintf("%s%s: %s", title, display.Plural(len(refs), "document"),
		display.FirstOf(refs[:min(len(refs), display.Shown)], len(refs), ", "))
}
