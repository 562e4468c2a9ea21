package print

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss/tree"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// Attention prints the result of a run in one line, and what needs attention: what was
// tightened, who finds more, rejections and notes.
func Attention(w io.Writer, r *run.Report, st Style, named func(string) string) {
	display.Fprintf(w, "%s %s   %s   %s\n", st.Bold.Render(r.Pipeline), verdictText(r, st), endingsLine(r),
		st.Dim.Render("run "+r.RunID))
	printTightened(w, r, st)
	printWidened(w, r, st)
	Rejections(w, r, st)
	printReportNotes(w, r, named)
}

// endingsLine is how many records ended in which way.
func endingsLine(r *run.Report) string {
	var parts []string
	for _, e := range component.Endings {
		if r.Endings[e] > 0 {
			parts = append(parts, display.Number(r.Endings[e])+" "+wordFor(r, e))
		}
	}
	return strings.Join(parts, ", ")
}

// Report prints what became of a run: a closing tree, a line per kind and
// stream, and who finds what. named completes the calls in notes.
func Report(w io.Writer, r *run.Report, st Style, named func(string) string) {
	display.Fprintf(w, "%s %s   %s\n", st.Bold.Render(r.Pipeline), verdictText(r, st), st.Dim.Render("run "+r.RunID))
	if r.Read == 0 {
		printReportNotes(w, r, named)
		return
	}
	display.Fprintf(w, "\n%s\n\n%s\n", endingTree(r, st), kindTable(r, st))
	display.Fprintf(w, "\n%s\n", streamTable(r, st))
	if audience := audienceLine(r); audience != "" {
		display.Fprintf(w, "\n%s\n", display.Indent(audience, ""))
	}
	if line := publishLine(r); line != "" {
		display.Fprintf(w, "\n%s\n", display.Indent(line, ""))
	}
	printTightened(w, r, st)
	printWidened(w, r, st)
	Rejections(w, r, st)
	printReportNotes(w, r, named)
	display.Fprintf(w, "\n%s\n", st.Dim.Render(timing(r)))
}

func printReportNotes(w io.Writer, r *run.Report, named func(string) string) {
	if len(r.Notes) > 0 {
		display.Fprintln(w)
	}
	for _, n := range r.Notes {
		display.Fprintf(w, "! %s\n", display.Indent(named(n), "  "))
	}
}

func verdictText(r *run.Report, st Style) string {
	switch r.Verdict {
	case run.VerdictDelivered:
		if r.Endings[component.Delivered] == 0 {
			return st.Bad.Render("done, nothing was delivered")
		}
		return st.Good.Render("delivered")
	case run.VerdictDry:
		return st.Good.Render("dry run, nothing sent")
	case run.VerdictUnconfirmed:
		return st.Bad.Render("delivered, not confirmed")
	}
	text := string(r.Verdict)
	if !r.Sent {
		text += ", nothing sent"
	}
	return st.Bad.Render(text)
}

func endingTree(r *run.Report, st Style) display.Block {
	t := tree.Root(fmt.Sprintf("%s records read", display.Number(r.Read))).Enumerator(tree.RoundedEnumerator)
	all := r.Endings.Shown()
	if r.Endings[component.Pending] > 0 {
		all = append(all, component.Pending)
	}
	for _, e := range all {
		word := wordFor(r, e)
		line := fmt.Sprintf("%s %s", display.Number(r.Endings[e]), word)
		if e == component.Rejected && r.Endings[e] > 0 {
			line = st.Bad.Render(line)
		}
		branch := tree.Root(display.Line(line))
		for _, name := range byCount(r.Reasons[e]) {
			branch.Child(display.Sprintf("%s %s", display.Number(r.Reasons[e][name]), name))
		}
		t.Child(branch)
	}
	return display.Block(t.String())
}

// wordFor is an ending's word for a run that may not have come that far.
func wordFor(r *run.Report, e component.Ending) string {
	switch {
	case e == component.Delivered && r.Verdict != run.VerdictDelivered && r.Verdict != run.VerdictUnconfirmed:
		return "would be delivered"
	case e == component.Pending:
		return "not processed, because the run ended first"
	}
	return e.String()
}

// byCount are the names of a count, the largest first.
func byCount(m map[string]int) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int { return m[b] - m[a] })
	return names
}

func kindTable(r *run.Report, st Style) display.Block {
	header := []string{"kind", "read"}
	for _, e := range r.Endings.Shown() {
		header = append(header, wordFor(r, e))
	}
	var rows [][]string
	for _, k := range r.Kinds {
		row := []string{k.Kind, display.Number(k.Read)}
		for _, e := range r.Endings.Shown() {
			row = append(row, display.Number(k.Counts[e]))
		}
		rows = append(rows, row)
	}
	return Grid(header, rows, 1, st)
}

// streamTable counts items, where the tree counts records: a record may make
// items for several streams.
func streamTable(r *run.Report, st Style) display.Block {
	header := []string{"stream", "items", "merged", "withheld", "rejected", "size"}
	if r.Since != nil {
		header = append(header, "new", "changed", "gone")
	}
	var rows [][]string
	for _, s := range r.Streams {
		switch {
		case !s.Written:
			rows = append(rows, []string{s.Name, "not written"})
			continue
		case s.Counts == nil:
			items := display.Number(s.Staged)
			if s.Rows > 0 { // as the sink counts them, too
				items = fmt.Sprintf("%s in %s", display.Number(s.Rows), items)
			}
			rows = append(rows, append([]string{s.Name, items, "", "", "", size(s.Bytes)}, changes(s)...))
			continue
		}
		held := s.Counts[component.Delivered] + s.Counts[component.Kept]
		rows = append(rows,
			append([]string{s.Name, display.Number(held), display.Number(s.Counts[component.Merged]),
				display.Number(s.Counts[component.Withheld]), display.Number(s.Counts[component.Rejected]), size(s.Bytes)},
				changes(s)...))
		if len(s.Types) > 1 {
			for _, t := range slices.Sorted(maps.Keys(s.Types)) {
				rows = append(rows, []string{"  " + t, display.Number(s.Types[t])})
			}
		}
	}
	for i := range rows {
		for len(rows[i]) < len(header) {
			rows[i] = append(rows[i], "")
		}
	}
	return Grid(header, rows, 1, st)
}

// changes are the cells that compare a stream with the last good run.
func changes(s run.StreamReport) []string {
	if s.Changes == nil {
		return nil
	}
	return []string{display.Number(s.Changes.Added), display.Number(s.Changes.Changed), display.Number(s.Changes.Gone)}
}

// audienceLine is who finds the documents of this run, with the difference to
// the last good one (invariant 5).
func audienceLine(r *run.Report) string {
	total := 0
	var parts []string
	for _, a := range slices.Backward(access.Audiences[:]) {
		total += r.Audience[a]
		part := fmt.Sprintf("%s %s", a, display.Number(r.Audience[a]))
		if r.Since != nil {
			if d := r.Audience[a] - r.Since.Audience[a]; d != 0 {
				part += fmt.Sprintf(" (%+d)", d)
			}
		}
		parts = append(parts, part)
	}
	if total == 0 {
		return ""
	}
	line := "documents found by  " + strings.Join(parts, " · ") + "\n"
	switch {
	case r.FirstRun:
		return line + "First run with this state folder: access changes were not compared."
	case r.Stateless:
		return line + "No state folder: access changes were not compared."
	case r.Since == nil:
		return strings.TrimSuffix(line, "\n")
	}
	line += fmt.Sprintf("%s found by more people than after the run of %s", display.Plural(r.Since.Wider, "document"),
		r.Since.Finished.Local().Format("2006-01-02 15:04"))
	if !r.Since.SamePipeline {
		line += ", which had another pipeline file"
	}
	return line
}

// printWidened names the documents that more people find, by rule and class, and
// the first refs of each. A refusal has them in its table.
func printWidened(w io.Writer, r *run.Report, st Style) {
	if r.Since == nil || len(r.Since.Widened) == 0 || r.Verdict == run.VerdictRefused {
		return
	}
	display.Fprintf(w, "\n%s\n", st.Bold.Render("found by more people"))
	refs := map[string][]string{}
	var groups []string
	for _, d := range r.Since.Widened {
		after := d.After.String()
		if d.After == d.Before {
			after = "more users or groups"
		}
		group := fmt.Sprintf("%s: %s → %s", d.Rule, d.Before, after)
		if refs[group] == nil {
			groups = append(groups, group)
		}
		refs[group] = append(refs[group], d.Ref)
	}
	for _, group := range groups {
		g := changeGroup{all: len(refs[group]), refs: refs[group][:min(shownRefs, len(refs[group]))]}
		display.Fprintf(w, "  %s, %s\n", group, display.Number(g.all))
		display.Fprintf(w, "    %s\n", display.Block(display.Line(g.list())))
	}
	if len(r.Since.Widened) > shownRefs {
		display.Fprintf(w, "  --json lists all of them, and --output DIR writes them to DIR/widened.ndjson\n")
	}
}

// Rejections prints the first rejections, those with one reason together.
func Rejections(w io.Writer, r *run.Report, st Style) {
	if len(r.Rejections) == 0 {
		return
	}
	display.Fprintf(w, "\n%s\n", st.Bad.Render("rejected"))
	refs := map[string][]string{}
	var reasons []string
	for _, d := range r.Rejections {
		why := string(d.Stage)
		if d.Field != "" {
			why += ", " + d.Field
		}
		why += ": " + d.Reason
		if refs[why] == nil {
			reasons = append(reasons, why)
		}
		refs[why] = append(refs[why], d.Ref)
	}
	for _, why := range reasons {
		list := refs[why]
		text := strings.Join(list[:min(3, len(list))], ", ")
		if more := len(list) - 3; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		display.Fprintf(w, "  %s\n    %s\n", why, text)
	}
	if more := r.Endings[component.Rejected] - len(r.Rejections); more > 0 {
		display.Fprintf(w, "  … and %s more; --output DIR writes all of them to DIR/rejected.ndjson\n", display.Number(more))
	}
}

func timing(r *run.Report) string {
	parts := []string{"read " + seconds(r.Seconds.Read)}
	if r.Seconds.Review > 0.01 {
		parts = append(parts, "review "+seconds(r.Seconds.Review))
	}
	if r.Sent {
		parts = append(parts, "publish "+seconds(r.Seconds.Publish))
	}
	if r.Seconds.Confirm >= 1 {
		parts = append(parts, "waiting for Glean "+seconds(r.Seconds.Confirm))
	}
	total := r.Seconds.Total()
	line := seconds(total) + " in all"
	if total > 0 {
		line += fmt.Sprintf(", %s records a second", display.Number(int(float64(r.Read)/total)))
	}
	return line + " (" + strings.Join(parts, ", ") + ")"
}

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
