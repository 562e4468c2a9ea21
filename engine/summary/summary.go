package summary

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
)

// Summary is a description that any reader of the repository may see.
type Summary struct {
	Title   string
	Subject string // the pipeline file
	Result  string
	Tables  []Table
	Notes   []string
}

// Table is a table of plain texts.
type Table struct {
	Caption string
	Columns []string
	// Left is how many columns hold text; the others hold numbers.
	Left int
	Rows [][]string
	// More is what follows the rows; "" for nothing.
	More string
}

const (
	// mostRows is how many rows a table has.
	mostRows = 100
	// noItem is the audience of an item that is not there.
	noItem = "–"
	// hidden ends a summary.
	hidden = "Documents that only some people find are counted and not named."
)

// Diff describes a diff. err is why such a run would be refused; nil when it would not.
func Diff(file string, d *diff.Diff, r *run.Report, err error) *Summary {
	sum := diff.StreamDiff{}
	streams := Table{Caption: "Items", Left: 1,
		Columns: []string{"stream", "before", "after", "added", "changed", "removed", "wider", "narrower"}}
	for _, s := range d.Streams {
		row := []string{s.Name}
		for _, n := range []int{s.Before, s.Now, s.Added, s.Changed, s.Removed, s.Wider, s.Narrower} {
			row = append(row, display.Number(n))
		}
		streams.Rows = append(streams.Rows, row)
		sum.Added, sum.Changed, sum.Removed = sum.Added+s.Added, sum.Changed+s.Changed, sum.Removed+s.Removed
		sum.Wider, sum.Narrower = sum.Wider+s.Wider, sum.Narrower+s.Narrower
	}
	s := &Summary{Title: "Effect of the change", Subject: file, Result: "Nothing would change."}
	if d.Any() {
		s.Result = fmt.Sprintf("%s would be added, %s changed, %s removed. More people would find %s, fewer %s.",
			display.Number(sum.Added), display.Number(sum.Changed), display.Number(sum.Removed), display.Number(sum.Wider),
			display.Number(sum.Narrower))
	}
	s.add(streams, shifts(d), open(d), rejections(r))
	if err != nil {
		s.add(causes("The run would be refused", run.Causes(err, report.CodeOf(err), r)))
	}
	s.Notes = append(slices.Clone(d.Notes), hidden)
	return s
}

// Run describes a run. r is nil when the run did not begin.
func Run(file string, r *run.Report, err error, class string) *Summary {
	s := &Summary{Title: "Run", Subject: file, Result: class}
	if r != nil {
		s.Notes = []string{"run " + r.RunID}
		s.add(endings(r), written(r), audiences(r), counted("Documents by rule", "rule", "documents", r.Rules), widened(r))
	}
	if found := run.Causes(err, report.CodeOf(err), r); err != nil {
		s.add(causes("Causes", found))
	} else if r != nil {
		s.add(rejections(r))
	}
	s.Notes = append(s.Notes, hidden)
	return s
}

// Failed describes a diff that was not made.
func Failed(file string, err error) *Summary {
	s := &Summary{Title: "Effect of the change", Subject: file, Result: "The comparison failed."}
	s.add(causes("Causes", run.Causes(err, report.CodeOf(err), nil)))
	return s
}

// add adds the tables that have rows.
func (s *Summary) add(tables ...Table) {
	for _, t := range tables {
		if len(t.Rows) == 0 {
			continue
		}
		if more := len(t.Rows) - mostRows; more > 0 {
			t.Rows, t.More = t.Rows[:mostRows], "and "+display.Number(more)+" more"
		}
		s.Tables = append(s.Tables, t)
	}
}

func shifts(d *diff.Diff) Table {
	t := Table{Caption: "Who would find them", Left: 5,
		Columns: []string{"stream", "before", "after", "rule", "access", "items"}}
	all := slices.SortedFunc(maps.Keys(d.Shifts), func(a, b diff.Shift) int {
		return cmp.Or(-compareBool(a.Wider, b.Wider), -compareBool(a.Narrower, b.Narrower), cmp.Compare(a.Stream, b.Stream),
			cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Rule, b.Rule))
	})
	for _, one := range all {
		change := ""
		switch {
		case one.Wider && one.Narrower:
			change = "other people"
		case one.Wider:
			change = "wider"
		case one.Narrower:
			change = "narrower"
		}
		t.Rows = append(t.Rows, []string{one.Stream, audience(one.From), audience(one.To), one.Rule, change,
			display.Number(d.Shifts[one])})
	}
	return t
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// audience is the word for an audience; an item that is not there has none.
func audience(a access.Audience) string {
	if a == access.Undecided {
		return noItem
	}
	return a.String()
}

func open(d *diff.Diff) Table {
	t := Table{Caption: "Documents that every datasource user finds before the change", Left: 4,
		Columns: []string{"stream", "document", "change", "found by after it"}}
	for _, c := range d.Open {
		t.Rows = append(t.Rows, []string{c.Stream, c.ID, c.Change, audience(c.To)})
	}
	if d.OpenMore > 0 {
		t.More = "and " + display.Number(d.OpenMore) + " more"
	}
	return t
}

func endings(r *run.Report) Table {
	t := Table{Caption: "Records", Left: 1, Columns: []string{"ending", "records"},
		Rows: [][]string{{"read", display.Number(r.Read)}}}
	for _, e := range component.Endings {
		if n := r.Endings[e]; n > 0 {
			name := e.String()
			if e == component.Delivered && r.Verdict != run.VerdictDelivered && r.Verdict != run.VerdictUnconfirmed {
				name = "would be delivered"
			}
			t.Rows = append(t.Rows, []string{name, display.Number(n)})
		}
	}
	return t
}

func written(r *run.Report) Table {
	t := Table{Caption: "Compared with the last good run", Left: 1, Columns: []string{"stream", "new", "changed", "gone"}}
	for _, s := range r.Streams {
		if c := s.Changes; c != nil {
			t.Rows = append(t.Rows, []string{s.Name, display.Number(c.Added), display.Number(c.Changed), display.Number(c.Gone)})
		}
	}
	return t
}

func audiences(r *run.Report) Table {
	t := Table{Caption: "Who finds the documents", Left: 1, Columns: []string{"audience", "documents"}}
	for _, a := range slices.Backward(access.Audiences[:]) {
		if n := r.Audience[a]; n > 0 {
			t.Rows = append(t.Rows, []string{a.String(), display.Number(n)})
		}
	}
	return t
}

// widened counts the documents that more people find, by rule.
func widened(r *run.Report) Table {
	counts := map[string]int{}
	if r.Since != nil {
		for _, w := range r.Since.Widened {
			counts[w.Rule]++
		}
	}
	return counted("Documents that more people find than after the last good run", "rule", "documents", counts)
}

func rejections(r *run.Report) Table {
	return causes("Rejected", run.Causes(nil, "", r))
}

func causes(caption string, all []string) Table {
	t := Table{Caption: caption, Left: 1, Columns: []string{"cause"}}
	for _, c := range all {
		t.Rows = append(t.Rows, []string{c})
	}
	return t
}

// counted is a table of a count, the largest first.
func counted(caption, what, number string, counts map[string]int) Table {
	t := Table{Caption: caption, Left: 1, Columns: []string{what, number}}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b))
	})
	for _, name := range names {
		t.Rows = append(t.Rows, []string{name, display.Number(counts[name])})
	}
	return t
}
