package workflows

import (
	"cmp"
	"slices"

	"go.temporal.io/sdk/workflow"
)

// mostSeen is how many IDs of requests are remembered: an activity that sends one again does so soon.
const mostSeen = 32

// inbox has the requests that no run answers yet.
type inbox struct {
	requests workflow.ReceiveChannel
	waiting  []Request
	seen     []string
}

func newInbox(ctx workflow.Context, in Input) *inbox {
	return &inbox{requests: workflow.GetSignalChannel(ctx, SignalRequest), waiting: in.Requests, seen: in.Seen}
}

// receive takes all signals that are there.
func (b *inbox) receive() {
	var r Request
	for b.requests.ReceiveAsync(&r) {
		b.add(r)
		r = Request{}
	}
}

// watch makes a selector wake for a signal.
func (b *inbox) watch(s workflow.Selector) {
	s.AddReceive(b.requests, func(workflow.ReceiveChannel, bool) {})
}

func (b *inbox) add(r Request) {
	if r.ID != "" {
		if slices.Contains(b.seen, r.ID) {
			return
		}
		b.seen = append(b.seen, r.ID)
		b.seen = b.seen[max(0, len(b.seen)-mostSeen):]
	}
	b.waiting = append(b.waiting, r)
}

// take returns one request for all that wait: it publishes everything when one of them does, and is
// a hint only when all of them are. Its job is that of the latest one.
func (b *inbox) take() (merged Request, some bool) {
	for i, r := range b.waiting {
		if i == 0 || merged.How == ByApproval && r.How != ByApproval {
			r.Full, r.Job = r.Full || merged.Full, cmp.Or(r.Job, merged.Job)
			merged = r
			continue
		}
		merged.Full, merged.Job = merged.Full || r.Full, cmp.Or(r.Job, merged.Job)
	}
	some, b.waiting = len(b.waiting) > 0, nil
	return merged, some
}

// answered drops the requests that a run answers that has begun and not ended: those of a schedule or
// a person, unless they ask for more or the fleet has changed. A hint stays, since the run may have
// read the store before.
func (b *inbox) answered(by Request, job Job) {
	b.waiting = slices.DeleteFunc(b.waiting, func(r Request) bool {
		return r.How != ByApproval && (!r.Full || by.Full) && (r.Job == nil || *r.Job == job)
	})
}

// runs reports whether a request waits that is not only a hint.
func (b *inbox) runs() bool {
	return slices.ContainsFunc(b.waiting, func(r Request) bool { return r.How != ByApproval })
}

// hints drops the hints, and reports whether there was one.
func (b *inbox) hints() bool {
	n := len(b.waiting)
	b.waiting = slices.DeleteFunc(b.waiting, func(r Request) bool { return r.How == ByApproval })
	return len(b.waiting) < n
}
