package baseline

import (
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/stage"
)

// past is the last good run as review compares with it: hashes, about a hundred
// bytes an item (invariant 7). The refs stay on disk until one is asked for.
type past struct {
	snap *Snapshot
	Rows []PastItem        // in the order of the snapshot
	ids  map[itemKey]int32 // by their ID
	refs map[itemKey]int32 // by their ref
	// Hidden counts, by stream, what was delivered and hidden lately.
	Hidden map[string]*HiddenCounts
}

type itemKey struct {
	stream uint8
	hash   uint64
}

type PastItem struct {
	id, content uint64
	Names       []uint64
	stream, typ uint8
	Audience    access.Audience
	away        bool // the last good run no longer had it
	there       bool // it was delivered by the last good run
	present     bool // the new run has its ID
	Again       bool // the new run has its ref
}

// words gives repeated words a number; beyond 255 they share the last one.
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

func (w *words) word(n uint8) string {
	if int(n) < len(w.list) {
		return w.list[n]
	}
	return "other"
}

// readPast takes what the last good run left of the streams that are wanted.
// What was hidden since counts as never delivered: that it goes is no loss.
func readPast(snap *Snapshot, streams, types *words, wanted func(stream string) bool, hidden Hiding) (*past, error) {
	p := &past{snap: snap, ids: map[itemKey]int32{}, refs: map[itemKey]int32{}, Hidden: map[string]*HiddenCounts{}}
	for e, err := range snap.Entries() {
		if err != nil {
			return nil, err
		}
		if !wanted(e.Stream) {
			p.Rows = append(p.Rows, PastItem{})
			continue
		}
		row := PastItem{id: e.ID, content: e.Content, Names: e.Names, stream: streams.number(e.Stream), typ: types.number(e.Type), Audience: access.ParseAudience(e.Audience), away: !e.Away.IsZero()}
		if row.Audience != access.Undecided && hidden.Has(e.Ref, e.ID) {
			p.hide(e, row.Audience != access.Nobody, hidden)
			row.Audience = access.Nobody
		}
		row.there = row.Audience != access.Nobody && !row.away
		n := int32(len(p.Rows))
		if ref := (itemKey{row.stream, codec.Hash([]byte(e.Ref))}); !row.away || p.row(p.refs, ref) == nil {
			p.refs[ref] = n
		}
		if id := (itemKey{row.stream, e.ID}); row.there || p.row(p.ids, id) == nil {
			p.ids[id] = n
		}
		p.Rows = append(p.Rows, row)
	}
	return p, nil
}

// hide counts a hidden item that the sink may still count; of one that was not
// delivered the type is not known.
func (p *past) hide(e Entry, delivered bool, hidden Hiding) {
	if one, _ := hidden.Find(e.Ref, e.ID); time.Since(one.At) >= YoungCounts {
		return
	}
	h := p.Hidden[e.Stream]
	if h == nil {
		h = &HiddenCounts{Types: map[string]int{}}
		p.Hidden[e.Stream] = h
	}
	h.N++
	if delivered {
		h.Types[e.Type]++
	}
}

func (p *past) byID(stream uint8, id string) *PastItem {
	return p.row(p.ids, itemKey{stream, codec.Hash([]byte(id))})
}

func (p *past) byRef(stream uint8, ref string) *PastItem {
	return p.row(p.refs, itemKey{stream, codec.Hash([]byte(ref))})
}

func (p *past) row(m map[itemKey]int32, k itemKey) *PastItem {
	if i, ok := m[k]; ok {
		return &p.Rows[i]
	}
	return nil
}

// Narrower reports whether fewer people could find an item than one that takes its
// place; not when there was none.
func (p *PastItem) Narrower(t stage.Tag) bool {
	return p != nil && t.WiderThan(access.Grant{Audience: p.Audience, Names: p.Names})
}

// YoungCounts is how long what a sink says it holds may be that of before the
// last run (Glean: three hours).
const YoungCounts = 4 * time.Hour
