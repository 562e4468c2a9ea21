package access

import (
	"encoding/binary"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
)

// A set of groups, all of which a person must be in, is one name among those of an
// item: the sum of its members' hashes. Whether a set is within another follows
// from the hashes alone, as far as its own members are known.

// maxSubsets bounds how large a set may be for each of its subsets to be tried.
const maxSubsets = 10

// HashSets are the hashes of the members of sets, each once.
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

// SetName is the one name by which a set of hashes is compared.
func SetName(set []uint64) (n uint64) {
	for _, h := range set {
		n += h
	}
	return n
}

// PackSets writes sets of hashes, each behind the number of its members.
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

// UnpackSets reads what PackSets wrote; ok is false when it is damaged.
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

// within reports whether who is all of a set was named before: by a name, or by a
// smaller set. Where the set is too large to try its subsets, only its members are
// tried. names ascend.
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
	Names    []uint64   // of its principals and sets, ascending
	Sets     [][]uint64 // the members of those that are sets
}

// WiderThan reports whether somebody finds the item by this grant who does not by
// another (invariant 5). Sets of the other are not looked at.
func (g Grant) WiderThan(before Grant) bool {
	if g.Audience != before.Audience {
		return g.Audience > before.Audience
	}
	return g.Audience == Listed && g.NewTo(before.Names) > 0
}

// Has reports whether a grant names a principal.
func (g Grant) Has(principal string) bool {
	_, found := slices.BinarySearch(g.Names, codec.Hash([]byte(principal)))
	return found
}

// HasAllOf reports whether a grant names a set of groups.
func (g Grant) HasAllOf(set []string) bool {
	_, found := slices.BinarySearch(g.Names, SetName(HashSets([][]string{set})[0]))
	return found
}

// NewTo counts the names that let somebody in who was not named before: a narrower
// set than one that was is none.
func (g Grant) NewTo(before []uint64) int {
	n := Missing(g.Names, before)
	for _, set := range g.Sets {
		if _, same := slices.BinarySearch(before, SetName(set)); !same && within(set, before) {
			n--
		}
	}
	return n
}

// PackNames hashes names; the order in which they were given does not matter.
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

// UnpackNames reads what PackNames wrote.
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

// Missing counts the members of a that are not in b; both ascend.
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
