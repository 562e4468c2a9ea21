package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// diff is what a run would change. Beyond the limit changes are counted only.
type diff struct {
	Against string         `json:"against"`
	Written time.Time      `json:"written"`
	Access  []accessChange `json:"access"`
	Items   []itemChange   `json:"items"`
	Streams []*streamDiff  `json:"streams"`
	Notes   []string       `json:"notes"`

	past  *pastOutput
	limit int // 0 for none
}

// streamDiff counts the changes of one stream.
type streamDiff struct {
	Name     string         `json:"name"`
	Before   int            `json:"before"`
	Now      int            `json:"now"`
	Added    int            `json:"added"`
	Changed  int            `json:"changed"`
	Removed  int            `json:"removed"`
	Wider    int            `json:"wider"`
	Narrower int            `json:"narrower"`
	Fields   map[string]int `json:"fields"` // how many items differ in one
}

// accessChange is an item that other people find, or a group with other members.
type accessChange struct {
	Stream   string   `json:"stream"`
	ID       string   `json:"id"`
	Title    string   `json:"title,omitempty"`
	Wider    bool     `json:"wider"`
	Narrower bool     `json:"narrower"`
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Rule     string   `json:"rule,omitempty"` // that decides now
	Gained   []string `json:"gained,omitempty"`
	Lost     []string `json:"lost,omitempty"`
}

// itemChange is an item that comes, goes, or has other fields.
type itemChange struct {
	Stream string             `json:"stream"`
	ID     string             `json:"id"`
	Title  string             `json:"title,omitempty"`
	Change string             `json:"change"` // added, changed or removed
	To     string             `json:"found_by,omitempty"`
	Rule   string             `json:"rule,omitempty"`
	Fields []codec.Difference `json:"fields,omitempty"`
}

func newDiff(past *pastOutput, limit int) *diff {
	return &diff{Against: past.dir, Written: past.written.UTC(), past: past, limit: limit, Access: []accessChange{}, Items: []itemChange{}, Notes: []string{}}
}

func (d *diff) any() bool {
	return slices.ContainsFunc(d.Streams, func(s *streamDiff) bool { return s.Added+s.Changed+s.Removed+s.Wider+s.Narrower > 0 })
}

// compare compares every stream of a plan that the folder has, too.
func (d *diff) compare(ctx context.Context, plan *component.Plan) error {
	for _, s := range plan.Streams {
		past := d.past.streams[s.Name]
		if past == nil {
			d.note("%s is not in %s and was not compared", s.Name, d.Against)
			continue
		}
		if err := d.stream(ctx, s, past); err != nil {
			return fmt.Errorf("compare %s: %w", s.Name, err)
		}
	}
	for name := range d.past.streams {
		if plan.Stream(name) == nil {
			d.note("%s is not written by this run and was not compared", name)
		}
	}
	slices.Sort(d.Notes)
	return nil
}

func (d *diff) note(format string, args ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

func (d *diff) stream(ctx context.Context, s component.StreamPlan, past *pastStream) error {
	counts := &streamDiff{Name: s.Name, Before: past.count, Fields: map[string]int{}}
	d.Streams = append(d.Streams, counts)
	for e, err := range s.Items {
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
	unseen := map[[16]byte]bool{}
	for ref, err := range s.Withheld {
		if err != nil {
			return err
		}
		unseen[keyOf(ref)] = true
	}
	for _, item := range past.left() {
		old, err := d.past.read(past, item)
		if err != nil {
			return err
		}
		counts.Removed++
		d.keep(itemChange{Stream: s.Name, ID: old.ID, Title: old.Title, Change: "removed"})
		if unseen[keyOf(old.ID)] {
			nobody := component.Stored{ID: old.ID, Title: old.Title, Audience: access.Nobody}
			d.access(counts, old, nobody, "")
		}
	}
	return nil
}

func (d *diff) item(counts *streamDiff, e component.Encoded, past *pastStream) error {
	was, there := past.take(e.ID)
	if there && was.content == contentOf(e.Body) {
		return nil
	}
	now, err := d.past.decoder.Decode(counts.Name, e.Body)
	if err != nil {
		return err
	}
	if !there {
		counts.Added++
		added := itemChange{Stream: counts.Name, ID: now.ID, Title: now.Title, Change: "added"}
		if now.Audience != access.Undecided {
			added.To, added.Rule = now.Audience.String(), e.Rule
		}
		d.keep(added)
		if d.past.withheld[counts.Name][keyOf(e.Ref)] {
			d.access(counts, component.Stored{Audience: access.Nobody}, now, e.Rule)
		}
		return nil
	}
	old, err := d.past.read(past, was)
	if err != nil {
		return err
	}
	d.access(counts, old, now, e.Rule)
	if fields := codec.Differences(old.Fields, now.Fields); len(fields) > 0 {
		counts.Changed++
		for _, f := range fields {
			counts.Fields[f.Path]++
		}
		d.keep(itemChange{Stream: counts.Name, ID: now.ID, Title: now.Title, Change: "changed", Fields: fields})
	}
	return nil
}

// access notes it when other people find an item now. What was withheld before
// or is now was there all the same: it counts, where something new does not.
func (d *diff) access(counts *streamDiff, old, now component.Stored, rule string) {
	change, changed := accessOf(old, now)
	if !changed {
		return
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
}

func (d *diff) keep(c itemChange) {
	if d.room(len(d.Items)) {
		d.Items = append(d.Items, c)
	}
}

func (d *diff) room(n int) bool { return d.limit == 0 || n < d.limit }

// accessOf tells who finds an item now and did not before, and the other way
// round, as the guard on exposure does (invariant 5).
func accessOf(old, now component.Stored) (change accessChange, changed bool) {
	c := accessChange{ID: now.ID, Title: now.Title}
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
