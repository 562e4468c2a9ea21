package backstage

import (
	"fmt"
	"testing"
	"time"
)

// TestRelatedIsLinear: a group of 100,000 members takes a fraction of a second
// (invariant 7); comparing each with each takes more than ten.
func TestRelatedIsLinear(t *testing.T) {
	const n = 100_000
	relations := make([]any, 0, 2*n)
	for range 2 {
		for i := range n {
			relations = append(relations, map[string]any{"type": "hasMember", "targetRef": fmt.Sprint("user:default/u", i)})
		}
	}
	start := time.Now()
	got, err := run(t, testModel(), `related("hasMember")`, map[string]any{"kind": "Group", "relations": relations})
	if err != nil || len(got.([]any)) != n || got.([]any)[n-1] != fmt.Sprint("user:default/u", n-1) {
		t.Errorf("%d of %d members, %v", len(got.([]any)), n, err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
