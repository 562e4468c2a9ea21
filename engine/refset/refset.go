// Package refset numbers refs without keeping them, because the memory of a run grows with refs
// (invariant 7).
package refset

import "hash/maphash"

// Set numbers the added refs from 0, in order. It takes about 20 bytes per ref: it keeps 96
// bits of hashes with random seeds, which makes it impossible to construct two refs that it
// confuses. The zero value is empty. Find is safe for concurrent use while nothing is added.
type Set struct {
	seeds  [2]maphash.Seed
	seeded bool
	slots  []uint32 // open addressing: a number plus one; 0 means empty
	chunks [][]key  // by number; growing moves no keys
	n      int
}

// key is the hash of a ref.
type key [3]uint32

// perChunk is the number of keys in a chunk.
const perChunk = 1 << 12

// Len returns the number of added refs.
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

// slot returns the slot of a key, or the empty slot for it.
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
