package access

import "slices"

// Meet returns a grant for the people who find the item by both grants: the narrower class, and
// of two lists the common names. A set of groups of now is kept when before has the set, or a
// name or a smaller set that allows all of its people. Names that the hashes do not show to be
// in both are left out.
func Meet(before, now Grant) Grant {
	switch {
	case now.Audience < before.Audience:
		return now
	case before.Audience < now.Audience:
		return before
	case now.Audience != Listed && now.Audience != Undecided: // group members have the audience Undecided
		return Grant{Audience: now.Audience}
	}
	out := Grant{Audience: now.Audience}
	inner := map[uint64][]uint64{}
	for _, set := range now.Sets {
		inner[SetName(set)] = set
	}
	for _, name := range now.Names {
		_, same := slices.BinarySearch(before.Names, name)
		set, isSet := inner[name]
		if same || isSet && within(set, before.Names) {
			out.Names = append(out.Names, name)
			if isSet {
				out.Sets = append(out.Sets, set)
			}
		}
	}
	return out
}

// Same reports whether two grants have the same class and names.
func (g Grant) Same(other Grant) bool {
	return g.Audience == other.Audience && slices.Equal(g.Names, other.Names)
}

// Join returns a grant for the people who find the item by either grant: the wider class, and
// of two lists the union.
func Join(a, b Grant) Grant {
	switch {
	case a.Audience < b.Audience:
		return b
	case b.Audience < a.Audience:
		return a
	}
	out := Grant{Audience: a.Audience, Names: slices.Concat(a.Names, b.Names)}
	slices.Sort(out.Names)
	out.Names = slices.Compact(out.Names)
	return out
}
