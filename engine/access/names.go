package access

import (
	"encoding/binary"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
)

// A set of groups, where people must be in all of them, is one name of an item: the sum of the
// hashes of its groups. The hashes show whether one set is a subset of another, as long as the
// members of the larger set are known.

// maxSubsets is the largest size of a set for which within tries all subsets.
const maxSubsets = 10

// HashSets returns the sorted, distinct hashes of the members of each set.
func HashSets(sets [][]string) [][]uint64 {
	out := make([][]uint64, len(sets))
	for i, set := range sets {
		for _, p := range set {
			out[i] = append(out[i], codec.Hash([]byte(p)))
		}
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
	}
	return out
}

// SetName returns the name by which a set of hashes is compared.
func SetName(set []uint64) (n uint64) {
	for _, h := range set {
		n += h
	}
	return n
}

// PackSets encodes sets of hashes, each after the number of its members.
func PackSets(sets [][]uint64) []byte {
	var b []byte
	for _, set := range sets {
		b = binary.BigEndian.AppendUint64(b, uint64(len(set)))
		for _, h := range set {
			b = binary.BigEndian.AppendUint64(b, h)
		}
	}
	return b
}

// UnpackSets decodes the output of PackSets; ok is false when it is damaged.
func UnpackSets(b []byte) (sets [][]uint64, ok bool) {
	all := UnpackNames(b)
	for len(all) > 0 {
		n := all[0]
		if all = all[1:]; n > uint64(len(all)) {
			return nil, false
		}
		sets = append(sets, all[:n:n])
		all = all[n:]
	}
	return sets, true
}

// within reports whether names, which are sorted, include everyone who is in all groups of a
// set: through a single name or a subset. For a set of more than maxSubsets groups, only single
// names are tried.
func within(set, names []uint64) bool {
	named := func(n uint64) bool { _, found := slices.BinarySearch(names, n); return found }
	if len(set) > maxSubsets {
		return slices.ContainsFunc(set, named)
	}
	for some := 1; some < 1<<len(set); some++ {
		var n uint64
		for i, h := range set {
			if some>>i&1 == 1 {
				n += h
			}
		}
		if named(n) {
			return true
		}
	}
	return false
}

// Grant is who finds an item, in hashes.
type Grant struct {
	Audience Audience
	Names    []uint64   // of the principals and sets, sorted
	Sets     [][]uint64 // the members of each set
}

// WiderThan reports whether people find the item by this grant who do not find it by the one
// before (invariant 5). It ignores before.Sets.
func (g Grant) WiderThan(before Grant) bool {
	if g.Audience != before.Audience {
		return g.Audience > before.Audience
	}
	return g.Audience == Listed && g.NewTo(before.Names) > 0
}

// Has reports whether the grant names a principal.
func (g Grant) Has(principal string) bool {
	_, found := slices.BinarySearch(g.Names, codec.Hash([]byte(principal)))
	return found
}

// HasAllOf reports whether the grant names a set of groups.
func (g Grant) HasAllOf(set []string) bool {
	_, found := slices.BinarySearch(g.Names, SetName(HashSets([][]string{set})[0]))
	return found
}

// NewTo returns the number of names that give access to people who have none through the names
// before. A set that is narrower than a name of before does not count.
func (g Grant) NewTo(before []uint64) int {
	n := Missing(g.Names, before)
	for _, set := range g.Sets {
		if _, same := slices.BinarySearch(before, SetName(set)); !same && within(set, before) {
			n--
		}
	}
	return n
}

// PackNames returns the sorted hashes of names, independent of their order.
func PackNames(principals []string, sets [][]uint64) []byte {
	if len(principals)+len(sets) == 0 {
		return nil
	}
	names := make([]uint64, 0, len(principals)+len(sets))
	for _, p := range principals {
		names = append(names, codec.Hash([]byte(p)))
	}
	for _, set := range sets {
		names = append(names, SetName(set))
	}
	slices.Sort(names)
	b := make([]byte, 0, 8*len(names))
	for _, n := range slices.Compact(names) {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// UnpackNames decodes the output of PackNames.
func UnpackNames(b []byte) []uint64 {
	if len(b) == 0 {
		return nil
	}
	out := make([]uint64, 0, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		out = append(out, binary.BigEndian.Uint64(b))
	}
	return out
}

// Missing returns the number of elements of a that are not in b; both are sorted.
func Missing(a, b []uint64) int {
	n := 0
	for _, v := range a {
		for len(b) > 0 && b[0] < v {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != v {
			n++
		}
	}
	return n
}
