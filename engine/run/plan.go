package run

import "github.com/pipe-engine/pipe/engine/component"

// makePlan makes the plan: the streams of the sink in its order, then those that the session
// derived.
func (r *run) makePlan() {
	r.plan = &component.Plan{RunID: r.o.RunID, Stop: r.o.Stop, Sent: r.o.Progress.Sent, Uploaded: r.uploaded, Note: r.note,
		Kind: r.ledger.Kind}
	r.plan.Reject, r.plan.Refused = r.refuse, r.refusedPrincipal
	r.plan.Hidden, r.plan.Withhold, r.plan.Held = r.hiddenSince, r.withholdLate, r.stillHeld
	for _, s := range r.p.Streams {
		if r.p.Unwritten(s.Name) == "" {
			r.plan.Streams = append(r.plan.Streams, r.staged.Plan(s.Name))
		}
	}
	for _, name := range r.staged.Names() {
		if _, declared := r.p.Stream(name); !declared {
			s := r.staged.Plan(name)
			s.Own = true
			r.plan.Streams = append(r.plan.Streams, s)
		}
	}
}
