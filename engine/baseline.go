package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// The guards of this file, and the type of the change that is a foreign upload.
const (
	guardBaseline = "baseline"
	guardOwner    = "owner"
	uploadChange  = "upload"
)

// covered reports whether the baseline says who could find the items of every
// stream with permissions.
func (r *run) covered() bool {
	return r.last != nil && !slices.ContainsFunc(r.p.Streams, func(s component.Stream) bool {
		_, known := r.last.Streams[s.Name]
		return s.Permissions && !known
	})
}

// writes reports whether this run's baseline covers every stream with permissions.
func (r *run) writes() bool {
	return !slices.ContainsFunc(r.p.Streams, func(s component.Stream) bool {
		before := false
		if r.last != nil {
			_, before = r.last.Streams[s.Name]
		}
		return s.Permissions && r.plan.Stream(s.Name) == nil && !before
	})
}

// unsaid reports whether an error of the sink is only that it does not say what it
// holds, and leaves a run without a baseline to the baseline guard.
func (r *run) unsaid(ctx context.Context, err error) (component.Holdings, bool) {
	var unsaid *component.UnsaidError
	if r.covered() || ctx.Err() != nil || !errors.As(err, &unsaid) {
		return component.Holdings{}, false
	}
	return component.Holdings{Unsaid: unsaid.Err}, true
}

// holds is the evidence that the place holds items with permissions, or "". Counts
// may be hours old: no count together with a listed upload is not zero.
func (r *run) holds() string {
	if r.held.Unsaid != nil {
		return fmt.Sprintf("it is unknown what the sink holds (%v)", r.held.Unsaid)
	}
	for _, s := range r.p.Streams {
		if n, _ := r.held.Count(s.Name); s.Permissions && n > 0 {
			return fmt.Sprintf("the sink counts %d %s", n, s.Name)
		}
	}
	if len(r.held.Uploads) > 0 {
		return "the sink lists " + r.held.Uploads[0].String()
	}
	return ""
}

// baseline refuses a run that cannot compare who finds what, unless an approval
// covers every document of it.
func (v *review) baseline(_ *component.Plan, _ component.Holdings, cover *coverage) *fault.Refusal {
	if v.untrusted == nil {
		return nil
	}
	refused := *v.untrusted
	if _, left := cover.leftOf(refused.Changes); left > 0 || len(refused.Changes) == 0 || v.missing(refused.Changes, cover) {
		return &refused
	}
	return nil
}

// missing reports whether a run lacks too many of the items that an approval of the
// whole place showed (invariant 4). There is no baseline to count them by.
func (v *review) missing(changes []fault.Change, cover *coverage) bool {
	here := 0
	for _, ch := range changes {
		if placed(ch) {
			here++
		}
	}
	shown := measure{before: cover.shown}
	return shown.exceeds(v.p.Limits.MaxLoss, cover.shown-here)
}

// placed reports whether a change is an item of a place whose earlier content is
// unknown.
func placed(ch fault.Change) bool {
	return ch.Before == fault.Unknown && ch.After != fault.Gone && ch.Type != uploadChange
}

// untrusted is the refusal of a run that cannot compare who finds what although the
// place holds items, nil for any other: its baseline is damaged, newer or missing,
// or the last upload is of another state folder (invariant 5). Its changes are all
// items with permissions, and the foreign upload.
func (r *run) untrusted() (*fault.Refusal, error) {
	refused := r.foreign()
	if refused == nil {
		refused = r.lost()
	}
	if refused == nil {
		return nil, nil
	}
	return refused, r.list(refused)
}

// foreign refuses when the last upload is not of this state folder.
func (r *run) foreign() *fault.Refusal {
	if len(r.held.Uploads) == 0 || r.owns(r.held.Uploads[0]) {
		return nil
	}
	last := r.held.Uploads[0]
	whose := "of another program"
	switch {
	case last.Owner != "":
		whose = "of another state folder, owner " + last.Owner
	case last.Run != "":
		whose = "of an earlier version of pipe with another state folder, run " + last.Run
	}
	this := "this state folder is owner " + r.owner.ID
	switch {
	case r.store == nil:
		this = "this run has no state folder (--state none)"
	case r.owner.Created.IsZero():
		this = "no run with this state folder has written to the sink"
	}
	adopted := fault.Change{Stream: last.Stream, Type: uploadChange, ID: fault.HexID(codec.Hash([]byte(last.ID))), Ref: last.ID, Before: fault.Unknown, After: fault.Added, N: 1}
	return &fault.Refusal{Guard: guardOwner, Changes: []fault.Change{adopted}, Reason: fmt.Sprintf("the last upload is %s (%s); %s, and who can find the items now is unknown", whose, last, this),
		Remedy: "run with the --state folder of that owner, or move it here with pipe state export and pipe state import; if this state folder is to take over, pipe adopt FILE shows what the run would do and asks"}
}

// lost refuses when the place holds items and there is no baseline of them. What a
// first run left that was killed is no reason.
func (r *run) lost() *fault.Refusal {
	evidence := r.holds()
	if r.covered() || evidence == "" {
		return nil
	}
	if r.held.Unsaid == nil && r.base.Condition == baseline.Missing && r.owner.Begun && !r.owner.Kept {
		return nil
	}
	refused := &fault.Refusal{Guard: guardBaseline}
	switch {
	case r.store == nil:
		refused.Reason = "there is no state folder to compare with (--state none), and " + evidence
		refused.Remedy = "name the state folder of the runs with --state DIR"
		return refused
	case r.base.Condition == baseline.Damaged:
		refused.Reason = fmt.Sprintf("%s is damaged: %s; %s", r.base.Path, r.base.Problem, evidence)
		refused.Remedy = "restore the state folder from a copy"
	case r.base.Condition == baseline.Newer:
		refused.Reason = fmt.Sprintf("%s is of a later version of pipe: %s; %s", r.base.Path, r.base.Problem, evidence)
		refused.Remedy = "run with that version of pipe"
	case r.last != nil:
		refused.Reason = "the baseline does not cover every stream with permissions, since all runs with this state folder left one out; " + evidence
		refused.Remedy = "run with the state folder of the complete runs"
	case r.owner.Kept:
		refused.Reason = fmt.Sprintf("the baseline is missing: earlier runs wrote %s; %s", r.base.Path, evidence)
		refused.Remedy = "restore the state folder from a copy"
	default:
		refused.Reason = "the baseline is missing: no run with this state folder has filled the sink, and " + evidence
		refused.Remedy = "run with the state folder of the earlier runs, or move it here with pipe state export and pipe state import"
	}
	refused.Remedy += "; if there is none, pipe adopt FILE shows what the run would do and asks"
	return refused
}

// list adds every item with permissions to the changes of a refusal, and who would
// find them to its table: how many by class and rule, the widest class first.
func (r *run) list(refused *fault.Refusal) error {
	type group struct {
		audience access.Audience
		rule     string
	}
	counts, withheld := map[group]int{}, 0
	for _, s := range r.plan.Streams {
		if d, _ := r.p.Stream(s.Name); !d.Permissions {
			continue
		}
		for t, err := range r.shelf.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			counts[group{t.Audience, t.Rule}]++
			refused.Changes = append(refused.Changes, fault.Change{Stream: s.Name, Type: t.Type, ID: fault.HexID(codec.Hash([]byte(t.ID))), Ref: t.Ref, Before: fault.Unknown, After: access.AudienceText(t.Audience.String(), t.Names), N: 1})
		}
		for _, err := range r.shelf.Withheld(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			withheld++
		}
	}
	groups := slices.SortedFunc(maps.Keys(counts), func(a, b group) int {
		return cmp.Or(cmp.Compare(b.audience, a.audience), cmp.Compare(counts[b], counts[a]), cmp.Compare(a.rule, b.rule))
	})
	refused.Table = []string{"who would find the documents after this run:"}
	for _, g := range groups {
		refused.Table = append(refused.Table, fmt.Sprintf("%9s for %s, rule %s", display.Number(counts[g]), g.audience, g.rule))
	}
	restricted := 0
	for g, n := range counts {
		if g.audience == access.Listed {
			restricted += n
		}
	}
	refused.Table = append(refused.Table, fmt.Sprintf("%9s restricted in all (found only by those who are listed)", display.Number(restricted)))
	if withheld > 0 {
		refused.Table = append(refused.Table, fmt.Sprintf("%9s for nobody (withheld)", display.Number(withheld)))
	}
	return nil
}
