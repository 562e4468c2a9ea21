package read

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/refset"
)

// hosts keeps who finds the items of records that attached records may belong to, and how these
// items ended. It is written by commits of hosts, in order, and read once all hosts have ended,
// when attached records are processed. Its memory grows with refs and with distinct decisions (invariant 7).
type hosts struct {
	refs      refset.Set
	states    []hostState // by the number of the ref
	decisions []access.Permissions
	numbers   map[string]int32 // of decisions
}

// hostState is what became of the items with permissions of a host. Each of the flags is set
// when it is true for one of them.
type hostState struct {
	decision                              int32 // a number of decisions, while it is delivered
	delivered, withheld, decided, refused bool
}

func newHosts() *hosts { return &hosts{numbers: map[string]int32{}} }

// inherited is what a record inherits from its host. It has permissions only when every item
// with permissions of the host is delivered, and at least one is.
type inherited struct {
	access.Permissions
	// ending and reason are the ending of the record when it has no permissions; decided means
	// that a rule withholds the host.
	ending  component.Ending
	reason  string
	decided bool
}

// inherit returns what the records of a host inherit.
func (h *hosts) inherit(host string) inherited {
	if h == nil {
		return inherited{ending: component.Filtered, reason: "belongs to a record, but its kind is not read"}
	}
	n, known := h.refs.Find(host)
	if !known {
		return inherited{ending: component.Filtered, reason: "belongs to a record without a delivered document"}
	}
	switch s := h.states[n]; {
	case s.refused:
		return inherited{ending: component.Filtered, reason: "belongs to a record that was rejected"}
	case s.withheld:
		return inherited{ending: component.Withheld, reason: "belongs to a record that is withheld", decided: s.decided}
	case !s.delivered:
		return inherited{ending: component.Filtered, reason: "belongs to a record without a delivered document"}
	default:
		return inherited{Permissions: h.decisions[s.decision], ending: component.Delivered}
	}
}

func (h *hosts) state(ref string) *hostState {
	n, added := h.refs.Add(ref)
	if added {
		h.states = append(h.states, hostState{})
	}
	return &h.states[n]
}

// deliver records that an item with permissions was staged.
func (h *hosts) deliver(ref string, p access.Permissions) {
	if h == nil {
		return
	}
	key := fmt.Sprintf("%d %q %q %q", p.Audience, p.Rule, p.Principals, p.AllOf)
	n, known := h.numbers[key]
	if !known {
		n = int32(len(h.decisions))
		h.numbers[key] = n
		h.decisions = append(h.decisions, p)
	}
	s := h.state(ref)
	s.delivered, s.decision = true, n
}

// withhold records that no one may find an item with permissions.
func (h *hosts) withhold(ref string, decided bool) {
	if h == nil {
		return
	}
	s := h.state(ref)
	s.decided = decided && (s.decided || !s.withheld)
	s.withheld = true
}

// refuse records that an item with permissions was rejected.
func (h *hosts) refuse(ref string) {
	if h != nil {
		h.state(ref).refused = true
	}
}
