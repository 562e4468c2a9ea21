package mcp

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/output"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

type diffIn struct {
	from
	Against string `json:"against" jsonschema:"the folder that pipe run --dry-run --output wrote before the change"`
}

// mostChanges is the number of changes that a diff keeps of each kind.
const mostChanges = 100

// compared is what a run would change.
type compared struct {
	Any     bool                `json:"changes"`
	Streams []*diff.StreamDiff  `json:"streams"`
	Shifts  []shift             `json:"audiences"`
	Access  []diff.AccessChange `json:"access"`
	Items   []diff.ItemChange   `json:"items"`
	// Unnamed counts the changes that Access and Items leave out.
	Unnamed int      `json:"unnamed,omitempty"`
	Notes   []string `json:"notes"`
}

// shift counts the items whose audience a change concerns.
type shift struct {
	Stream string `json:"stream"`
	From   string `json:"from"`
	To     string `json:"to"`
	Rule   string `json:"rule,omitempty"`
	N      int    `json:"items"`
}

func (s *server) diff(ctx context.Context, in diffIn) (any, error) {
	o, err := s.open(ctx, in.from)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	most := mostChanges
	if !s.o.Inspect {
		most = 0 // changes that are shown are counted by themselves
	}
	d, _, err := o.Diff(ctx, in.Against, most, job.RunOptions{Stop: ctx.Done(), OpenOutput: s.openOutput})
	if d == nil {
		return nil, err
	}
	return o.privacy.compared(d), nil
}

// openOutput opens a kept output below the folder.
func (s *server) openOutput(dir string, d component.Decoder) (*output.Written, error) {
	list, err := s.files.list(dir, ".ndjson")
	if err != nil {
		return nil, err
	}
	left := int64(maxOutput)
	return output.OpenFiles(dir, list, func(path string) (*os.File, error) {
		f, err := s.files.open(path, left)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		left -= info.Size()
		return f, nil
	}, d)
}

// compared returns what is shown of a diff.
func (p privacy) compared(d *diff.Diff) compared {
	out := compared{Any: d.Any(), Streams: d.Streams, Access: d.Access, Items: d.Items, Shifts: []shift{}, Notes: d.Notes}
	for s, n := range d.Shifts {
		if p.inspect || s.From != s.To || open(s.From) {
			out.Shifts = append(out.Shifts, shift{s.Stream, s.From.String(), s.To.String(), s.Rule, n})
		}
	}
	if p.inspect {
		return out
	}
	p.restrict(&out, d)
	out.Any = slices.ContainsFunc(out.Streams, func(s *diff.StreamDiff) bool {
		return s.Added+s.Changed+s.Removed+s.Wider+s.Narrower > 0
	})
	return out
}

// restriction leaves out of a diff what not everyone found before the change. The kept output may be
// of real entities, whatever the run reads, and the caller may have written it to compare a guess
// with. So nothing depends on the fields, the people or the members of a restricted item, no count
// either.
type restriction struct {
	privacy
	out    *compared
	counts map[string]*diff.StreamDiff
	// was has the items that everyone found before the change, and always those found after it, too.
	was, always map[itemKey]bool
}

type itemKey struct{ stream, id string }

// restrict fills what is shown of a diff, as a restriction does.
func (p privacy) restrict(out *compared, d *diff.Diff) {
	r := restriction{p, out, map[string]*diff.StreamDiff{}, map[itemKey]bool{}, map[itemKey]bool{}}
	for _, c := range d.Open {
		r.was[itemKey{c.Stream, c.ID}] = true
		r.always[itemKey{c.Stream, c.ID}] = open(c.To) || c.To == access.Undecided
	}
	out.Streams, out.Access, out.Items = []*diff.StreamDiff{}, []diff.AccessChange{}, []diff.ItemChange{}
	for _, s := range d.Streams {
		r.counts[s.Name] = &diff.StreamDiff{Name: s.Name, Before: s.Before, Now: s.Now, Added: s.Added, Removed: s.Removed,
			Fields: map[string]int{}}
		out.Streams = append(out.Streams, r.counts[s.Name])
	}
	for _, c := range d.Access {
		if c.From != c.To {
			r.access(c)
		}
	}
	for _, c := range d.Items {
		if c.Change != "changed" || r.changed(c) {
			r.item(c)
		}
	}
}

// access adds a change from one audience to another.
func (r restriction) access(c diff.AccessChange) {
	if n := r.counts[c.Stream]; c.Wider {
		n.Wider++
	} else {
		n.Narrower++
	}
	at := itemKey{c.Stream, c.ID}
	if !r.bundled || !r.was[at] || len(r.out.Access) == mostChanges {
		r.out.Unnamed++
		return
	}
	if !r.always[at] {
		c.Title = ""
	}
	r.out.Access = append(r.out.Access, c)
}

// changed counts an item with different fields, and reports whether it may be counted.
func (r restriction) changed(c diff.ItemChange) bool {
	at := itemKey{c.Stream, c.ID}
	if !r.was[at] || !r.always[at] && !r.bundled {
		return false
	}
	n := r.counts[c.Stream]
	n.Changed++
	for _, f := range c.Fields {
		n.Fields[f.Path]++
	}
	return true
}

// item adds an item, and leaves its text out unless everyone finds it.
func (r restriction) item(c diff.ItemChange) {
	at, added := itemKey{c.Stream, c.ID}, c.Change == "added"
	shown := r.always[at] || added && open(access.ParseAudience(c.To))
	named := shown || r.bundled && (added || r.was[at])
	if !named || len(r.out.Items) == mostChanges {
		r.out.Unnamed++
		return
	}
	if !shown {
		c.Title = ""
		for i := range c.Fields {
			c.Fields[i].Before, c.Fields[i].After = leftOut, leftOut
		}
	}
	r.out.Items = append(r.out.Items, c)
}

// ran is what became of the records of a run.
type ran struct {
	Verdict  run.Verdict            `json:"verdict"`
	Error    string                 `json:"error,omitempty"`
	Read     int                    `json:"read"`
	Endings  any                    `json:"endings"`
	Streams  any                    `json:"streams"`
	Audience map[string]int         `json:"audience"`
	Rules    map[string]int         `json:"rules"`
	Rejected []component.DeadLetter `json:"rejected"`
	Notes    []string               `json:"notes"`
	Index    string                 `json:"index,omitempty"`
}

func (s *server) sandboxRun(ctx context.Context, in from) (any, error) {
	if in.Live {
		return nil, &fault.Invalid{Reason: "sandbox_run never reads the real source", Remedy: "leave live out"}
	}
	o, err := s.open(ctx, in)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	if o.Sandbox == nil { // its sink would be the real one
		return nil, &fault.Invalid{Reason: "there is no sandbox for " + o.Definition.Source.Name + " and " +
			o.Definition.Sink.Name, Remedy: "use explain, diff or search_as with input"}
	}
	r, err := o.Run(ctx, job.RunOptions{Stop: ctx.Done()})
	if r == nil {
		return nil, err
	}
	out := ran{Verdict: r.Verdict, Read: r.Read, Endings: r.Endings, Streams: r.Streams, Rules: r.Rules,
		Audience: map[string]int{}, Rejected: []component.DeadLetter{}, Notes: r.Notes}
	if err != nil {
		out.Error = err.Error()
	}
	for a, n := range r.Audience {
		out.Audience[a.String()] = n
	}
	out.Rejected = append(out.Rejected, r.Rejections...)
	var index strings.Builder
	if o.Sandbox.Sink.Summary != nil && o.Sandbox.Sink.Summary(&index) == nil {
		out.Index = index.String()
	}
	return out, nil
}

type searchIn struct {
	from
	Query  string `json:"query,omitempty" jsonschema:"the words; without them all documents that the person finds"`
	Person string `json:"person,omitempty" jsonschema:"an e-mail, the ref of a user or a part of a name; without it any user"`
	Page   int    `json:"page,omitempty" jsonschema:"the page of ten results, from 1"`
}

// found is a page of a search.
type found struct {
	Person string          `json:"person"`
	Total  int             `json:"total"`
	Hits   []hit           `json:"hits"`
	Facets []preview.Facet `json:"facets,omitempty"`
	// Restricted counts the documents that the person finds and not everyone, whatever the query.
	Restricted int    `json:"restricted,omitempty"`
	Note       string `json:"note,omitempty"`
}

type hit struct {
	Ref        string `json:"ref"`
	Audience   string `json:"audience"`
	Title      string `json:"title"`
	Snippet    string `json:"snippet,omitempty"`
	Type       string `json:"type,omitempty"`
	Owner      string `json:"owner,omitempty"`
	URL        string `json:"url,omitempty"`
	Properties any    `json:"properties,omitempty"`
}

func (s *server) searchAs(ctx context.Context, in searchIn) (any, error) {
	o, err := s.open(ctx, in.from)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	x, err := preview.Build(ctx, o.Job, "", job.RunOptions{Stop: ctx.Done()})
	if err != nil {
		return nil, err
	}
	defer x.Close()
	who, near, known := x.Pick(in.Person)
	if !o.privacy.names() { // a part of a name would show the rest of it
		who, known = x.Person(in.Person)
	}
	if !known {
		wrong := &fault.Invalid{Reason: "no single person is meant by " + in.Person,
			Remedy: "give an e-mail or the ref of a user"}
		if o.privacy.names() && len(near) > 0 {
			wrong.Remedy = "similar are"
			for _, p := range near {
				wrong.Remedy += " " + p.String()
			}
		}
		return nil, wrong
	}
	q := preview.Query{Text: in.Query, Person: who, View: preview.After, Page: max(0, in.Page-1)}
	out := found{Person: who.String(), Hits: []hit{}}
	if !o.privacy.names() {
		// Words are looked for in documents that everyone finds: an answer about others would show
		// which words they have.
		all, err := x.Search(ctx, preview.Query{Person: who, View: preview.After})
		if err != nil {
			return nil, err
		}
		everyone, err := x.Search(ctx, preview.Query{Person: preview.AnyUser, View: preview.After})
		if err != nil {
			return nil, err
		}
		out.Restricted = all.Total - everyone.Total
		out.Note = "documents that not everyone finds are counted in restricted, and not searched"
		q.Person = preview.AnyUser
	}
	r, err := x.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	out.Total = r.Total
	if o.privacy.inspect {
		out.Facets = r.Facets
	}
	for _, h := range r.Hits {
		if !o.privacy.inspect && !open(h.Audience) {
			out.Hits = append(out.Hits, hit{Ref: h.Ref, Audience: h.Audience.String(), Title: leftOut})
			continue
		}
		out.Hits = append(out.Hits, hit{h.Ref, h.Audience.String(), text(h.Title), text(h.Snippet), h.Type, h.Owner, h.URL,
			h.Properties})
	}
	return out, nil
}

// text returns the text of parts.
func text(parts []preview.Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}
