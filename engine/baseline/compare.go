package baseline

import (
	"cmp"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Comparison is the stage beside the last good run.
type Comparison struct {
	// Streams are those that the last good runs left something about.
	Streams map[string]*Changes
	// Audience counts the documents of the last good run, withheld ones included.
	Audience map[access.Audience]int
	// Rows are members, where a stream counts the principals of its items. filled
	// are its items that had any.
	Rows map[string]*rowChanges
	// Gone are the reasons why items go, and lost the items, by stream.
	Gone map[string][]*display.Examples
	Lost map[string][]fault.Change
	// Wider are documents that more people find than before.
	Wider   []*widening
	Swapped []*Swap
	gains   []gain
	// Added counts new documents by who finds them.
	Added map[access.Audience]int
}

type rowChanges struct{ Before, Filled int }

// Changes is how a stream differs from the last good run. Items are told apart
// by their IDs: one that comes under another ID is one gone and one added.
type Changes struct {
	Before  int                    `json:"before"`
	Added   int                    `json:"added"`
	Changed int                    `json:"changed"`
	Same    int                    `json:"same"`
	Gone    int                    `json:"gone"`
	Types   map[string]*TypeChange `json:"types,omitempty"`
}

// TypeChange is how many items of an object type were there, and go.
type TypeChange struct {
	Before int `json:"before"`
	Gone   int `json:"gone"`
}

// gain is a group with more members than before.
type gain struct {
	ref string
	n   int
}

// Comparer compares the streams of a plan with the last good run.
type Comparer struct {
	*Comparison
	Past           *past
	Shelf          *stage.Stage
	Fate           func(ref string) (component.Ending, string) // how a record ended, and why
	Off            func(kind string) bool
	Hidden         Hiding
	Permissions    func(stream string) bool
	streams, types words
}

func NewComparison() *Comparison {
	return &Comparison{Streams: map[string]*Changes{}, Audience: map[access.Audience]int{}, Rows: map[string]*rowChanges{}, Gone: map[string][]*display.Examples{}, Lost: map[string][]fault.Change{}, Added: map[access.Audience]int{}}
}

func (c *Comparer) Run(plan *component.Plan, snap *Snapshot) (err error) {
	for _, s := range plan.Streams {
		if _, known := snap.Streams[s.Name]; !known {
			continue
		}
		c.Comparison.Streams[s.Name] = &Changes{Types: map[string]*TypeChange{}}
		if s.Own {
			c.Rows[s.Name] = &rowChanges{}
		}
	}
	wanted := func(stream string) bool { return c.Comparison.Streams[stream] != nil }
	if c.Past, err = readPast(snap, &c.streams, &c.types, wanted, c.Hidden); err != nil {
		return err
	}
	c.count()
	for _, s := range plan.Streams {
		if c.Comparison.Streams[s.Name] == nil {
			continue
		}
		n := c.streams.number(s.Name)
		for t, err := range c.Shelf.Tags(s.Name) {
			if err != nil {
				return err
			}
			c.item(s.Name, n, t)
		}
		for u, err := range c.Shelf.Withheld(s.Name) {
			if err != nil {
				return err
			}
			c.seen(n, u.Ref, u.ID)
		}
	}
	if err := c.missing(snap); err != nil {
		return err
	}
	for _, s := range plan.Streams {
		if c.Permissions(s.Name) {
			if err := c.swaps(s.Name); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(c.Wider, func(a, b *widening) int {
		return cmp.Or(cmp.Compare(b.To, a.To), cmp.Compare(len(b.Changes), len(a.Changes)))
	})
	slices.SortFunc(c.gains, func(a, b gain) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.ref, b.ref)) })
	for _, list := range c.Gone {
		slices.SortStableFunc(list, func(a, b *display.Examples) int { return cmp.Compare(b.N, a.N) })
	}
	return nil
}

// count counts what was there before.
func (c *Comparer) count() {
	for _, row := range c.Past.Rows {
		if !row.away && row.Audience != access.Undecided {
			c.Audience[row.Audience]++
		}
		if !row.there {
			continue
		}
		name := c.streams.word(row.stream)
		ch := c.Comparison.Streams[name]
		ch.Before++
		c.typeOf(ch, row.typ).Before++
		if r := c.Rows[name]; r != nil && len(row.Names) > 0 {
			r.Before += len(row.Names)
			r.Filled++
		}
	}
}

func (c *Comparer) typeOf(ch *Changes, typ uint8) *TypeChange {
	word := c.types.word(typ)
	t := ch.Types[word]
	if t == nil {
		t = &TypeChange{}
		ch.Types[word] = t
	}
	return t
}

// item compares one item of the new run.
func (c *Comparer) item(stream string, n uint8, t stage.Tag) {
	ch := c.Comparison.Streams[stream]
	if c.Permissions(stream) {
		c.exposure(n, t)
	}
	old := c.Past.byID(n, t.ID)
	if old == nil || !old.there {
		ch.Added++
		if c.Permissions(stream) {
			c.Added[t.Audience]++
		}
		return
	}
	old.present = true
	if old.content == t.Content {
		ch.Same++
		return
	}
	ch.Changed++
	if r := c.Rows[stream]; r != nil {
		if fewer := access.Missing(old.Names, t.Names); fewer > 0 {
			c.Lost[stream] = append(c.Lost[stream], fault.Change{Stream: stream, ID: fault.HexID(old.id), Ref: t.Ref, Before: MembersText(old.Names), After: MembersText(t.Names), N: fewer})
			c.because(stream, "fewer members", t.Ref)
		}
		if more := access.Missing(t.Names, old.Names); more > 0 {
			c.gains = append(c.gains, gain{t.Ref, more})
		}
	}
}

// seen notes that the new run says who finds an item: what is remembered of its
// ref and ID together is then told anew, and of either alone kept.
func (c *Comparer) seen(n uint8, ref, id string) {
	old := c.Past.byRef(n, ref)
	if old != nil && old.id == codec.Hash([]byte(id)) {
		old.Again = true
	}
}

// exposure notes when more people find a document than before (invariant 5). It
// is no new document because its ref or its ID is another, nor because it was
// away for some runs.
func (c *Comparer) exposure(n uint8, t stage.Tag) {
	c.seen(n, t.Ref, t.ID)
	old := c.Past.byRef(n, t.Ref)
	if !old.Narrower(t) {
		if old = c.Past.byID(n, t.ID); !old.Narrower(t) {
			return
		}
	}
	if old.Audience == access.Nobody && c.Hidden.Back(t.Ref, t.ID) { // a person has let it back
		return
	}
	i := slices.IndexFunc(c.Wider, func(w *widening) bool { return w.Rule == t.Rule && w.From == old.Audience && w.To == t.Audience })
	if i < 0 {
		i = len(c.Wider)
		c.Wider = append(c.Wider, &widening{Rule: t.Rule, From: old.Audience, To: t.Audience})
	}
	change := fault.Change{Stream: c.streams.word(n), ID: fault.HexID(codec.Hash([]byte(t.ID))), Ref: t.Ref, Before: access.AudienceText(old.Audience.String(), old.Names), After: access.AudienceText(t.Audience.String(), t.Names), N: 1}
	c.Wider[i].Changes = append(c.Wider[i].Changes, change)
}

// MembersText is a group's members as a Change has them.
func MembersText(names []uint64) string { return access.AudienceText("members", names) }

// missing finds out what goes, and why.
func (c *Comparer) missing(snap *Snapshot) error {
	i := 0
	for e, err := range snap.Entries() {
		if err != nil {
			return err
		}
		row := &c.Past.Rows[i]
		i++
		if row.present || !row.there {
			continue
		}
		ch := c.Comparison.Streams[e.Stream]
		ch.Gone++
		c.typeOf(ch, row.typ).Gone++
		change := fault.Change{Stream: e.Stream, Type: c.types.word(row.typ), ID: fault.HexID(e.ID), Ref: e.Ref, After: fault.Gone, N: 1}
		switch {
		case c.Rows[e.Stream] != nil:
			change.Before, change.N = MembersText(e.Names), len(e.Names)
		case row.Audience != access.Undecided:
			change.Before = access.AudienceText(row.Audience.String(), e.Names)
		}
		c.Lost[e.Stream] = append(c.Lost[e.Stream], change)
		c.because(e.Stream, c.why(e), e.Ref)
	}
	return nil
}

// because notes why something of a stream goes.
func (c *Comparer) because(stream, why, ref string) {
	list := c.Gone[stream]
	at := slices.IndexFunc(list, func(x *display.Examples) bool { return x.Why == why })
	if at < 0 {
		at = len(list)
		list = append(list, &display.Examples{Why: why})
		c.Gone[stream] = list
	}
	list[at].Add(ref)
}

// why tells what became of the record of an item that goes.
func (c *Comparer) why(e Entry) string {
	ending, reason := c.Fate(e.Ref)
	switch ending {
	case component.Pending:
		if c.Off(e.Kind) {
			return e.Kind + " switched off"
		}
		return "gone from the source"
	case component.Delivered:
		return "has another id, or is no longer mapped to it"
	}
	if reason == "" {
		return ending.String()
	}
	return ending.String() + ": " + reason
}
