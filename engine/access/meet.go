package access

import "slices"

// Meet returns a grant by which nobody finds the item who does not by both: the
// narrower class, and of two lists what is in both. A set of groups of now is kept
// when before names it, or a name or smaller set that lets all of its people in. What
// the hashes do not tell to be in both is left out.
func Meet(before, now Grant) Grant {
	switch {
	case now.Audience < before.Audience:
		return now
	case before.Audience < now.Audience:
		return before
	case now.Audience != Listed && now.Audience != Undecided: // the members of a group are undecided
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

// Same reports whether two grants name the same.
func (g Grant) Same(other Grant) bool {
	return g.Audience == other.Audience && slices.Equal(g.Names, other.Names)
}

// Join returns a grant by which everybody finds an item who does by one of two: the wider
// class, and of two lists what is in either.
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
