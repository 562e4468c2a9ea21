package diff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/output"
)

// Diff is what a run would change. Changes beyond the limit are only counted.
type Diff struct {
	Against string         `json:"against"`
	Written time.Time      `json:"written"`
	Access  []AccessChange `json:"access"`
	Items   []ItemChange   `json:"items"`
	Streams []*StreamDiff  `json:"streams"`
	Notes   []string       `json:"notes"`
	// Shifts counts the items with an audience that a change concerns.
	Shifts map[Shift]int `json:"-"`
	// Open are changes of items that every datasource user finds before the change.
	Open []OpenChange `json:"-"`
	// OpenMore counts those beyond the limit.
	OpenMore int `json:"-"`

	past  *output.Written
	limit int // 0 means no limit
}

// StreamDiff counts the changes of one stream.
type StreamDiff struct {
	Name     string         `json:"name"`
	Before   int            `json:"before"`
	Now      int            `json:"now"`
	Added    int            `json:"added"`
	Changed  int            `json:"changed"`
	Removed  int            `json:"removed"`
	Wider    int            `json:"wider"`
	Narrower int            `json:"narrower"`
	Fields   map[string]int `json:"fields"` // number of items that differ in a field
}

// AccessChange is an item with a different audience, or a group with different members.
type AccessChange struct {
	Stream   string   `json:"stream"`
	ID       string   `json:"id"`
	Title    string   `json:"title,omitempty"`
	Wider    bool     `json:"wider"`
	Narrower bool     `json:"narrower"`
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Rule     string   `json:"rule,omitempty"` // the rule that decides now
	Gained   []string `json:"gained,omitempty"`
	Lost     []string `json:"lost,omitempty"`
}

// ItemChange is an item that is added, removed, or has different fields.
type ItemChange struct {
	Stream string             `json:"stream"`
	ID     string             `json:"id"`
	Title  string             `json:"title,omitempty"`
	Change string             `json:"change"` // added, changed or removed
	To     string             `json:"found_by,omitempty"`
	Rule   string             `json:"rule,omitempty"`
	Fields []codec.Difference `json:"fields,omitempty"`
}

// Shift is a change of audience, and the rule that decides after it.
type Shift struct {
	Stream   string
	From, To access.Audience // Undecided where there is no item
	Rule     string
	// Wider and Narrower are those of AccessChange; neither for an item whose fields alone change.
	Wider, Narrower bool
}

// OpenChange is a change of an item that every datasource user finds before the change. Its
// ID may be shown to anyone who may see the pipeline file.
type OpenChange struct {
	Stream string
	ID     string
	Change string // changed or removed
	To     access.Audience
}

// New returns a Diff with an output folder. It keeps the first limit changes of access and the
// same number of item changes; 0 keeps all.
func New(past *output.Written, limit int) *Diff {
	return &Diff{Against: past.Dir, Written: past.At.UTC(), past: past, limit: limit,
		Access: []AccessChange{}, Items: []ItemChange{}, Notes: []string{}, Shifts: map[Shift]int{}}
}

// Any reports whether anything would change.
func (d *Diff) Any() bool {
	return slices.ContainsFunc(d.Streams, func(s *StreamDiff) bool {
		return s.Added+s.Changed+s.Removed+s.Wider+s.Narrower > 0
	})
}

// Compare compares every stream of a plan that the folder also has.
func (d *Diff) Compare(ctx context.Context, plan *component.Plan) error {
	for _, s := range plan.Streams {
		past := d.past.Streams[s.Name]
		if past == nil {
			d.note("%s is not in %s and was not compared", s.Name, d.Against)
			continue
		}
		if err := d.stream(ctx, s, past); err != nil {
			return fmt.Errorf("compare %s: %w", s.Name, err)
		}
	}
	for name := range d.past.Streams {
		if plan.Stream(name) == nil {
			d.note("%s is not written by this run and was not compared", name)
		}
	}
	slices.Sort(d.Notes)
	return nil
}

func (d *Diff) note(format string, args ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

func (d *Diff) stream(ctx context.Context, s component.StreamPlan, past *output.Stream) error {
	counts := &StreamDiff{Name: s.Name, Before: past.Count, Fields: map[string]int{}}
	d.Streams = append(d.Streams, counts)
	for e, err := range s.Content {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		counts.Now++
		if err := d.item(counts, e, past); err != nil {
			return err
		}
	}
	withheld := map[string]bool{}
	for e, err := range s.Withheld {
		if err != nil {
			return err
		}
		withheld[e.Ref] = true
	}
	for _, item := range past.Left() {
		old, err := past.Read(item)
		if err != nil {
			return err
		}
		counts.Removed++
		d.keep(ItemChange{Stream: s.Name, ID: old.ID, Title: old.Title, Change: "removed"})
		if withheld[old.ID] {
			nobody := component.Stored{ID: old.ID, Title: old.Title, Audience: access.Nobody}
			d.access(counts, old, nobody, "")
			d.open(s.Name, "removed", old, access.Nobody)
			continue
		}
		d.shift(Shift{Stream: s.Name, From: old.Audience})
		d.open(s.Name, "removed", old, access.Undecided)
	}
	return nil
}

func (d *Diff) item(counts *StreamDiff, e component.Encoded, past *output.Stream) error {
	was, there := past.Take(e.ID)
	if there && was.Same(e.Body) {
		return nil
	}
	now, err := past.Decode(e.Body)
	if err != nil {
		return err
	}
	if !there {
		counts.Added++
		added := ItemChange{Stream: counts.Name, ID: now.ID, Title: now.Title, Change: "added"}
		if now.Audience != access.Undecided {
			added.To, added.Rule = now.Audience.String(), e.Rule
		}
		d.keep(added)
		if d.past.WasWithheld(counts.Name, e.Ref) {
			d.access(counts, component.Stored{Audience: access.Nobody}, now, e.Rule)
			return nil
		}
		d.shift(Shift{Stream: counts.Name, To: now.Audience, Rule: e.Rule})
		return nil
	}
	old, err := past.Read(was)
	if err != nil {
		return err
	}
	moved := d.access(counts, old, now, e.Rule)
	fields := codec.Differences(old.Fields, now.Fields)
	if moved || len(fields) > 0 {
		d.open(counts.Name, "changed", old, now.Audience)
	}
	if len(fields) > 0 {
		if !moved {
			d.shift(Shift{Stream: counts.Name, From: old.Audience, To: now.Audience, Rule: e.Rule})
		}
		counts.Changed++
		for _, f := range fields {
			counts.Fields[f.Path]++
		}
		d.keep(ItemChange{Stream: counts.Name, ID: now.ID, Title: now.Title, Change: "changed", Fields: fields})
	}
	return nil
}

// access records that an item has a different audience now. An item that was or is withheld
// counts; a new item does not. It reports whether the audience is
// different.
func (d *Diff) access(counts *StreamDiff, old, now component.Stored, rule string) bool {
	change, changed := accessOf(old, now)
	if !changed {
		return false
	}
	change.Stream, change.Rule = counts.Name, rule
	if change.Wider {
		counts.Wider++
	}
	if change.Narrower {
		counts.Narrower++
	}
	if d.room(len(d.Access)) {
		d.Access = append(d.Access, change)
	}
	d.shift(Shift{counts.Name, old.Audience, now.Audience, rule, change.Wider, change.Narrower})
	return true
}

// shift counts a change of an item that has an audience.
func (d *Diff) shift(s Shift) {
	if s.From != access.Undecided || s.To != access.Undecided {
		d.Shifts[s]++
	}
}

// open keeps a change of an item that every datasource user finds before it.
func (d *Diff) open(stream, change string, old component.Stored, to access.Audience) {
	switch {
	case old.Audience != access.DatasourceUsers && old.Audience != access.AllUsers:
	case d.room(len(d.Open)):
		d.Open = append(d.Open, OpenChange{stream, old.ID, change, to})
	default:
		d.OpenMore++
	}
}

func (d *Diff) keep(c ItemChange) {
	if d.room(len(d.Items)) {
		d.Items = append(d.Items, c)
	}
}

func (d *Diff) room(n int) bool { return d.limit == 0 || n < d.limit }

// accessOf compares the audiences of an item as the guard on exposure does (invariant 5).
func accessOf(old, now component.Stored) (change AccessChange, changed bool) {
	c := AccessChange{ID: now.ID, Title: now.Title}
	if now.Audience != access.Undecided {
		c.From, c.To = old.Audience.String(), now.Audience.String()
	}
	if old.Audience == now.Audience {
		c.Gained, c.Lost = now.NewTo(old), old.NewTo(now)
		c.Wider, c.Narrower = len(c.Gained) > 0, len(c.Lost) > 0
		return c, c.Wider || c.Narrower
	}
	c.Wider = now.Audience > old.Audience
	c.Narrower = !c.Wider
	c.Gained, c.Lost = now.Names(), old.Names()
	return c, true
}
