package baseline

import (
	"cmp"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
)

// previous is the last good run in the form that review compares with: hashes, about a hundred
// bytes per item (invariant 7). Refs stay on disk until one is needed.
type previous struct {
	snap    *Snapshot
	now     time.Time
	streams *words
	types   *words
	hiding  Hiding
	rows    []previousItem // in the order of the snapshot
	ids     index          // of rows by their ID
	refs    index          // of rows by their ref
	// groups are the ids and refs of groups by row, where they are known.
	groups map[int32]groupName
	// hidden counts, by stream, items that were delivered and recently hidden.
	hidden map[string]*hiddenCounts
}

type itemKey struct {
	stream uint8
	hash   uint64
}

type previousItem struct {
	id, content uint64
	substance   uint64        // 0 when it is not known
	ref         uint64        // the hash of its ref
	set         *nameSet      // nil for none
	more        *previousMore // nil for most items
	told        uint32        // when something was last sent, in Unix seconds; 0 when unknown
	stream, typ uint8
	audience    access.Audience
	away        bool // the last good run no longer had the item
	there       bool // the last good run delivered the item
	lost        bool // a good run of the window delivered the item, and no approval covered its deletion
	present     bool // the new run has its ID
	again       bool // the new run has its ref
	sent        bool // the item was sent and not deleted
	leaving     bool // the sink has not confirmed the deletion
	resolved    bool // the item names every principal of its permission decision
}

// nameSet is a list of names. Rows share it: most of a million documents are found by the same
// people.
type nameSet struct{ names []uint64 }

// names returns the principals of an item, sorted.
func (p *previousItem) names() []uint64 {
	if p.set == nil {
		return nil
	}
	return p.set.names
}

// nameSets are sets by the address of their first name. Entries of one snapshot share their
// lists of names.
type nameSets map[*uint64]*nameSet

// of returns the set of a list of names; nil for an empty one.
func (s nameSets) of(names []uint64) *nameSet {
	if len(names) == 0 {
		return nil
	}
	set := s[&names[0]]
	if set == nil {
		set = &nameSet{names}
		s[&names[0]] = set
	}
	return set
}

// previousMore is the fields that most items do not have.
type previousMore struct {
	floor     Floor
	delivered time.Time
	left      []Left
	covered   bool
}

// words numbers repeated words; words beyond 255 share the last number.
type words struct{ list []string }

func (w *words) number(word string) uint8 {
	i := slices.Index(w.list, word)
	if i < 0 {
		if i = len(w.list); i > 254 {
			return 255
		}
		w.list = append(w.list, word)
	}
	return uint8(i)
}

// find returns the number of a word that has one.
func (w *words) find(word string) (n uint8, known bool) {
	i := slices.Index(w.list, word)
	return uint8(min(max(i, 0), 255)), i >= 0
}

func (w *words) word(n uint8) string {
	if int(n) < len(w.list) {
		return w.list[n]
	}
	return "other"
}

// readPrevious reads the entries of the wanted streams from the good runs of the window. Items
// that were hidden since count as never delivered: their deletion is no loss.
func readPrevious(snap *Snapshot, now time.Time, streams, types *words, wanted, counted func(stream string) bool,
	hidden Hiding) (*previous, error) {
	p := &previous{snap: snap, now: now, streams: streams, types: types, hiding: hidden,
		hidden: map[string]*hiddenCounts{}, groups: map[int32]groupName{}}
	p.rows = make([]previousItem, 0, snap.entries)
	sets := nameSets{}
	p.ids, p.refs = index{rows: &p.rows}, index{rows: &p.rows, byRef: true}
	for e, err := range snap.Entries() {
		if err != nil {
			return nil, err
		}
		if !wanted(e.Stream) {
			p.rows = append(p.rows, previousItem{})
			continue
		}
		row := previousItem{
			id: e.ID, content: e.Content, substance: cmp.Or(e.Substance, e.Content), set: sets.of(e.Names),
			stream: streams.number(e.Stream), typ: types.number(e.Type),
			audience: access.ParseAudience(e.Audience), away: !e.Away.IsZero(), more: moreOf(&e),
			sent: e.Away.IsZero() && e.Audience != access.Nobody.String(), leaving: e.Leaving, resolved: e.Resolved,
		}
		if !e.Told.IsZero() {
			row.told = uint32(e.Told.Unix())
		}
		if one, listed := hidden.Find(e.Ref, e.ID); listed && row.audience != access.Undecided {
			if one.Back.IsZero() {
				p.hide(e, row.audience != access.Nobody, hidden)
				row.hide(now)
			} else { // it was deleted when it was hidden
				row.substance = 0
			}
		}
		row.there = row.audience != access.Nobody && !row.away
		row.lost = row.away && row.audience != access.Nobody && !e.Covered && within(now, e.Delivered)
		n := int32(len(p.rows))
		if counted(e.Stream) {
			if id := e.KnownID(); id != "" {
				p.groups[n] = groupName{id, e.Ref}
			}
		}
		row.ref = codec.Hash([]byte(e.Ref))
		byRef := !row.away || p.refs.find(itemKey{row.stream, row.ref}) == nil
		byID := row.there || p.ids.find(itemKey{row.stream, row.id}) == nil
		p.rows = append(p.rows, row)
		if byRef {
			p.refs.set(n)
		}
		if byID {
			p.ids.set(n)
		}
	}
	return p, nil
}

// groupName is the id and the ref of a group.
type groupName struct{ id, ref string }

// moreOf returns the rare fields of an entry; nil when it has none of them.
func moreOf(e *Entry) *previousMore {
	if e.Floor.Audience == access.Undecided && e.Delivered.IsZero() && e.Left == nil && !e.Covered {
		return nil
	}
	return &previousMore{floor: e.Floor, delivered: e.Delivered, left: e.Left, covered: e.Covered}
}

// hide counts a hidden item that the sink may still count. The type is known only for an item
// that was delivered.
func (p *previous) hide(e Entry, delivered bool, hidden Hiding) {
	if one, _ := hidden.Find(e.Ref, e.ID); time.Since(one.At) >= YoungCounts {
		return
	}
	h := p.hidden[e.Stream]
	if h == nil {
		h = &hiddenCounts{types: map[string]int{}}
		p.hidden[e.Stream] = h
	}
	h.n++
	if delivered {
		h.types[e.Type]++
	}
}

func (p *previous) byID(stream uint8, id string) *previousItem {
	return p.ids.find(itemKey{stream, codec.Hash([]byte(id))})
}

func (p *previous) byRef(stream uint8, ref string) *previousItem {
	return p.refs.find(itemKey{stream, codec.Hash([]byte(ref))})
}

// find returns the rows with the ref and the ID of an item, nil where there is none, and the
// hash of the ID. It computes a single hash when both are equal.
func (p *previous) find(stream uint8, ref, id string) (byRef, byID *previousItem, hash uint64) {
	hash = codec.Hash([]byte(ref))
	byRef = p.refs.find(itemKey{stream, hash})
	if id != ref {
		hash = codec.Hash([]byte(id))
	}
	return byRef, p.ids.find(itemKey{stream, hash}), hash
}

// YoungCounts is how long after a run a sink may still report counts from before it (Glean:
// three hours).
const YoungCounts = 4 * time.Hour
