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
	mode, why, without := r.mode()
	estimate := changer.Estimate(r.plan)
	if kept := r.keptItems(); kept > 0 {
		return r.changesOnly(kept, why, without, estimate)
	}
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

// keptItems returns the number of items of the plan that stay in the sink unread.
func (r *run) keptItems() (n int) {
	for _, s := range r.plan.Streams {
		n += s.Kept
	}
	return n
}

// changesOnly chooses to send only changes because sending everything would delete the items that
// were not read (invariant 4). why is the reason for sending everything, and without means that
// changes alone cannot be sent.
func (r *run) changesOnly(kept int, why string, without bool, estimate component.Estimate) error {
	if without {
		return fault.Errorf(fault.Transient, "make the source readable and run again",
			"everything must be sent, because %s, but %s that the sink holds could not be read and would be deleted",
			r.unknown(), display.Plural(kept, "document"))
	}
	if hosts, records := r.attachments.Unread(); records > 0 {
		because := ""
		if why != "" || r.wanted() == component.PublishFull {
			because = " instead of everything"
		}
		r.note("only the changes are published%s: %s of %s could not be read, and a full upload would delete them",
			because, display.Plural(records, "document"), display.List(hosts, display.Shown, ", "))
	}
	r.plan.Only = true
	r.report.Publish = &Publish{Mode: component.PublishChanges, Seconds: estimate.Changes.Seconds(),
		Steps: r.steps(component.Steps)}
	return nil
}

// mayKeep reports whether the run will publish only changes, before the source is read: records
// that did not change need not be read then. A run that writes its output reads everything.
func (r *run) mayKeep(ctx context.Context, session component.Session) bool {
	_, changer := session.(component.Changer)
	_, keeper := session.(component.Keeper)
	if !changer || !keeper || r.store == nil || r.last == nil || r.dry() || r.p.Offline || r.o.Output != nil ||
		r.p.Fingerprint == "" || r.p.Fingerprint != r.last.Fingerprint || r.wanted() == component.PublishFull {
		return false
	}
	held, err := session.Holds(ctx)
	if err != nil {
		return false
	}
	journal, err := r.store.Journal(nil)
	if err != nil || !journal.Empty() {
		return false
	}
	ahead := &run{p: r.p, o: r.o, store: r.store, last: r.last, owner: r.owner, held: held, journal: journal,
		report: &Report{}, plan: &component.Plan{Changes: &component.Changes{}}}
	ahead.o.Publish = component.PublishAuto
	ahead.track.begin(r.last, held.History, r.o.clock.Now())
	_, why, _ := ahead.mode()
	return why == ""
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

// mode returns the requested mode, and why everything must be sent nevertheless. without means
// that the sink would be wrong if only the changes were sent.
func (r *run) mode() (mode component.PublishMode, why string, without bool) {
	mode, why = r.wanted(), r.unknown()
	switch without = why != ""; {
	case mode == component.PublishFull:
		return mode, "", without
	case why == "":
		why = r.due(mode)
	}
	return mode, why, without
}

// unknown returns why it is not known what the sink holds; "" when it is.
func (r *run) unknown() string {
	switch {
	case r.last == nil:
		return "this state folder has no earlier run"
	case r.held.New:
		return "the datasource does not exist yet"
	case r.journal.Damaged != "":
		return "the journal of sent items is damaged: " + r.journal.Damaged
	case r.journal.Purged:
		return "a purge was started and not finished"
	case len(r.held.Unfinished) > 0:
		return "an upload was started and not finished: " + display.List(r.held.Unfinished, display.Shown, ", ")
	case len(r.track.lost) > 0:
		return r.track.by + " lost " + named(r.track.lost)
	}
	return ""
}

// due returns why everything should be sent although the changes are known; "" when it need not.
func (r *run) due(mode component.PublishMode) string {
	switch {
	case r.last.Encoding != r.encoding():
		return "the sink's settings, or the way this version of pipe encodes items, changed"
	case r.plan.Changes.Unknown > 0:
		return fmt.Sprintf("the ids of %s to delete are unknown, because an earlier version of pipe wrote "+
			"the baseline",
			display.Plural(r.plan.Changes.Unknown, "item"))
	case mode == component.PublishChanges: // the following reasons do not apply to it
		return ""
	case len(r.track.paused) > 0:
		return fmt.Sprintf("%s has paused the deletion of %s", r.track.by,
			display.List(slices.Sorted(maps.Keys(r.track.paused)), display.Shown, ", "))
	case r.uploadedLater() != "":
		return "run " + r.uploadedLater() + " uploaded later than this state folder knows"
	case r.journal.Interrupted || r.last.Interrupted:
		return "an earlier publish was interrupted"
	case r.last.Whole.IsZero():
		return "the time of the last complete publish is unknown"
	case r.p.Publish.FullEvery > 0 && r.o.clock.Now().Sub(r.last.Whole) >= r.p.Publish.FullEvery:
		return "everything was last published on " + display.Time(r.last.Whole)
	}
	return ""
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
	return fault.Cause(ctx, session.Publish(r.sending(ctx), r.plan))
}

// dropJournal drops the journal once the baseline contains what was sent.
func (r *run) dropJournal() error {
	if r.changer == nil || r.journal.Purged && r.partial() {
		return nil
	}
	return r.store.DropJournal(func(stream string) bool { return r.plan.Stream(stream) != nil })
}
