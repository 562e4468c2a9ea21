package baseline

import (
	"cmp"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Comparison is the difference between the stage and the last good run. A nil Comparison
// compares nothing; its methods may be called.
type Comparison struct {
	// streams are the streams that the last good runs recorded.
	streams map[string]*Changes
	// audience is the number of documents of the last good run by class, including withheld
	// ones.
	audience map[access.Audience]int
	// rows counts the principals (rows) of streams that are measured by their principals, and
	// how many items had any (filled).
	rows map[string]*rowChanges
	// gone are the reasons why items are deleted, and lost the deleted items, by stream;
	// earlier are those that were deleted in earlier runs of the window.
	gone    map[string][]*display.Examples
	lost    map[string][]fault.Change
	earlier map[string]*Earlier
	// changes are the changes of lost and wider by item.
	changes map[itemKey]fault.Change
	// wider are the documents that more people find than their floor allows.
	wider    []*Widening
	swapped  []*Swap
	gains    []gain
	growths  []Growth
	previous *previous
	// added is the number of new documents by audience.
	added map[access.Audience]int
}

type rowChanges struct{ before, filled int }

// Changes is the difference between a stream and the last good run. Items are identified by
// their IDs: an item with a new ID counts as one gone and one added.
type Changes struct {
	Before  int                    `json:"before"`
	Added   int                    `json:"added"`
	Changed int                    `json:"changed"`
	Same    int                    `json:"same"`
	Gone    int                    `json:"gone"`
	Types   map[string]*TypeChange `json:"types,omitempty"`
}

// TypeChange is the number of items of an object type before, and how many of them are deleted.
type TypeChange struct {
	Before int `json:"before"`
	Gone   int `json:"gone"`
}

// Earlier is the items that were deleted in earlier runs of the window without an approval.
type Earlier struct {
	Lost  []fault.Change
	Types map[string]int
	// Members is the number of members that were removed from a stream that is measured by its
	// principals, and Emptied the number of its groups that were removed or lost all members.
	Members, Emptied int
}

// gain is a group with more members than before.
type gain struct {
	ref string
	n   int
}

// Run is the input of Compare from a run.
type Run struct {
	Stage  *stage.Stage
	Hidden Hiding
	Fate   func(ref string) (component.Ending, string) // returns how a record ended, and why
	Off    func(kind string) bool                      // reports whether a kind is not written
	// Missing returns why a record was not read: a kind with the text Off, or another reason; "" when
	// it is unknown. It may be nil.
	Missing     func(ref string) string
	Now         time.Time
	Permissions func(stream string) bool // reports whether the items of a stream have permissions
	// Strict compares only with the last good run: a document that it did not deliver counts as
	// found by more people, and a member who had left a group is a newcomer. It is set for an
	// earlier output.
	Strict bool
}

// comparer builds a Comparison.
type comparer struct {
	*Comparison
	Run
	streams, types words
}

// NewComparison returns an empty Comparison. streams are the streams that the baseline knows.
func NewComparison(streams ...string) *Comparison {
	c := &Comparison{
		streams: map[string]*Changes{}, audience: map[access.Audience]int{}, rows: map[string]*rowChanges{},
		gone: map[string][]*display.Examples{}, lost: map[string][]fault.Change{}, earlier: map[string]*Earlier{},
		changes: map[itemKey]fault.Change{}, added: map[access.Audience]int{},
	}
	for _, stream := range streams {
		c.streams[stream] = &Changes{Types: map[string]*TypeChange{}}
	}
	return c
}

// Compare compares what a run would send with the last good run.
func Compare(plan *component.Plan, snap *Snapshot, run Run) (*Comparison, error) {
	c := &comparer{Comparison: NewComparison(), Run: run}
	return c.Comparison, c.compare(plan, snap)
}

func (c *comparer) compare(plan *component.Plan, snap *Snapshot) (err error) {
	for _, s := range plan.Streams {
		if _, known := snap.Streams[s.Name]; !known {
			continue
		}
		c.Comparison.streams[s.Name] = &Changes{Types: map[string]*TypeChange{}}
		if s.Own {
			c.rows[s.Name] = &rowChanges{}
		}
	}
	wanted := func(stream string) bool { return c.Comparison.streams[stream] != nil }
	counted := func(stream string) bool { return c.rows[stream] != nil }
	if c.previous, err = readPrevious(snap, c.Now, &c.streams, &c.types, wanted, counted, c.Hidden); err != nil {
		return err
	}
	c.count()
	for _, s := range plan.Streams {
		if c.Comparison.streams[s.Name] == nil {
			continue
		}
		n := c.streams.number(s.Name)
		for t, err := range c.Stage.Tags(s.Name) {
			if err != nil {
				return err
			}
			c.item(s.Name, n, t)
		}
		for u, err := range c.Stage.Withheld(s.Name) {
			if err != nil {
				return err
			}
			byRef, _, id := c.previous.find(n, u.Ref, u.ID)
			seen(byRef, id)
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
	for _, s := range plan.Streams {
		if c.rows[s.Name] != nil {
			if err := c.grown(s.Name); err != nil {
				return err
			}
		}
	}
	if err := c.namedBy(plan.Streams); err != nil {
		return err
	}
	slices.SortStableFunc(c.wider, func(a, b *Widening) int {
		return cmp.Or(cmp.Compare(b.To, a.To), cmp.Compare(len(b.Changes), len(a.Changes)), a.Night.Compare(b.Night))
	})
	slices.SortFunc(c.gains, func(a, b gain) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.ref, b.ref)) })
	for _, list := range c.gone {
		slices.SortStableFunc(list, func(a, b *display.Examples) int { return cmp.Compare(b.N, a.N) })
	}
	return nil
}

// count counts the items of the last good run.
func (c *comparer) count() {
	for _, row := range c.previous.rows {
		if !row.away && row.audience != access.Undecided {
			c.audience[row.audience]++
		}
		name := c.streams.word(row.stream)
		if !row.there {
			continue
		}
		ch := c.Comparison.streams[name]
		ch.Before++
		c.typeOf(ch, row.typ).Before++
		if r := c.rows[name]; r != nil && len(row.names()) > 0 {
			r.before += len(row.names())
			r.filled++
		}
	}
}

func (c *comparer) earlierOf(stream string) *Earlier {
	e := c.earlier[stream]
	if e == nil {
		e = &Earlier{Types: map[string]int{}}
		c.earlier[stream] = e
	}
	return e
}

// earlierMembers adds members that were removed in earlier runs of the window.
func (c *comparer) earlierMembers(stream string, n int) {
	if c.rows[stream] != nil && n > 0 {
		c.earlierOf(stream).Members += n
	}
}

func (c *comparer) typeOf(ch *Changes, typ uint8) *TypeChange {
	word := c.types.word(typ)
	t := ch.Types[word]
	if t == nil {
		t = &TypeChange{}
		ch.Types[word] = t
	}
	return t
}

// item compares one item of the new run.
func (c *comparer) item(stream string, n uint8, t stage.Tag) {
	ch := c.Comparison.streams[stream]
	byRef, old, id := c.previous.find(n, t.Ref, t.ID)
	if c.Permissions(stream) {
		seen(byRef, id)
		c.exposure(n, t, byRef, old)
	}
	if old != nil {
		old.present = true
	}
	if old == nil || !old.there {
		ch.Added++
		if c.Permissions(stream) {
			c.added[t.Audience]++
		}
		return
	}
	if c.rows[stream] != nil {
		members := old.members(c.Now)
		c.earlierMembers(stream, access.Missing(old.leftIn(c.Now), t.Names))
		if fewer := access.Missing(members, t.Names); fewer > 0 {
			c.lose(n, old.id, fault.Change{
				Stream: stream, ID: fault.HexID(old.id), Ref: t.Ref, Before: MembersText(members), After: MembersText(t.Names),
				N: fewer,
			}, "fewer members")
		}
	}
	if old.content == t.Content {
		ch.Same++
		return
	}
	ch.Changed++
	if c.rows[stream] != nil {
		if more := access.Missing(t.Names, old.names()); more > 0 {
			c.gains = append(c.gains, gain{t.Ref, more})
		}
	}
}

// seen marks a row whose ref and ID both are those of an item of the new run, which replaces
// the row's audience. A row that has only one of them in common is kept.
func seen(byRef *previousItem, id uint64) {
	if byRef != nil && byRef.id == id {
		byRef.again = true
	}
}

// lose records an item that is deleted, or a group that loses members.
func (c *comparer) lose(stream uint8, id uint64, change fault.Change, why string) {
	c.lost[change.Stream] = append(c.lost[change.Stream], change)
	c.changes[itemKey{stream, id}] = change
	c.because(change.Stream, why, change.Ref)
}

// MembersText returns the members of a group in the form of a Change.
func MembersText(names []uint64) string { return access.AudienceText("members", names) }

// missing finds deleted items and the reasons.
func (c *comparer) missing(snap *Snapshot) error {
	if !slices.ContainsFunc(c.previous.rows, func(row previousItem) bool {
		return !row.present && (row.there || row.lost)
	}) {
		return nil
	}
	i := 0
	for e, err := range snap.Entries() {
		if err != nil {
			return err
		}
		row := &c.previous.rows[i]
		i++
		if row.present || !row.there && !row.lost {
			continue
		}
		change := fault.Change{Stream: e.Stream, Type: c.types.word(row.typ), ID: fault.HexID(e.ID), Ref: e.Ref,
			After: fault.Gone, N: 1}
		switch members := row.members(c.Now); {
		case c.rows[e.Stream] != nil:
			change.Before, change.N = MembersText(members), len(members)
		case row.audience != access.Undecided:
			change.Before = access.AudienceText(row.audience.String(), e.Names)
		}
		if row.there {
			ch := c.Comparison.streams[e.Stream]
			ch.Gone++
			c.typeOf(ch, row.typ).Gone++
			c.earlierMembers(e.Stream, len(row.leftIn(c.Now)))
			c.lose(row.stream, e.ID, change, c.why(e))
			continue
		}
		earlier := c.earlierOf(e.Stream)
		earlier.Lost = append(earlier.Lost, change)
		earlier.Types[change.Type]++
		if c.rows[e.Stream] != nil && len(e.Names) > 0 {
			earlier.Members += len(e.Names)
			earlier.Emptied++
		}
		c.changes[itemKey{row.stream, e.ID}] = change
		c.because(e.Stream, "deleted on "+display.Time(e.Away)+", which counts for seven days", e.Ref)
	}
	return nil
}

// Off ends the reason of items that are deleted because a kind is switched off.
const Off = " switched off"

// because records why an item of a stream is deleted.
func (c *comparer) because(stream, why, ref string) {
	list := c.gone[stream]
	at := slices.IndexFunc(list, func(x *display.Examples) bool { return x.Why == why })
	if at < 0 {
		at = len(list)
		list = append(list, &display.Examples{Why: why})
		c.gone[stream] = list
	}
	list[at].Add(ref)
}

// why returns what happened to the record of a deleted item.
func (c *comparer) why(e Entry) string {
	ending, reason := c.Fate(e.Ref)
	switch ending {
	case component.Pending:
		if c.Off(e.Kind) {
			return e.Kind + Off
		}
		if c.Missing != nil {
			if why := c.Missing(e.Ref); why != "" {
				return why
			}
		}
		return "gone from the source"
	case component.Delivered:
		return "has another id or is no longer mapped to a document"
	}
	if reason == "" {
		return ending.String()
	}
	return ending.String() + ": " + reason
}
