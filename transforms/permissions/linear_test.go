package permissions_test

import (
	"fmt"
	"testing"
	"time"
)

// TestManyOwners: an entity of 100,000 owners takes a fraction of a second
// (invariant 7); comparing each with each takes more than ten.
func TestManyOwners(t *testing.T) {
	const n = 100_000
	p := open(t, `
  rules:
    - name: owners
      when: kind == "Component"
      allow:
        users: spec.owners
  default: none
`)
	owners := make([]any, 0, 2*n)
	for range 2 {
		for i := range n {
			owners = append(owners, fmt.Sprint("user:default/u", i))
		}
	}
	e := entity(nil)
	e["kind"], e["spec"] = "Component", map[string]any{"owners": owners}
	done := make(chan error, 1)
	go func() {
		got, err := decide(t, p, e)
		if err == nil && len(got.Principals) != n {
			err = fmt.Errorf("%d of %d principals", len(got.Principals), n)
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
