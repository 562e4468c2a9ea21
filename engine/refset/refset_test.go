package refset

import (
	"fmt"
	"runtime"
	"testing"
)

// TestSet: refs are numbered in order, each once.
func TestSet(t *testing.T) {
	var s Set
	if n, known := s.Find("a"); known {
		t.Errorf("an empty set has a as %d", n)
	}
	const refs = 3*perChunk + 17
	for i := range refs {
		ref := fmt.Sprint("component:default/", i)
		if n, known := s.Find(ref); known {
			t.Fatalf("%s is known as %d before it comes", ref, n)
		}
		if n, added := s.Add(ref); n != i || !added {
			t.Fatalf("%s, which is new, has the number %d, added %v", ref, n, added)
		}
		if n, added := s.Add(ref); n != i || added {
			t.Fatalf("%s, which is known, has the number %d, added %v", ref, n, added)
		}
	}
	for i := range refs {
		if n, known := s.Find(fmt.Sprint("component:default/", i)); n != i || !known {
			t.Fatalf("component %d has the number %d, known %v", i, n, known)
		}
	}
	if n, known := s.Find("component:default/unread"); known || s.Len() != refs {
		t.Errorf("what did not come has the number %d; %d refs", n, s.Len())
	}
}

// TestKeys: two refs that share half of the key are distinct.
func TestKeys(t *testing.T) {
	var s Set
	s.Add("a")
	for i, part := range s.chunks[0][0] {
		k := s.chunks[0][0]
		k[i] = part + 1
		if n := s.slots[s.slot(k)]; n != 0 {
			t.Errorf("a key that differs in part %d finds number %d", i, n)
		}
	}
}

// TestMemory: a ref takes about 20 bytes, independent of its length.
func TestMemory(t *testing.T) {
	const refs = 200_000
	var before, after runtime.MemStats
	var s Set
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range refs {
		s.Add(fmt.Sprintf("component:default/a-service-with-a-long-name-%d", i))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / refs; each > 26 {
		t.Errorf("%.0f bytes a ref", each)
	}
	runtime.KeepAlive(&s)
}
