package baseline

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Swap is restricted documents of a stream that are deleted while wider documents are added
// whose ref and ID are new. A renamed document looks like this, which is why each pair counts
// as a widening (invariant 5).
type Swap struct {
	// Gone and Added are the documents that are part of a pair.
	Gone, Added []fault.Change
	Pairs       int
	ToAll       int // pairs whose new document everyone finds
}

// pair counts the pairs of a deleted document and a wider new one. It takes the narrowest new
// documents first, which gives the largest number of pairs.
func pair(gone, added map[access.Audience]int) (pairs, toAll int) {
	for _, class := range access.Audiences {
		free := 0
		for _, narrower := range access.Audiences {
			if narrower < class {
				free += gone[narrower]
			}
		}
		pairs += min(added[class], free-pairs)
		if class == access.AllUsers {
			toAll = min(added[class], free)
		}
	}
	return pairs, toAll
}

// swaps finds the pairs of a stream after its deletions are known.
func (c *comparer) swaps(stream string) error {
	s := &Swap{}
	goneBy, addedBy := map[access.Audience]int{}, map[access.Audience]int{}
	narrowest := access.AllUsers
	for _, ch := range c.lost[stream] {
		class := access.ParseAudience(access.Class(ch.Before))
		// the document has another ID, and is compared by its ref
		if ending, _ := c.Fate(ch.Ref); ending == component.Delivered || class == access.AllUsers {
			continue
		}
		s.Gone = append(s.Gone, ch)
		goneBy[class]++
		narrowest = min(narrowest, class)
	}
	if len(s.Gone) == 0 {
		return nil
	}
	n := c.streams.number(stream)
	for t, err := range c.Stage.Tags(stream) {
		if err != nil {
			return err
		}
		if t.Audience <= narrowest || c.previous.byRef(n, t.Ref) != nil || c.previous.byID(n, t.ID) != nil {
			continue
		}
		s.Added = append(s.Added,
			fault.Change{Stream: stream, ID: fault.HexID(codec.Hash([]byte(t.ID))), Ref: t.Ref, Before: fault.Added,
				After: access.AudienceText(t.Audience.String(), t.Names), N: 1})
		addedBy[t.Audience]++
	}
	if s.Pairs, s.ToAll = pair(goneBy, addedBy); s.Pairs > 0 {
		c.swapped = append(c.swapped, s)
	}
	return nil
}

// Table returns the pairs as lines for a refusal.
func (s *Swap) Table() []string {
	return []string{
		fmt.Sprintf("restricted documents would be deleted while wider ones are added, counted as %s:",
			display.Number(s.Pairs)),
		"  deleted: " + listOf(s.Gone), "  new: " + listOf(s.Added),
	}
}

// listOf returns the first refs of changes, each with its class.
func listOf(changes []fault.Change) string {
	x := display.Examples{}
	for _, ch := range changes {
		class := ch.After
		if class == fault.Gone {
			class = ch.Before
		}
		x.Add(ch.Ref + " (" + access.Class(class) + ")")
	}
	return x.String()
}
