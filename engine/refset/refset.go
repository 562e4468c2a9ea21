// Package refset numbers refs without keeping them, for what the memory of a run grows
// with (invariant 7).
package refset

import "hash/maphash"

// Set numbers the refs that are added to it from 0, in the order in which they come. It
// takes about 20 bytes a ref: a ref is known by 96 bits of hashes with seeds of the Set's
// own: two refs that it takes for one cannot be chosen. The zero value is empty.
// Find is safe for concurrent use while nothing is added.
type Set struct {
	seeds  [2]maphash.Seed
	seeded bool
	slots  []uint32 // a number and one, with open addresses; 0 is empty
	chunks [][]key  // by number, so that growing moves no keys
	n      int
}

// key is what a ref is known by.
type key [3]uint32

// perChunk is how many keys a chunk has.
const perChunk = 1 << 12

// Len is how many refs were added.
func (s *Set) Len() int { return s.n }

// Add returns the number of a ref, and whether it is new.
func (s *Set) Add(ref string) (n int, added bool) {
	if 4*s.n >= 3*len(s.slots) {
		s.grow()
	}
	k := s.key(ref)
	at := s.slot(k)
	if known := s.slots[at]; known > 0 {
		return int(known) - 1, false
	}
	if s.n%perChunk == 0 {
		s.chunks = append(s.chunks, make([]key, 0, perChunk))
	}
	last := &s.chunks[len(s.chunks)-1]
	*last = append(*last, k)
	s.n++
	s.slots[at] = uint32(s.n)
	return s.n - 1, true
}

// Find returns the number of a ref that was added.
func (s *Set) Find(ref string) (n int, known bool) {
	if s.n == 0 {
		return 0, false
	}
	at := s.slots[s.slot(s.key(ref))]
	return int(at) - 1, at > 0
}

func (s *Set) key(ref string) key {
	if !s.seeded {
		s.seeds, s.seeded = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, true
	}
	a, b := maphash.String(s.seeds[0], ref), maphash.String(s.seeds[1], ref)
	return key{uint32(a), uint32(a >> 32), uint32(b)}
}

// slot is where a key is, or the empty slot where it would be.
func (s *Set) slot(k key) int {
	mask := len(s.slots) - 1
	for at := int(k[0]) & mask; ; at = (at + 1) & mask {
		if n := s.slots[at]; n == 0 || s.chunks[(n-1)/perChunk][(n-1)%perChunk] == k {
			return at
		}
	}
}

// grow doubles the slots.
func (s *Set) grow() {
	s.slots = make([]uint32, max(64, 2*len(s.slots)))
	n := uint32(0)
	for _, chunk := range s.chunks {
		for _, k := range chunk {
			n++
			s.slots[s.slot(k)] = n
		}
	}
}
