package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
)

func (r *run) review(ctx context.Context, session component.Session) error {
	held, err := r.holdings(ctx, session)
	if err != nil {
		return err
	}
	r.held = held
	r.track.begin(r.last, held.History, r.o.clock.Now())
	if err := r.compare(); err != nil {
		return err
	}
	if r.reviewer.Untrusted, err = r.known().Untrusted(r.plan, r.staged); err != nil {
		return err
	}
	if r.reviewer.Untrusted == nil {
		r.noteUnknown()
	}
	if err := r.noteHidden(); err != nil {
		return err
	}
	if r.o.Differences != nil {
		if err := r.o.Differences(r.differences()); err != nil {
			return err
		}
	}
	if err := r.reviewer.Run(r.plan, held); err != nil {
		r.storeRefusal(err)
		return err
	}
	r.noteApprovals()
	r.noteStrict()
	r.noteUncounted()
	r.reviewer.Clear(r.plan, held)
	for i := range r.plan.Streams {
		s := &r.plan.Streams[i]
		s.Paused = r.track.paused[s.Name]
	}
	return nil
}

// noteUnknown reports the streams whose earlier size is unknown.
func (r *run) noteUnknown() {
	var unknown []string
	for _, s := range r.plan.Streams {
		if _, known := r.held.Count(s.Name); !known && !r.p.Offline && !r.reviewer.Remembers(s.Name) {
			unknown = append(unknown, s.Name)
		}
	}
	if len(unknown) > 0 {
		r.note("the sink does not report how many %s it has, and no earlier run is known: max_loss had nothing "+
			"to compare with", strings.Join(unknown, ", "))
	}
}

// holdings asks the sink what it holds. A dry run continues without an answer.
func (r *run) holdings(ctx context.Context, session component.Session) (component.Holdings, error) {
	if r.p.Offline {
		r.note("no address or token of the sink is set, so it was not asked what it has: deletions could not be " +
			"determined")
		return component.Holdings{}, nil
	}
	held, err := session.Holds(ctx)
	if held, unsaid := r.unsaid(ctx, err); unsaid {
		return held, nil
	}
	if err != nil && r.dry() && ctx.Err() == nil {
		r.note("a run would fail here: %v", err)
		if remedy := fault.RemedyOf(err); remedy != "" {
			r.note("before a run, %s", remedy)
		}
		return component.Holdings{}, nil
	}
	if err == nil && held.New {
		err = guard.Recreate(r.base, r.owner)
	}
	return held, fault.Cause(ctx, err)
}

// compare compares the plan with the last good run.
func (r *run) compare() error {
	v := &guard.Review{Pipeline: r.p, Records: r.records(), Approvals: r.findApprovals(), Refused: map[[2]string]int{},
		Stale: func(string, int) bool { return false }}
	r.reviewer = v
	v.Now, v.Earlier = r.o.clock.Now(), r.o.Earlier != nil
	if r.last == nil {
		return nil
	}
	v.Finished = r.last.Finished
	if r.last.Fingerprint != r.p.Fingerprint {
		v.Since = fmt.Sprintf(". The pipeline file changed since the last run (%s)", display.Time(r.last.Finished))
	}
	if r.o.clock.Now().Sub(r.last.Finished) < baseline.YoungCounts {
		v.Stale = func(stream string, said int) bool {
			before, known := r.last.Said[stream]
			return known && before == said
		}
	}
	var err error
	v.Comparison, err = baseline.Compare(r.plan, r.last, baseline.Run{
		Stage: r.staged, Hidden: r.hidden, Fate: r.ledger.Fate, Off: r.p.Off, Missing: r.missing,
		Permissions: func(stream string) bool { s, _ := r.p.Stream(stream); return s.Permissions },
		Now:         v.Now,
		Strict:      r.o.Earlier != nil,
	})
	return err
}

// missing returns why a record was not read, as far as its host shows it: the kind of the host is
// switched off, or the host shrank; "" else.
func (r *run) missing(ref string) string {
	host, attached := r.attachedTo(ref)
	if !attached || r.attachments == nil {
		return ""
	}
	if kind := r.kindOf(host); r.p.Off(kind) {
		return kind + baseline.Off
	}
	if shrunk := r.attachments.Shrunk(host); shrunk != "" {
		return "gone from the source: " + shrunk
	}
	return ""
}

// kindOf returns the kind of a ref as the model spells it.
func (r *run) kindOf(ref string) string {
	kind := r.p.Model.KindOf(ref)
	same := func(name string) bool { return strings.EqualFold(name, kind) }
	for _, ph := range r.p.Model.Phases() {
		for _, k := range ph.Kinds {
			if same(k.Name) {
				return k.Name
			}
		}
	}
	if m, can := r.p.Model.(component.KindNamer); can {
		if i := slices.IndexFunc(m.KindNames(), same); i >= 0 {
			return m.KindNames()[i]
		}
	}
	return kind
}

// differences returns the differences between the plan and the last good run.
func (r *run) differences() Differences {
	var d Differences
	if c := r.reviewer.Comparison; c != nil {
		d.Widened = c.Widenings()
		d.Gone = c.AllLost()
	}
	return d
}

// fillChanges adds the differences to the report.
func (r *run) fillChanges() {
	if r.reviewer == nil || r.reviewer.Comparison == nil {
		return
	}
	c := r.reviewer.Comparison
	widened, swapped := c.Widenings(), 0
	for _, s := range c.Swapped() {
		swapped += s.Pairs
	}
	if slices.ContainsFunc(r.p.Streams, func(s component.Stream) bool {
		return s.Permissions && r.reviewer.Remembers(s.Name)
	}) {
		r.report.Since = &Since{Run: r.last.Run, Finished: r.last.Finished,
			SamePipeline: r.last.Fingerprint == r.p.Fingerprint, Audience: c.Audience(), Wider: len(widened), Widened: widened,
			Swapped: swapped}
	}
	for i := range r.report.Streams {
		r.report.Streams[i].Changes = c.Of(r.report.Streams[i].Name)
	}
	if line := c.Gained(); line != "" {
		r.note("%s", line)
	}
}

// records returns the counts of the read act for the guards.
func (r *run) records() guard.Records {
	l := r.ledger
	return guard.Records{Total: l.Total(), Rejected: l.Ended(component.Rejected), Withheld: l.Ended(component.Withheld)}
}
