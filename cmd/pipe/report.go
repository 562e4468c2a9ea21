package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss/tree"

	"github.com/pipe-engine/pipe/engine"
)

// printReport prints what became of a run: a closing tree, a line per kind and
// stream, and who finds what.
func (a *app) printReport(w io.Writer, r *engine.Report, st style) {
	fmt.Fprintf(w, "%s %s   %s\n", st.bold.Render(r.Pipeline), verdictText(r, st), st.dim.Render("run "+r.RunID))
	if r.Read == 0 {
		printNotes(w, r)
		return
	}
	fmt.Fprintf(w, "\n%s\n\n%s\n", endingTree(r, st), kindTable(r, st))
	if table := streamTable(r, st); table != "" {
		fmt.Fprintf(w, "\n%s\n", table)
	}
	if audience := audienceLine(r); audience != "" {
		fmt.Fprintf(w, "\n%s\n", audience)
	}
	printRejections(w, r, st)
	printNotes(w, r)
	fmt.Fprintf(w, "\n%s\n", st.dim.Render(timing(r)))
}

func printNotes(w io.Writer, r *engine.Report) {
	if len(r.Notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "! %s\n", n)
	}
}

func verdictText(r *engine.Report, st style) string {
	switch r.Verdict {
	case engine.VerdictDelivered:
		return st.good.Render("delivered")
	case engine.VerdictDry:
		return st.good.Render("dry run, nothing sent")
	case engine.VerdictUnconfirmed:
		return st.bad.Render("delivered, not confirmed")
	}
	text := string(r.Verdict)
	if !r.Sent {
		text += ", nothing sent"
	}
	return st.bad.Render(text)
}

func endingTree(r *engine.Report, st style) string {
	t := tree.Root(fmt.Sprintf("%s records read", number(r.Read))).Enumerator(tree.RoundedEnumerator)
	reasons := map[engine.Ending]map[string]int{engine.Filtered: r.Filtered, engine.Merged: r.Merged, engine.Withheld: r.Withheld, engine.Rejected: r.RejectedBy}
	sent := r.Verdict == engine.VerdictDelivered || r.Verdict == engine.VerdictUnconfirmed
	all := append([]engine.Ending{}, engine.Endings[:]...)
	if r.Endings[engine.Pending] > 0 {
		all = append(all, engine.Pending)
	}
	for _, e := range all {
		word := e.String()
		switch {
		case e == engine.Delivered && !sent:
			word = "to deliver"
		case e == engine.Pending:
			word = "not looked at: the run ended before"
		}
		line := fmt.Sprintf("%s %s", number(r.Endings[e]), word)
		if e == engine.Rejected && r.Endings[e] > 0 {
			line = st.bad.Render(line)
		}
		branch := tree.Root(line)
		for _, name := range byCount(reasons[e]) {
			branch.Child(fmt.Sprintf("%s %s", number(reasons[e][name]), name))
		}
		t.Child(branch)
	}
	return t.String()
}

// byCount are the names of a count, the largest first.
func byCount(m map[string]int) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int { return m[b] - m[a] })
	return names
}

func kindTable(r *engine.Report, st style) string {
	header := []string{"kind", "read"}
	for _, e := range engine.Endings {
		header = append(header, e.String())
	}
	var rows [][]string
	for _, k := range r.Kinds {
		row := []string{k.Kind, number(k.Read)}
		for _, e := range engine.Endings {
			row = append(row, number(k.Counts[e]))
		}
		rows = append(rows, row)
	}
	return grid(header, rows, 1, st)
}

func streamTable(r *engine.Report, st style) string {
	header := []string{"stream", "items", "size"}
	var rows [][]string
	for _, s := range r.Streams {
		if !s.Written {
			rows = append(rows, []string{s.Name, "not written", ""})
			continue
		}
		rows = append(rows, []string{s.Name, number(s.Counts[engine.Delivered]), size(s.Bytes)})
		if len(s.Types) > 1 {
			for _, t := range slices.Sorted(maps.Keys(s.Types)) {
				rows = append(rows, []string{"  " + t, number(s.Types[t]), ""})
			}
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return grid(header, rows, 1, st)
}

// audienceLine is who finds the documents of this run.
func audienceLine(r *engine.Report) string {
	total := 0
	var parts []string
	for _, a := range slices.Backward(engine.Audiences[:]) {
		total += r.Audience[a]
		parts = append(parts, fmt.Sprintf("%s %s", a, number(r.Audience[a])))
	}
	if total == 0 {
		return ""
	}
	return "found by  " + strings.Join(parts, " · ") + "\n" +
		"no earlier run is remembered, so that nothing could be compared with who found what before"
}

func printRejections(w io.Writer, r *engine.Report, st style) {
	if len(r.Rejections) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", st.bad.Render("rejected"))
	for _, d := range r.Rejections {
		where := d.Stage
		if d.Field != "" {
			where += ", " + d.Field
		}
		fmt.Fprintf(w, "  %s (%s): %s\n", d.Ref, where, d.Reason)
	}
	if more := r.Endings[engine.Rejected] - len(r.Rejections); more > 0 {
		fmt.Fprintf(w, "  … and %s more; --output DIR writes all of them to DIR/rejected.ndjson\n", number(more))
	}
}

func timing(r *engine.Report) string {
	parts := []string{"read " + seconds(r.Seconds.Read)}
	if r.Seconds.Review > 0.01 {
		parts = append(parts, "review "+seconds(r.Seconds.Review))
	}
	if r.Sent {
		parts = append(parts, "publish "+seconds(r.Seconds.Publish))
	}
	total := r.Seconds.Total()
	line := seconds(total) + " in all"
	if total > 0 {
		line += fmt.Sprintf(", %s records a second", number(int(float64(r.Read)/total)))
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
