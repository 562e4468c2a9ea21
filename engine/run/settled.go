package run

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// changed are the items with permissions that a publish of changes sent, for waiting until the
// sink has processed them.
type changed struct {
	written, removed map[string][]component.ItemName // by stream
	n                int
	pending          map[string]int // number of items that are not processed yet, by stream
}

// watchChanges records what is acknowledged, if the run waits for it.
func (r *run) watchChanges() {
	if !r.plan.Only || r.o.Wait == 0 {
		return
	}
	r.changed = &changed{written: map[string][]component.ItemName{}, removed: map[string][]component.ItemName{},
		pending: map[string]int{}}
	told := r.plan.Changes.Told
	r.plan.Changes.Told = func(ch component.Change) {
		told(ch)
		s, _ := r.p.Stream(ch.Stream)
		r.mu.Lock()
		defer r.mu.Unlock()
		c := r.changed
		if !s.Permissions || ch.Number == 0 || c.n >= mostAsked {
			return
		}
		c.n++
		to := c.written
		if ch.Remove {
			to = c.removed
		}
		to[ch.Stream] = append(to[ch.Stream], component.ItemName{ID: ch.ID, Type: ch.Type})
	}
}

// ask asks the sink which of the items it has not processed yet.
func (c *changed) ask(ctx context.Context, session component.Session) error {
	locator, can := session.(component.Locator)
	if !can {
		return nil
	}
	pending := map[string]int{}
	for _, part := range []struct {
		items map[string][]component.ItemName
		want  component.Location
	}{{c.written, component.Indexed}, {c.removed, component.Gone}} {
		for stream, items := range part.items {
			located, err := locator.Locate(ctx, stream, items)
			if err != nil {
				return err
			}
			for _, l := range located {
				if l != part.want {
					pending[stream]++
				}
			}
		}
	}
	c.pending = pending
	return nil
}

// words returns the streams with items that are not processed yet.
func (c *changed) words() []string {
	var out []string
	if c != nil {
		for stream, n := range c.pending {
			out = append(out, fmt.Sprintf("%s (%s not processed yet)", stream, display.Number(n)))
		}
	}
	return out
}
