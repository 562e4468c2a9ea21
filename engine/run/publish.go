package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/changes"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// firstTime is how long the steps ahead of a full publish may take by the sink's estimate. When
// they would take longer, the uploads do the narrowing.
const firstTime = time.Minute

// choose computes what changed since the last run that sent something, and decides whether only
// the changes or everything is sent.
func (r *run) choose(ctx context.Context, session component.Session) error {
	changer, can := session.(component.Changer)
	if !can || r.store == nil {
		return r.full("")
	}
	r.changer = changer
	if err := r.findChanges(ctx, session); err != nil {
		return err
	}
	mode, why := r.mode()
	estimate := changer.Estimate(r.plan)
	switch {
	case mode == component.PublishChanges && why != "":
		return fault.Errorf(fault.Fatal, "run without --changes, which publishes everything",
			"publishing only the changes is not possible: %s", why)
	case mode == component.PublishFull && why == "":
	case mode == component.PublishAuto && why == "" && estimate.Changes > estimate.Whole:
		why = "this is faster than publishing only the changes"
	case mode != component.PublishFull && why == "":
		r.plan.Only = true
		r.report.Publish = &Publish{Mode: component.PublishChanges, Seconds: estimate.Changes.Seconds(),
			Steps: r.steps(component.Steps)}
		return nil
	}
	r.report.Publish = &Publish{Mode: component.PublishFull, Why: why, Seconds: estimate.Whole.Seconds()}
	narrowing := r.plan.Changes.Count(component.Narrow, component.Cut)
	if r.plan.First = r.last != nil && narrowing > 0 && estimate.First <= firstTime; r.plan.First {
		r.report.Publish.Steps = r.steps(component.Grow)
		r.report.Publish.Seconds += estimate.First.Seconds()
	} else if r.last != nil {
		r.report.Publish.Later = narrowing
	}
	return nil
}

// reviewed reports to Progress how many items of each stream will be sent.
func (r *run) reviewed() {
	if r.dry() {
		return
	}
	streams := slices.Clone(r.plan.Streams)
	if r.plan.Only {
		for i := range streams {
			streams[i].Count = 0
			for _, c := range r.plan.Changes.Counts {
				// An item that changes in two steps is counted twice but sent once.
				if c.Stream == streams[i].Name && !c.Remove && c.Step > component.Cut {
					streams[i].Count += c.N
				}
			}
		}
	}
	r.o.Progress.Reviewed(streams)
}

// full chooses a full publish when the session supports nothing else or there is no state
// folder.
func (r *run) full(why string) error {
	if r.wanted() == component.PublishChanges {
		reason := "the sink accepts only complete uploads"
		if r.store == nil {
			reason = "there is no state folder with the items of earlier runs"
		}
		return fault.Errorf(fault.Fatal, "leave --changes out", "publishing only the changes is not possible: %s",
			reason)
	}
	r.report.Publish = &Publish{Mode: component.PublishFull, Why: why}
	return nil
}

// wanted returns the requested mode of the command line or the file.
func (r *run) wanted() component.PublishMode {
	switch {
	case r.o.Publish != "":
		return r.o.Publish
	case r.p.Publish.Mode != "":
		return r.p.Publish.Mode
	}
	return component.PublishAuto
}

// mode returns the requested mode, and why everything must be sent nevertheless.
func (r *run) mode() (mode component.PublishMode, why string) {
	mode = r.wanted()
	if mode == component.PublishFull {
		return mode, ""
	}
	switch {
	case r.last == nil:
		return mode, "this state folder has no earlier run"
	case r.held.New:
		return mode, "the datasource does not exist yet"
	case r.last.Encoding != r.encoding():
		return mode, "the sink's settings, or the way this version of pipe encodes items, changed"
	case r.journal.Damaged != "":
		return mode, "the journal of sent items is damaged: " + r.journal.Damaged
	case r.journal.Purged:
		return mode, "a purge was started and not finished"
	case r.plan.Changes.Unknown > 0:
		return mode, fmt.Sprintf("the ids of %s to delete are unknown, because an earlier version of pipe wrote "+
			"the baseline",
			display.Plural(r.plan.Changes.Unknown, "item"))
	case len(r.held.Unfinished) > 0:
		return mode, "an upload was started and not finished: " + display.List(r.held.Unfinished, display.Shown, ", ")
	case len(r.track.lost) > 0:
		return mode, r.track.by + " lost " + named(r.track.lost)
	case mode == component.PublishChanges: // the following reasons do not apply to it
		return mode, ""
	case len(r.track.paused) > 0:
		return mode, fmt.Sprintf("%s has paused the deletion of %s", r.track.by,
			display.List(slices.Sorted(maps.Keys(r.track.paused)), display.Shown, ", "))
	case r.uploadedLater() != "":
		return mode, "run " + r.uploadedLater() + " uploaded later than this state folder knows"
	case r.journal.Interrupted || r.last.Interrupted:
		return mode, "an earlier publish was interrupted"
	case r.last.Whole.IsZero():
		return mode, "the time of the last complete publish is unknown"
	case r.p.Publish.FullEvery > 0 && r.o.clock.Now().Sub(r.last.Whole) >= r.p.Publish.FullEvery:
		return mode, "everything was last published on " + display.Time(r.last.Whole)
	}
	return mode, ""
}

// uploadedLater returns a run with the owner id of this state folder whose upload the sink
// lists and that is later than all runs that the folder knows. Such a run shows that the folder
// was restored from a copy. It returns "" when there is none.
func (r *run) uploadedLater() string {
	for _, u := range r.held.Uploads {
		if u.Owner == r.owner.ID && u.Run > r.last.Uploaded { // run ids sort by time
			return u.Run
		}
	}
	return ""
}

// encoding returns the encoding of the sink; "" when it has none.
func (r *run) encoding() string {
	if s, can := r.p.Sink.(component.Encoding); can {
		return s.Encoding()
	}
	return ""
}

// findChanges computes what differs from what the sink was last sent.
func (r *run) findChanges(ctx context.Context, session component.Session) (err error) {
	if r.journal, err = r.store.Journal(r.reviewer.Comparison); err != nil {
		return baseline.Unusable(err)
	}
	if !r.dry() {
		if err := r.askLeaving(ctx, session); err != nil {
			return err
		}
	}
	r.plan.Changes, err = changes.Of(r.changesInput())
	return err
}

func (r *run) changesInput() changes.Input {
	in := changes.Input{Stage: r.staged, Last: r.reviewer.Comparison, Snapshot: r.last, Journal: r.journal}
	for _, s := range r.plan.Streams {
		in.Streams = append(in.Streams, changes.Stream{Name: s.Name, What: r.what(s)})
	}
	return in
}

// what returns what the items of a stream of the plan are.
func (r *run) what(s component.StreamPlan) changes.What {
	declared, _ := r.p.Stream(s.Name)
	switch {
	case s.Own:
		return changes.Members
	case declared.Groups:
		return changes.Groups
	case declared.Identities:
		return changes.Users
	}
	return changes.Documents
}

// steps returns the counts of changes in the steps before one.
func (r *run) steps(before component.Step) []PublishStep {
	var out []PublishStep
	for _, c := range r.plan.Changes.Counts {
		if c.Step < before {
			out = append(out, PublishStep{Step: c.Step.String(), Stream: c.Stream, Removed: c.Remove, Items: c.N})
		}
	}
	return out
}

// mostAsked is the maximum number of deletions that a run verifies. The others are requested
// again, which is harmless.
const mostAsked = 1000

// askLeaving asks the sink which items with a requested deletion are gone.
func (r *run) askLeaving(ctx context.Context, session component.Session) error {
	locator, can := session.(component.Locator)
	if !can || r.last == nil {
		return nil
	}
	c := r.reviewer.Comparison
	byStream := map[string][]component.ItemName{}
	rows := map[string][]int{}
	any := false
	for i := range c.Entries() {
		any = any || c.Leaving(i)
	}
	if !any {
		return nil
	}
	i, asked := -1, 0
	for e, err := range r.last.Entries() {
		if err != nil {
			return err
		}
		i++
		if id := e.KnownID(); c.Leaving(i) && id != "" && asked < mostAsked {
			asked++
			byStream[e.Stream] = append(byStream[e.Stream], component.ItemName{ID: id, Type: e.Type})
			rows[e.Stream] = append(rows[e.Stream], i)
		}
	}
	for stream, items := range byStream {
		located, err := locator.Locate(ctx, stream, items)
		if err != nil {
			if ctx.Err() != nil {
				return fault.Cause(ctx, err)
			}
			r.o.Log.Warn("checking whether deletions took effect failed", "stream", stream, "error", err)
			continue
		}
		for k, is := range located {
			if is == component.Gone {
				c.Confirm(rows[stream][k])
			}
		}
	}
	return nil
}

// publish records in the journal what is about to be sent, and sends it with the session.
func (r *run) publish(ctx context.Context, session component.Session) error {
	if err := r.auditBegin(r.o.clock.Now().UTC()); err != nil {
		return err
	}
	if r.plan.Only && r.plan.Changes.Empty() {
		return nil
	}
	if r.changer != nil {
		var err error
		if r.journalWriter, err = r.store.Begin(baseline.Publishing, r.o.RunID, r.o.clock.Now()); err != nil {
			return baseline.Unusable(err)
		}
		// A first run has nothing to compare with, and the next one is a full publish, too.
		if r.last != nil {
			if err := changes.Intend(r.plan.Changes, r.journalWriter); err != nil {
				return baseline.Unusable(err)
			}
		}
	}
	r.watchChanges()
	r.report.Sent = true
	return fault.Cause(ctx, session.Publish(ctx, r.plan))
}

// dropJournal drops the journal once the baseline contains what was sent.
func (r *run) dropJournal() error {
	if r.changer == nil || r.journal.Purged && r.partial() {
		return nil
	}
	return r.store.DropJournal(func(stream string) bool { return r.plan.Stream(stream) != nil })
}
