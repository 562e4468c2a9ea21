package engine

import (
	"encoding/binary"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
)

// A set of principals, of which somebody has to be all, is one name among those
// of an item: the sum of its members' hashes. So a set is told to be within
// another from the hashes alone, as far as its own members are known.

// maxSubsets bounds how large a set may be for each of its subsets to be tried.
const maxSubsets = 10

// hashes of the members of sets, each once.
func hashSets(sets [][]string) [][]uint64 {
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

func sum(set []uint64) (n uint64) {
	for _, h := range set {
		n += h
	}
	return n
}

// packSets writes sets of hashes, each behind the number of its members.
func packSets(sets [][]uint64) []byte {
	var b []byte
	for _, set := range sets {
		b = binary.BigEndian.AppendUint64(b, uint64(len(set)))
		for _, h := range set {
			b = binary.BigEndian.AppendUint64(b, h)
		}
	}
	return b
}

// unpackSets reads what packSets wrote; ok is false when it is damaged.
func unpackSets(b []byte) (sets [][]uint64, ok bool) {
	all := unpackNames(b)
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

// newTo counts the names of an item that let somebody in who was not named
// before: a narrower set than one that was is none.
func (t tag) newTo(before []uint64) int {
	n := without(t.Names, before)
	for _, set := range t.Sets {
		if _, same := slices.BinarySearch(before, sum(set)); !same && within(set, before) {
			n--
		}
	}
	return n
}
