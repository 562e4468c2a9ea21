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
	done := make(chan error, 1)
	go func() {
		got, err := run(t, testModel(), `related("hasMember")`, map[string]any{"kind": "Group", "relations": relations})
		if list, _ := got.([]any); err == nil && (len(list) != n || list[n-1] != fmt.Sprint("user:default/u", n-1)) {
			err = fmt.Errorf("%d of %d members", len(list), n)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it takes more than 10 s")
	}
}
