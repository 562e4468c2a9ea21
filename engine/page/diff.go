package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
)

// Diff is a comparison of what a run would send with the output of an earlier run.
type Diff struct {
	Diff    *diff.Diff
	Report  *run.Report // of the run that was compared
	Err     error       // why that run would be refused; nil when it would not
	File    string
	Version string // of the program
}

// DiffPage returns the page of a diff.
func DiffPage(d Diff, calls Calls) *Page {
	sum := sumOf(d.Diff)
	p := &Page{Kind: "Diff of", Title: d.Report.Pipeline, Footer: "pipe " + d.Version, Status: Status{Plain, "changes"}}
	switch {
	case !d.Diff.Any():
		p.Status = Status{Good, "nothing would change"}
	case sum.Wider > 0:
		p.Status = Status{Warn, "wider access"}
	}
	p.Facts = []Fact{{"File", d.File}, {"Compared with", d.Diff.Against}, {"Written", moment(d.Diff.Written)},
		{"Read", moment(d.Report.Started)}}
	if d.Err != nil {
		p.alert(report.ErrorOf(d.Err), false, calls)
	}
	p.Figures = []Figure{
		{Name: "added", Value: display.Number(sum.Added)}, {Name: "changed", Value: display.Number(sum.Changed)},
		{Name: "removed", Value: display.Number(sum.Removed)},
		{Name: "wider access", Value: display.Number(sum.Wider), Tone: toneOf(sum.Wider, Warn)},
		{Name: "narrower access", Value: display.Number(sum.Narrower)},
	}
	p.add(
		Section{ID: "audience", Title: "Who could find the documents",
			Chart: audienceChart(d.Report.Audience, nil, "", "after this run")},
		accessChanges(d.Diff, sum), streamChanges(d.Diff), itemChanges(d.Diff, sum), rejections(d.Report, Run{}.where),
		notes(d.Diff.Notes, calls))
	return p
}

func toneOf(n int, tone Tone) Tone {
	if n == 0 {
		return Plain
	}
	return tone
}

func sumOf(d *diff.Diff) diff.StreamDiff {
	sum := diff.StreamDiff{Fields: map[string]int{}}
	for _, s := range d.Streams {
		sum.Added += s.Added
		sum.Changed += s.Changed
		sum.Removed += s.Removed
		sum.Wider += s.Wider
		sum.Narrower += s.Narrower
		for name, n := range s.Fields {
			sum.Fields[name] += n
		}
	}
	return sum
}

// accessChanges returns the documents with a different audience, and the groups with different
// members; the wider ones first.
func accessChanges(d *diff.Diff, sum diff.StreamDiff) Section {
	t := Table{Columns: []Column{{Name: "item"}, {Name: "rule"}, {Name: "access"}}, Stacked: true}
	all := slices.Clone(d.Access)
	slices.SortStableFunc(all, func(a, b diff.AccessChange) int {
		switch {
		case a.Wider == b.Wider:
			return 0
		case a.Wider:
			return -1
		}
		return 1
	})
	marks := 0
	for _, c := range all {
		cell := Cell{Text: "narrower", Tone: Good}
		switch {
		case c.Wider && c.Narrower:
			cell, marks = Cell{Text: "other users or groups", Tone: Warn}, marks+1
		case c.Wider:
			cell = Cell{Text: "wider", Tone: Warn}
		}
		marks++
		if c.From != c.To {
			cell.Text += fmt.Sprintf(": %s → %s", c.From, c.To)
		}
		cell.Detail = append(signed("-", c.Lost, mostNames), signed("+", c.Gained, mostNames)...)
		t.Rows = append(t.Rows, []Cell{named(c.Stream, c.ID, c.Title), {Text: cmp.Or(c.Rule, "–")}, cell})
	}
	t.More = more(sum.Wider+sum.Narrower, marks, "--limit 0 shows all")
	return Section{ID: "access", Title: "Changes of access", Tables: []Table{t}}
}

// named returns a cell for an item with its stream and title.
func named(stream, id, title string) Cell {
	c := Cell{Text: id, Code: true, Small: stream}
	if title != "" && title != id {
		c.Small += ", " + title
	}
	return c
}

func signed(sign string, texts []string, most int) []Detail {
	var out []Detail
	for _, text := range texts[:min(len(texts), most)] {
		out = append(out, Detail{sign, text})
	}
	if n := len(texts) - most; n > 0 {
		out = append(out, Detail{sign, "and " + display.Number(n) + " more"})
	}
	return out
}

func streamChanges(d *diff.Diff) Section {
	t := Table{Caption: "Items by stream", Columns: []Column{{Name: "stream"}, {"before", true}, {"now", true},
		{"added", true}, {"changed", true}, {"removed", true}, {"wider", true}, {"narrower", true}}}
	fields := Table{Caption: "Fields that differ", Columns: []Column{{Name: "field"}, {"items", true}}}
	for _, s := range d.Streams {
		row := []Cell{{Text: s.Name}, {Text: display.Number(s.Before)}, {Text: display.Number(s.Now)}}
		for _, n := range []int{s.Added, s.Changed, s.Removed, s.Wider, s.Narrower} {
			row = append(row, Cell{Text: count(n)})
		}
		t.Rows = append(t.Rows, row)
	}
	differing := map[string]int{}
	for _, s := range d.Streams {
		for name, n := range s.Fields {
			differing[s.Name+": "+name] += n
		}
	}
	names := slices.Sorted(maps.Keys(differing))
	slices.SortStableFunc(names, func(a, b string) int { return differing[b] - differing[a] })
	for _, name := range names {
		fields.Rows = append(fields.Rows, []Cell{{Text: name, Code: true}, {Text: display.Number(differing[name])}})
	}
	return Section{ID: "changes", Title: "What would change", Tables: []Table{t, fields}}
}

// itemChanges returns the items that are added, removed, or have different fields.
func itemChanges(d *diff.Diff, sum diff.StreamDiff) Section {
	t := Table{Columns: []Column{{Name: "item"}, {Name: "change"}}, Stacked: true}
	for _, c := range d.Items {
		cell := Cell{Text: c.Change}
		switch c.Change {
		case "added":
			cell.Tone = Good
			if c.To != "" {
				cell.Text += fmt.Sprintf(", audience %s by rule %q", c.To, c.Rule)
			}
		case "removed":
			cell.Tone = Bad
		}
		for _, f := range c.Fields {
			before, after := f.Lines()
			cell.Detail = append(cell.Detail, Detail{Text: f.Path})
			cell.Detail = append(cell.Detail, signed("-", before, mostLines)...)
			cell.Detail = append(cell.Detail, signed("+", after, mostLines)...)
		}
		t.Rows = append(t.Rows, []Cell{named(c.Stream, c.ID, c.Title), cell})
	}
	t.More = more(sum.Added+sum.Changed+sum.Removed, len(d.Items), "--limit 0 shows all")
	return Section{ID: "items", Title: "Items", Tables: []Table{t}}
}

// mostLines is the maximum number of lines of a value.
const mostLines = 12
