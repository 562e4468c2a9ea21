package records

import (
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

func TestTwice(t *testing.T) {
	var again Twice
	if got := again.Sentence(); got != "" {
		t.Errorf("a sentence about nothing: %s", got)
	}
	for i := range 5 {
		again.Add(fmt.Sprintf("api:default/%d", i), component.Recorded{Pos: config.Pos{File: "x", Line: i + 1, Col: 1}})
	}
	const want = "the last of several records with one ref counts: api:default/0 at x:1:1, api:default/1 at x:2:1, " +
		"api:default/2 at x:3:1 and 2 more"
	if got := again.Sentence(); got != want {
		t.Errorf("got %s", got)
	}
}
