package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
)

// Run is a run that ended.
type Run struct {
	Record *report.Record // with its error when the run failed
	// Changes are the differences from the last good run.
	Changes run.Differences
	// Served means that the reader did not start the run, and has neither its output nor its files.
	Served bool
}

// where returns where the rest of a list is: text speaks of the run's output and files.
func (r Run) where(text string) string {
	if r.Served {
		return "the API lists them"
	}
	return text
}

// Calls complete the command lines of pipe in texts, as the front end writes them. The zero
// value leaves texts unchanged.
type Calls struct {
	Text func(text string) string
	// Approve returns the command line that allows a refused run; "" for none. refusal has an ID.
	Approve func(refusal *report.Error) string
}

func (c Calls) text(text string) string {
	if c.Text == nil {
		return text
	}
	return c.Text(text)
}

// mostRows is the maximum number of items in a table or a cell, mostShown that of unfolded refs
// in a cell, and mostNames that of names in a change of access.
const (
	mostRows  = 300
	mostShown = 12
	mostNames = 20
)

// RunPage returns the page of a run.
func RunPage(r Run, calls Calls) *Page {
	rep := r.Record.Report
	p := &Page{Kind: "Run of", Title: r.Record.File, Footer: "pipe " + r.Record.Version}
	if rep == nil {
		p.Status = Status{Bad, "did not begin"}
		p.Facts = []Fact{{"File", r.Record.File}, {"Exit code", fmt.Sprint(r.Record.ExitCode)}}
		p.alert(r.Record.Error, false, calls)
		return p
	}
	p.Title, p.Status = rep.Pipeline, statusOf(rep)
	p.Facts = []Fact{
		{"Started", moment(rep.Started)}, {"Duration", duration(rep.Seconds.Total())}, {"File", r.Record.File},
		{"Run", rep.RunID}, {"Exit code", fmt.Sprint(r.Record.ExitCode)},
	}
	if r.Record.Sandbox {
		p.Facts = append(p.Facts, Fact{"Sandbox", "yes: nothing outside this machine was changed"})
	}
	p.alert(r.Record.Error, rep.Sent, calls)
	if rep.Read == 0 {
		p.add(notes(rep.Notes, calls))
		return p
	}
	p.Figures = figures(rep)
	p.add(audience(rep), streams(rep), widened(r), removed(r), tightened(rep, r.where), rejections(rep, r.where),
		endings(rep), kinds(rep), notes(rep.Notes, calls))
	return p
}

// add adds the sections that are not empty.
func (p *Page) add(sections ...Section) {
	for _, s := range sections {
		tables := slices.DeleteFunc(s.Tables, func(t Table) bool { return len(t.Rows) == 0 })
		if s.Tables = tables; s.Chart != nil || len(tables)+len(s.Lines) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
}

func statusOf(r *run.Report) Status {
	switch r.Verdict {
	case run.VerdictDelivered:
		if r.Endings[component.Delivered] == 0 {
			return Status{Warn, "done, nothing was delivered"}
		}
		return Status{Good, "delivered"}
	case run.VerdictDry:
		return Status{Good, "dry run, nothing was sent"}
	case run.VerdictUnconfirmed:
		return Status{Warn, "sent, not confirmed"}
	}
	text := string(r.Verdict)
	if !r.Sent {
		text += ", nothing was sent"
	}
	return Status{Bad, text}
}

// alert adds why a run ended with an error, and how to allow it.
func (p *Page) alert(refused *report.Error, sent bool, calls Calls) {
	if refused == nil {
		return
	}
	if !refused.Refused() {
		p.Alerts = append(p.Alerts, Alert{
			Tone: Bad, Title: "The run ended with an error", Reasons: []string{calls.text(refused.Message)},
			Remedy: calls.text(refused.Hint),
		})
		return
	}
	a := Alert{Tone: Bad, Title: "A guard refused this run; nothing was sent"}
	if sent {
		a.Title = "A guard refused this run; only what narrows access was sent"
	}
	for g := refused; g != nil; g = g.Also {
		a.Reasons = append(a.Reasons, calls.text(g.Message))
		for _, line := range g.Table {
			a.Table = append(a.Table, calls.text(line))
		}
		a.Remedy = cmp.Or(a.Remedy, calls.text(g.Hint))
	}
	if refused.ID != "" && calls.Approve != nil {
		a.Command = Command(calls.Approve(refused))
	}
	if a.Command != "" {
		a.Advice = fmt.Sprintf("If this is intended, allow exactly these changes once (refusal %s, valid for 24 hours):",
			refused.ID)
	}
	p.Alerts = append(p.Alerts, a)
}

// would reports whether the numbers of a run are about what it would have done.
func would(r *run.Report) bool {
	return r.Verdict != run.VerdictDelivered && r.Verdict != run.VerdictUnconfirmed
}

// word returns an ending as a heading.
func word(r *run.Report, e component.Ending) string {
	switch {
	case e == component.Delivered && would(r):
		return "would be delivered"
	case e == component.Pending:
		return "not processed"
	}
	return e.String()
}

func figures(r *run.Report) []Figure {
	out := []Figure{{Name: "records read", Value: display.Number(r.Read)}}
	for _, e := range r.Endings.Shown() {
		f := Figure{Name: word(r, e), Value: display.Number(r.Endings[e])}
		if e == component.Rejected && r.Endings[e] > 0 {
			f.Tone = Bad
		}
		out = append(out, f)
	}
	if r.Since != nil {
		f := Figure{Name: "documents with a wider audience", Value: display.Number(r.Since.Wider)}
		if r.Since.Wider > 0 {
			f.Tone = Warn
		}
		out = append(out, f)
	}
	return out
}

func streams(r *run.Report) Section {
	t := Table{Caption: "Items by stream", Columns: []Column{{Name: "stream"}, {Name: "items", Number: true},
		{Name: "new", Number: true}, {Name: "changed", Number: true}, {Name: "deleted", Number: true}}}
	for _, s := range r.Streams {
		row := []Cell{{Text: s.Name}, {Text: "not written"}, {}, {}, {}}
		if s.Written {
			n := s.Staged
			if s.Counts != nil {
				n = s.Counts[component.Delivered]
			}
			row[1].Text = display.Number(n)
			if s.Rows > 0 {
				row[1].Text = fmt.Sprintf("%s in %s", display.Number(s.Rows), display.Number(s.Staged))
			}
			row[2].Text, row[3].Text, row[4].Text = "–", "–", "–"
		}
		if c := s.Changes; s.Written && c != nil {
			row[2].Text, row[3].Text, row[4].Text = count(c.Added), count(c.Changed), count(c.Gone)
			if c.Gone > 0 {
				row[4].Tone = Warn
			}
		}
		t.Rows = append(t.Rows, row)
	}
	s := Section{ID: "changes", Title: "What changed", Tables: []Table{t}}
	if would(r) {
		s.Title = "What would change"
	}
	if p := r.Publish; p != nil && r.Verdict != run.VerdictRefused {
		verb := "was"
		if would(r) {
			verb = "would be"
		}
		switch {
		case p.Mode == component.PublishFull && p.Why != "":
			s.Intro = fmt.Sprintf("Everything %s sent: %s.", verb, p.Why)
		case p.Mode == component.PublishFull:
			s.Intro = fmt.Sprintf("Everything %s sent.", verb)
		default:
			s.Intro = fmt.Sprintf("Only what changed %s sent.", verb)
		}
	}
	return s
}

// count formats a number, 0 as a dash.
func count(n int) string {
	if n == 0 {
		return "–"
	}
	return display.Number(n)
}

// listed returns a cell with a number n of refs and the list of the first ones.
func listed(refs []string, n int, where string) Cell {
	shown, listed := min(len(refs), mostShown), min(len(refs), mostRows)
	c := Cell{Text: display.Number(n)}
	c.Refs = Refs{Shown: refs[:shown], Folded: refs[shown:listed], More: more(n, listed, where)}
	c.Refs.Fold = "show " + display.Number(listed-shown) + " more"
	return c
}

// more returns how many rows a table leaves out, and where they are.
func more(n, shown int, where string) string {
	switch {
	case n <= shown:
		return ""
	case where == "":
		return display.Number(n-shown) + " more."
	}
	return fmt.Sprintf("%s more; %s.", display.Number(n-shown), where)
}

// rejections returns the first rejections, grouped by reason.
func rejections(r *run.Report, where func(string) string) Section {
	type cause struct{ stage, field, reason string }
	refs := map[cause][]string{}
	var causes []cause
	for _, d := range r.Rejections {
		c := cause{string(d.Stage), d.Field, d.Reason}
		if refs[c] == nil {
			causes = append(causes, c)
		}
		refs[c] = append(refs[c], d.Ref)
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return len(refs[b]) - len(refs[a]) })
	t := Table{Columns: []Column{{Name: "reason"}, {Name: "records"}}, Stacked: true,
		More: more(r.Endings[component.Rejected], len(r.Rejections),
			where("--output DIR writes all of them to DIR/rejected.ndjson"))}
	for _, c := range causes {
		list := refs[c]
		text := c.stage + ": " + c.reason
		if c.field != "" {
			text = c.stage + ", " + c.field + ": " + c.reason
		}
		t.Rows = append(t.Rows, []Cell{{Text: text}, listed(list, len(list), "")})
	}
	return Section{ID: "rejected", Title: "Rejected records", Tables: []Table{t}}
}

func endings(r *run.Report) Section {
	t := Table{Columns: []Column{{Name: "outcome"}, {Name: "records", Number: true}}}
	all := r.Endings.Shown()
	if r.Endings[component.Pending] > 0 {
		all = append(all, component.Pending)
	}
	for _, e := range all {
		cell := Cell{Text: word(r, e)}
		for _, reason := range byCount(r.Reasons[e]) {
			cell.Detail = append(cell.Detail,
				Detail{Text: fmt.Sprintf("%s × %s", display.Number(r.Reasons[e][reason]), reason)})
		}
		t.Rows = append(t.Rows, []Cell{cell, {Text: display.Number(r.Endings[e])}})
	}
	return Section{ID: "outcomes", Title: "Outcome of every record", Tables: []Table{t}}
}

func kinds(r *run.Report) Section {
	t := Table{Columns: []Column{{Name: "kind"}, {Name: "read", Number: true}}}
	for _, e := range r.Endings.Shown() {
		t.Columns = append(t.Columns, Column{word(r, e), true})
	}
	for _, k := range r.Kinds {
		row := []Cell{{Text: k.Kind}, {Text: display.Number(k.Read)}}
		for _, e := range r.Endings.Shown() {
			row = append(row, Cell{Text: count(k.Counts[e])})
		}
		t.Rows = append(t.Rows, row)
	}
	return Section{ID: "kinds", Title: "Records by kind", Tables: []Table{t}}
}

func notes(all []string, calls Calls) Section {
	s := Section{ID: "notes", Title: "Notes"}
	for _, n := range all {
		s.Lines = append(s.Lines, calls.text(n))
	}
	return s
}

// byCount returns the names of a count, the largest count first.
func byCount(m map[string]int) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int { return m[b] - m[a] })
	return names
}

// moment formats a time in UTC, for readers in other zones.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
