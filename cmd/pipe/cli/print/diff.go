package print

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/display"
)

// Diff prints how much changes, then who finds what, and then the items that change.
func Diff(w io.Writer, d *diff.Diff, st Style) {
	display.Fprintf(w, "against %s, written %s\n", d.Against, d.Written.Local().Format("2006-01-02 15:04"))
	if d.Any() {
		display.Fprintf(w, "\n%s\n", diffTable(d, st))
		if fields := differingFields(d); fields != "" {
			display.Fprintf(w, "\nfields that differ: %s\n", display.Indent(fields, ""))
		}
	} else {
		display.Fprintf(w, "\n%s\n", st.Good.Render("nothing would change"))
	}
	if len(d.Access) > 0 {
		display.Fprintf(w, "\n%s\n", st.Bold.Render("who finds what"))
		for _, group := range equalAccess(d.Access) {
			display.Fprint(w, display.Block(accessText(group, st)))
		}
		if more := countStreams(d, func(s *diff.StreamDiff) int { return s.Wider + s.Narrower }) - marks(d.Access); more > 0 {
			display.Fprintf(w, "  … and more: in all %s\n", accessTotal(d))
		}
	}
	stream := ""
	for _, c := range d.Items {
		if c.Stream != stream {
			stream = c.Stream
			display.Fprintf(w, "\n%s\n", st.Bold.Render(stream))
		}
		display.Fprint(w, display.Block(itemText(c, st)))
	}
	if more := countStreams(d, func(s *diff.StreamDiff) int {
		return s.Added + s.Changed + s.Removed
	}) - len(d.Items); more > 0 {
		display.Fprintf(w, "  … and %s more; --limit 0 shows all\n", display.Number(more))
	}
	for _, n := range d.Notes {
		display.Fprintf(w, "\n! %s\n", display.Indent(n, "  "))
	}
}

func countStreams(d *diff.Diff, of func(*diff.StreamDiff) int) int {
	n := 0
	for _, s := range d.Streams {
		n += of(s)
	}
	return n
}

func marks(all []diff.AccessChange) int {
	n := 0
	for _, c := range all {
		if c.Wider {
			n++
		}
		if c.Narrower {
			n++
		}
	}
	return n
}

func accessTotal(d *diff.Diff) string {
	return fmt.Sprintf("%s wider, %s narrower; --limit 0 shows all",
		display.Number(countStreams(d, func(s *diff.StreamDiff) int { return s.Wider })),
		display.Number(countStreams(d, func(s *diff.StreamDiff) int { return s.Narrower })))
}

func diffTable(d *diff.Diff, st Style) display.Block {
	var rows [][]string
	for _, s := range d.Streams {
		rows = append(rows,
			[]string{s.Name, display.Number(s.Before), display.Number(s.Now), display.Number(s.Added), display.Number(s.Changed),
				display.Number(s.Removed), display.Number(s.Wider), display.Number(s.Narrower)})
	}
	return Grid([]string{"stream", "before", "now", "added", "changed", "removed", "wider", "narrower"}, rows, 1, st)
}

// differingFields are the fields that differ, the most frequent first.
func differingFields(d *diff.Diff) string {
	all := map[string]int{}
	for _, s := range d.Streams {
		for name, n := range s.Fields {
			all[name] += n
		}
	}
	names := slices.Sorted(maps.Keys(all))
	slices.SortStableFunc(names, func(a, b string) int { return all[b] - all[a] })
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s in %s", name, display.Number(all[name])))
	}
	return strings.Join(parts, " · ")
}

// equalAccess groups the changes that differ only in their document, in the order of the
// first of each group.
func equalAccess(all []diff.AccessChange) [][]diff.AccessChange {
	var out [][]diff.AccessChange
	at := map[string]int{}
	for _, c := range all {
		same := c
		same.ID, same.Title = "", ""
		key := fmt.Sprintf("%+v", same)
		i, seen := at[key]
		if !seen {
			i = len(out)
			at[key], out = i, append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}

// accessText is a change of access, of one document or of several with the same change.
func accessText(group []diff.AccessChange, st Style) string {
	c := group[0]
	mark := st.Bad.Render("WIDER   ")
	switch {
	case c.Wider && c.Narrower:
		mark = st.Bad.Render("OTHERS  ")
	case c.Narrower:
		mark = st.Good.Render("narrower")
	}
	line := fmt.Sprintf("  %s  %s", mark, c.Stream)
	if len(group) == 1 {
		line += " " + display.Line(c.ID)
	}
	if c.From != c.To {
		line += fmt.Sprintf("  %s → %s", c.From, c.To)
	}
	if c.Rule != "" {
		line += ", by " + ruleName(c.Rule)
	}
	line += "\n"
	if len(group) > 1 {
		var ids []string
		for _, one := range group {
			ids = append(ids, one.ID)
		}
		line += "      " + display.Line(strings.Join(ids, ", ")) + "\n"
	}
	for _, part := range []struct {
		sign  string
		names []string
		paint func(...string) string
	}{{"-", c.Lost, st.Good.Render}, {"+", c.Gained, st.Bad.Render}} {
		if len(part.names) > 0 {
			line += "      " + part.paint(part.sign+" "+display.Line(some(part.names))) + "\n"
		}
	}
	return line
}

func ruleName(rule string) string {
	if rule == "default" {
		return "the default"
	}
	return fmt.Sprintf("rule %q", rule)
}

const shownNames = 10

func some(names []string) string {
	text := strings.Join(names[:min(len(names), shownNames)], ", ")
	if more := len(names) - shownNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func itemText(c diff.ItemChange, st Style) string {
	name := display.Line(c.ID)
	if c.Title != "" {
		name += "  " + display.Line(c.Title)
	}
	switch c.Change {
	case "added":
		if c.To != "" {
			name += fmt.Sprintf("  (found by %s, by %s)", c.To, ruleName(c.Rule))
		}
		return st.Good.Render("  + "+name) + "\n"
	case "removed":
		return st.Bad.Render("  - "+name) + "\n"
	}
	text := "  ~ " + name + "\n"
	for _, f := range c.Fields {
		text += indented(Difference(f, st), "    ")
	}
	return text
}

func indented(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}
