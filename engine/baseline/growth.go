package baseline

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Growth is a group with newcomers: people who find its documents now and could find them in no
// good run of the window (invariant 5). Members of subgroups count as people of the group.
type Growth struct {
	Ref       string
	Could     int // the number of people who could find its documents in the window
	Newcomers int
	// From are the groups that newcomers left, the largest number first.
	From []Move
	// Documents is the number of documents that name the group.
	Documents int
	Change    fault.Change
	group     uint64 // the hash by which documents name it
}

// Move is the number of people who moved from a group.
type Move struct {
	Ref string
	N   int
}

// GrowthChange is the type of the change for a group with newcomers.
const GrowthChange = "growth"

// Growths returns the groups with newcomers, the largest number first.
func (c *Comparison) Growths() []Growth {
	if c == nil {
		return nil
	}
	return c.growths
}

// graph maps each group to its members, by the hashes of principals.
type graph map[uint64][]uint64

// people calls visit once for each person in a group and in its subgroups.
func (g graph) people(group uint64, visit func(person uint64)) {
	seen := map[uint64]bool{group: true}
	for stack := []uint64{group}; len(stack) > 0; {
		last := len(stack) - 1
		members := g[stack[last]]
		stack = stack[:last]
		for _, m := range members {
			if seen[m] {
				continue
			}
			seen[m] = true
			if _, isGroup := g[m]; isGroup {
				stack = append(stack, m)
			} else {
				visit(m)
			}
		}
	}
}

// groupHash returns the hash by which items name a group.
func groupHash(id string) uint64 { return codec.Hash([]byte(component.GroupPrincipal(id))) }

// grown finds the groups of a stream with newcomers.
func (c *comparer) grown(stream string) error {
	before, refs, complete := c.groupsBefore(stream)
	if !complete {
		return nil
	}
	now, nowRefs, ids := graph{}, map[uint64]string{}, map[uint64]uint64{}
	for t, err := range c.Stage.Tags(stream) {
		if err != nil {
			return err
		}
		group := groupHash(t.ID)
		now[group], nowRefs[group], ids[group] = t.Names, t.Ref, codec.Hash([]byte(t.ID))
	}
	left := leavers(before, now)
	for group := range now {
		if _, known := before[group]; !known {
			continue // documents that name a new group are compared one by one
		}
		could := map[uint64]bool{}
		before.people(group, func(p uint64) { could[p] = true })
		var newcomers []uint64
		from := map[uint64]int{}
		now.people(group, func(p uint64) {
			if could[p] {
				return
			}
			newcomers = append(newcomers, p)
			for _, g := range left[p] {
				from[g]++
			}
		})
		if len(newcomers) == 0 {
			continue
		}
		slices.Sort(newcomers)
		g := Growth{group: group, Ref: nowRefs[group], Could: len(could), Newcomers: len(newcomers), Change: fault.Change{
			Stream: stream, Type: GrowthChange, ID: fault.HexID(ids[group]), Ref: nowRefs[group],
			Before: access.AudienceText("people", slices.Sorted(maps.Keys(could))),
			After:  access.AudienceText("newcomers", newcomers), N: len(newcomers),
		}}
		for h, n := range from {
			g.From = append(g.From, Move{refs[h], n})
		}
		slices.SortFunc(g.From, func(a, b Move) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Ref, b.Ref)) })
		c.growths = append(c.growths, g)
	}
	slices.SortFunc(c.growths, func(a, b Growth) int {
		return cmp.Or(cmp.Compare(b.Newcomers, a.Newcomers), cmp.Compare(a.Ref, b.Ref))
	})
	return nil
}

// groupsBefore returns the groups of the good runs of the window with everyone who was a member
// then. complete is false when the id of a group is unknown, as in an entry of an earlier
// version, because its subgroups are then unknown.
func (c *comparer) groupsBefore(stream string) (before graph, refs map[uint64]string, complete bool) {
	before, refs = graph{}, map[uint64]string{}
	n, known := c.streams.find(stream)
	if !known {
		return before, refs, true
	}
	for i, row := range c.previous.rows {
		if row.stream != n || !row.there && !row.lost {
			continue
		}
		name, found := c.previous.groups[int32(i)]
		if !found {
			return nil, nil, false
		}
		group := groupHash(name.id)
		members := row.names()
		if row.more != nil && !c.Strict {
			members = slices.Clone(members)
			for _, l := range row.more.left {
				if within(c.Now, l.At) {
					members = append(members, l.Name)
				}
			}
		}
		before[group], refs[group] = members, name.ref
	}
	return before, refs, true
}

// leavers returns the groups that each person left.
func leavers(before, now graph) map[uint64][]uint64 {
	out := map[uint64][]uint64{}
	for group, members := range before {
		for _, m := range members {
			if _, still := slices.BinarySearch(now[group], m); !still {
				out[m] = append(out[m], group)
			}
		}
	}
	return out
}

// namedBy counts the documents that name each group with newcomers.
func (c *comparer) namedBy(streams []component.StreamPlan) error {
	if len(c.growths) == 0 {
		return nil
	}
	at := map[uint64]int{}
	for i, g := range c.growths {
		at[g.group] = i
	}
	for _, s := range streams {
		if !c.Permissions(s.Name) {
			continue
		}
		for t, err := range c.Stage.Tags(s.Name) {
			if err != nil {
				return err
			}
			named := map[int]bool{}
			note := func(name uint64) {
				if i, grown := at[name]; grown {
					named[i] = true
				}
			}
			for _, name := range t.Names {
				note(name)
			}
			for _, set := range t.Sets {
				for _, name := range set {
					note(name)
				}
			}
			for i := range named {
				c.growths[i].Documents++
			}
		}
	}
	return nil
}
