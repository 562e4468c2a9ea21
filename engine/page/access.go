package page

import (
	"cmp"
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
)

func audience(r *run.Report) Section {
	s := Section{ID: "audience", Title: "Who can find the documents"}
	now := "this run"
	if would(r) {
		now = "after this run"
	}
	switch {
	case r.Since != nil:
		before := "last good run"
		s.Chart = audienceChart(r.Audience, r.Since.Audience, before, now)
		s.Intro = fmt.Sprintf("Compared with the run of %s.", moment(r.Since.Finished))
		if !r.Since.SamePipeline {
			s.Intro += " The pipeline file changed since then."
		}
	default:
		s.Chart = audienceChart(r.Audience, nil, "", now)
		s.Intro = "There is no earlier run to compare with."
		if r.FirstRun {
			s.Intro = "First run with this state folder: access changes were not compared."
		} else if r.Stateless {
			s.Intro = "No state folder: access changes were not compared."
		}
	}
	if s.Chart != nil {
		s.Tables = append(s.Tables, rules(r))
	}
	return s
}

func rules(r *run.Report) Table {
	t := Table{Caption: "Documents by permission rule",
		Columns: []Column{{Name: "rule"}, {Name: "documents", Number: true}}}
	for _, name := range byCount(r.Rules) {
		t.Rows = append(t.Rows, []Cell{{Text: name}, {Text: display.Number(r.Rules[name])}})
	}
	return t
}

// widened returns the documents that more people find: those that a guard counted, or else
// those that the review found.
func widened(r Run) Section {
	rep := r.Record.Report
	t := Table{Columns: []Column{{Name: "audience"}, {Name: "rule"}, {Name: "documents"}}, Stacked: true}
	if rep.Since == nil {
		return Section{}
	}
	n := len(rep.Since.Widened)
	type group struct{ change, rule string }
	refs := map[group][]string{}
	var groups []group
	for _, d := range rep.Since.Widened {
		after := d.After.String()
		if d.After == d.Before {
			after += ", more users or groups"
		}
		g := group{fmt.Sprintf("%s → %s", d.Before, after), d.Rule}
		if refs[g] == nil {
			groups = append(groups, g)
		}
		refs[g] = append(refs[g], d.Ref)
	}
	for _, g := range groups {
		t.Rows = append(t.Rows, []Cell{{Text: g.change, Tone: Warn}, {Text: g.rule},
			listed(refs[g], len(refs[g]), r.where("--json lists all, and --output DIR writes them to DIR/widened.ndjson"))})
	}
	s := Section{ID: "widened", Title: "Documents with a wider audience", Tables: []Table{t}}
	s.Intro = fmt.Sprintf("More people can find %s than after the last good run.", display.Plural(n, "document"))
	if would(rep) {
		s.Intro = fmt.Sprintf("More people could find %s than after the last good run.", display.Plural(n, "document"))
	}
	return s
}

// removed returns the items that are deleted, and the groups that lose members.
func removed(r Run) Section {
	t := Table{Columns: []Column{{Name: "stream"}, {Name: "audience before"}, {Name: "items"}}, Stacked: true}
	type group struct{ stream, before string }
	refs, counts := map[group][]string{}, map[group]int{}
	var groups []group
	for _, c := range r.Changes.Gone {
		g := group{c.Stream, cmp.Or(access.Class(c.Before), "–")}
		if c.Type != "" && c.Type != c.Stream {
			g.stream += ", " + c.Type
		}
		if access.Class(c.After) != fault.Gone {
			g.before = "members leave"
		}
		if counts[g] == 0 {
			groups = append(groups, g)
		}
		counts[g]++
		if c.ID == "" && c.Ref == "" { // only the sink's own count has them
			counts[g] += c.N - 1
			continue
		}
		refs[g] = append(refs[g], cmp.Or(c.Ref, c.ID))
	}
	for _, g := range groups {
		t.Rows = append(t.Rows, []Cell{{Text: g.stream}, {Text: g.before},
			listed(refs[g], counts[g], r.where("--output DIR writes all of them to DIR/gone.ndjson"))})
	}
	s := Section{ID: "removed", Title: "Deleted items, and groups that lose members", Tables: []Table{t}}
	if would(r.Record.Report) {
		s.Intro = "These would be deleted or lose members."
	}
	return s
}

func tightened(r *run.Report, where func(string) string) Section {
	t := r.Tightened
	if t == nil {
		return Section{}
	}
	out := Section{ID: "tightened", Title: "Access narrowed although the run was refused"}
	if !r.Sent {
		out.Title = "Access that would be narrowed although the run is refused"
	}
	table := Table{Columns: []Column{{Name: "found by"}, {Name: "documents"}}, Stacked: true}
	for _, part := range []struct {
		refs []string
		text string
	}{{t.Narrowed, "fewer people"}, {t.Removed, "no one"}} {
		if len(part.refs) > 0 {
			table.Rows = append(table.Rows,
				[]Cell{{Text: part.text}, listed(part.refs, len(part.refs), where("--json lists all"))})
		}
	}
	out.Tables = []Table{table}
	if t.TooMany > 0 {
		out.Lines = append(out.Lines, fmt.Sprintf("%s that a rule gives to no one: more than max_loss allows, waiting for "+
			"an approval", display.Plural(t.TooMany, "document")))
	}
	if t.Unsure > 0 {
		out.Lines = append(out.Lines, fmt.Sprintf("%s not narrowed by a decision alone, waiting for an approval",
			display.Plural(t.Unsure, "document")))
	}
	if t.Failed != "" {
		out.Lines = append(out.Lines, "Not all of it was sent: "+t.Failed)
	}
	return out
}
