package glean

import (
	"regexp"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine"
)

// sameReason is how many items Glean may refuse for one reason before the run
// stops: what repeats is not the items' fault.
const sameReason = 3

// refusals are the items that Glean refused for their own sake. It is used from
// many goroutines.
type refusals struct {
	plan    *engine.Plan
	mu      sync.Mutex
	reasons map[string]int
	items   map[string]bool
}

func newRefusals(plan *engine.Plan) *refusals {
	return &refusals{plan: plan, reasons: map[string]int{}, items: map[string]bool{}}
}

// add notes a refused item; its error says that the reason repeats.
func (r *refusals) add(stream string, e engine.Encoded, reason string, tell func(engine.Encoded, string)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.items[stream+" "+e.ID] = true
	tell(e, reason)
	kind := stream + " " + kindOf(reason, e)
	r.reasons[kind]++
	if r.reasons[kind] > sameReason {
		return engine.Errorf(engine.Fatal, "mend the mapping or datasource.objectDefinitions; the upload was left unfinished, so that nothing was deleted and the next run begins it anew",
			"Glean refuses %s again and again for the same reason: %s", stream, reason)
	}
	return nil
}

// has tells whether an item was refused.
func (r *refusals) has(stream, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.items[stream+" "+id]
}

var variable = regexp.MustCompile(`"[^"]*"|'[^']*'|[0-9]+`)

// kindOf is a reason without what names the item in it.
func kindOf(reason string, e engine.Encoded) string {
	for _, name := range []string{e.ID, e.Ref} {
		if name != "" {
			reason = strings.ReplaceAll(strings.ToLower(reason), strings.ToLower(name), "")
		}
	}
	return variable.ReplaceAllString(reason, "")
}
