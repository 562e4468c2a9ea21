package stage

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
)

func keysOf(keys []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

// TestInOrder: frames of any size and number of parts are returned in the order of their keys;
// frames with the same key in the order in which they were appended.
func TestInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	f, err := Create("")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var keys, want []string
	for i := range 500 {
		key := fmt.Sprintf("key %03d", random.IntN(200))
		parts := [][]byte{fmt.Appendf(nil, "%s, frame %03d", key, i)}
		for range random.IntN(3) {
			parts = append(parts, bytes.Repeat([]byte("x"), random.IntN(200)*random.IntN(200)))
		}
		if err := f.Append(parts...); err != nil {
			t.Fatal(err)
		}
		keys, want = append(keys, key), append(want, string(parts[0]))
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	var got []string
	for parts, err := range f.InOrder(keysOf(keys)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(parts[0]))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d frames, want %d:\n%.300q\n%.300q", len(got), len(want), got, want)
	}
	for _, wrong := range [][]string{keys[1:], append(keys, "one more")} {
		for _, err := range f.InOrder(keysOf(wrong)) {
			if err == nil {
				t.Fatal("the numbers of frames and keys differ")
			}
		}
	}
}

// TestOrdered: the bodies of a plan are ordered by ref and ID, however they were staged.
func TestOrdered(t *testing.T) {
	for range 5 {
		s := New()
		defer s.Close()
		for _, i := range rand.Perm(100) {
			e := component.Encoded{ID: fmt.Sprintf("%02d", 99-i), Ref: fmt.Sprintf("ref %02d", i/2),
				Body: fmt.Appendf(nil, "%02d", i)}
			if _, err := s.Put("documents", e, 1, func(string) bool { return false }); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for body, err := range s.Plan("documents").Ordered {
			if want := fmt.Sprintf("%02d", n^1); err != nil || string(body) != want {
				t.Fatalf("%d: %q, %v, want %s", n, body, err, want)
			}
			n++
		}
		if n != 100 {
			t.Errorf("%d bodies", n)
		}
	}
}
