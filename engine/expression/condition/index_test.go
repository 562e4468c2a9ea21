package condition

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestIndex: First finds what a comparison with each condition finds, for random conditions.
func TestIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var build func(depth int) string
	build = func(depth int) string {
		if depth > 0 && random.IntN(3) > 0 {
			operator := []string{"and", "or", "&&", "||"}[random.IntN(4)]
			return "(" + build(depth-1) + " " + operator + " " + build(depth-1) + ")"
		}
		value := []string{"kind", "spec.type", "metadata.namespace"}[random.IntN(3)]
		switch random.IntN(8) {
		case 0:
			return "true"
		case 1:
			return fmt.Sprintf("len(%s) > %d", value, random.IntN(2))
		case 2:
			return value + " in []"
		case 3, 4:
			return fmt.Sprintf("%s in [\"%d\", \"%d\"]", value, random.IntN(3), random.IntN(3))
		}
		return fmt.Sprintf("%s == \"%d\"", value, random.IntN(3))
	}
	found := 0
	for range 40 {
		var all []Condition
		for range 30 {
			all = append(all, Parse(build(3)))
		}
		all = append(all, Condition{})
		x := NewIndex(all)
		for i, c := range all {
			want := slices.IndexFunc(all[:i], c.Implies)
			if got := x.First(c, i); got != want {
				t.Fatalf("got %d, want %d for %v in %v", got, want, c.node, all[:i])
			}
			if want >= 0 {
				found++
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d", found)
	}
}

// TestIndexCompares: many conditions with a common part are not compared with each other.
func TestIndexCompares(t *testing.T) {
	var all []Condition
	for i := range 2000 {
		all = append(all, Parse(fmt.Sprintf(`kind in ["API", "Component"] and metadata.namespace == "n%d"`, i)))
	}
	x := NewIndex(all)
	for key, of := range x.under {
		if len(of) > 1 && key != compared(Parse("metadata.namespace").node) {
			t.Errorf("%d below %s", len(of), key)
		}
	}
	if n := len(x.under[with(Parse("metadata.namespace").node, "n7")]); n != 1 {
		t.Errorf("%d below the namespace", n)
	}
	if n := len(x.under[same(Parse(`kind in ["API", "Component"]`).node)]); n != 0 {
		t.Errorf("%d below the kinds", n)
	}
}
