package guard

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
	"github.com/pipe-engine/pipe/engine/stage"
)

// Known is what is known about a place: its baseline, the owner of this state folder, and the
// sink's holdings.
type Known struct {
	Pipeline *component.Pipeline
	Store    *baseline.Store // nil without a state folder
	Base     baseline.Baseline
	Owner    baseline.Owner
	Holdings component.Holdings
}

// Covered reports whether the baseline holds the audiences of all streams with permissions.
func (k Known) Covered() bool {
	return k.Base.Snapshot != nil && !slices.ContainsFunc(k.Pipeline.Streams, func(s component.Stream) bool {
		_, known := k.Base.Streams[s.Name]
		return s.Permissions && !known
	})
}

// Unsaid reports whether an error of the sink means only that the sink does not report what it
// holds, in which case a run without a baseline is left to the baseline guard.
func (k Known) Unsaid(ctx context.Context, err error) (component.Holdings, bool) {
	var unsaid *component.UnsaidError
	if k.Covered() || ctx.Err() != nil || !errors.As(err, &unsaid) {
		return component.Holdings{}, false
	}
	return component.Holdings{Unsaid: unsaid.Err}, true
}

// Holds returns the evidence that the place holds items with permissions; "" when there is
// none. Counts may be hours old: with a listed upload, a missing count does not mean zero.
func (k Known) Holds() string {
	if k.Holdings.Unsaid != nil {
		return fmt.Sprintf("the content of the sink is unknown (%v)", k.Holdings.Unsaid)
	}
	for _, s := range k.Pipeline.Streams {
		if n, _ := k.Holdings.Count(s.Name); s.Permissions && n > 0 {
			return fmt.Sprintf("the sink counts %d %s", n, s.Name)
		}
	}
	if len(k.Holdings.Uploads) > 0 {
		return "the sink lists " + k.Holdings.Uploads[0].String()
	}
	return ""
}

// Untrusted returns the refusal of a run that cannot compare who finds what although the place
// holds items; nil for any other run. The baseline is damaged, newer or missing, or the last
// upload is from another state folder (invariant 5). The changes of the refusal are all items
// with permissions, and the foreign upload.
func (k Known) Untrusted(plan *component.Plan, staged *stage.Stage) (*fault.Refusal, error) {
	refused := k.Foreign()
	if refused == nil {
		refused = k.Lost()
	}
	if refused == nil {
		return nil, nil
	}
	return refused, k.List(refused, plan, staged)
}

// Foreign returns a refusal when the last upload is not from this state folder.
func (k Known) Foreign() *fault.Refusal {
	if len(k.Holdings.Uploads) == 0 || k.Owns(k.Holdings.Uploads[0]) {
		return nil
	}
	last := k.Holdings.Uploads[0]
	whose := "of another program"
	switch {
	case last.Owner != "":
		whose = "of another state folder, owner " + last.Owner
	case last.Run != "":
		whose = "of an earlier version of pipe with another state folder, run " + last.Run
	}
	this := "this state folder is owner " + k.Owner.ID
	switch {
	case k.Store == nil:
		this = "this run has no state folder (--state none)"
	case k.Owner.Created.IsZero():
		this = "no run with this state folder has written to the sink"
	}
	adopted := fault.Change{Stream: last.Stream, Type: UploadChange, ID: fault.HexID(codec.Hash([]byte(last.ID))),
		Ref: last.ID, Before: fault.Unknown, After: fault.Added, N: 1}
	return &fault.Refusal{Guard: Owner, Changes: []fault.Change{adopted},
		Reason: fmt.Sprintf("the last upload is %s (%s); %s; who can find the documents now is unknown",
			whose, last, this),
		Remedy: "run with the --state folder of that owner, or move it here with pipe state export and pipe " +
			"state import. To take over with this state folder: pipe adopt FILE (it shows what the run would do " +
			"and asks)"}
}

// Lost returns a refusal when the place holds items without a baseline. It ignores items that
// may come from a killed first run of this state folder.
func (k Known) Lost() *fault.Refusal {
	evidence := k.Holds()
	if k.Covered() || evidence == "" {
		return nil
	}
	if k.Holdings.Unsaid == nil && k.Base.Condition == baseline.Missing && k.Owner.Begun && !k.Owner.Kept {
		return nil
	}
	refused := &fault.Refusal{Guard: Baseline}
	switch {
	case k.Store == nil:
		refused.Reason = "there is no state folder to compare with (--state none), but " + evidence
		refused.Remedy = "name the state folder of the runs with --state DIR"
		return refused
	case k.Base.Condition == baseline.Damaged:
		refused.Reason = fmt.Sprintf("%s is damaged: %s; %s", k.Base.Path, k.Base.Problem, evidence)
		if refused.Remedy = k.Base.Remedy; refused.Remedy != "" {
			return refused
		}
		refused.Remedy = "restore the state folder from a copy"
	case k.Base.Condition == baseline.Newer:
		refused.Reason = fmt.Sprintf("%s is of a later version of pipe: %s; %s", k.Base.Path, k.Base.Problem, evidence)
		refused.Remedy = "run with that version of pipe"
	case k.Base.Snapshot != nil:
		refused.Reason = "the baseline does not cover every stream with permissions, because all runs with this " +
			"state folder left one out; " + evidence
		refused.Remedy = "run with the state folder of the complete runs"
	case k.Owner.Kept:
		refused.Reason = fmt.Sprintf("the baseline is missing: earlier runs wrote %s; %s", k.Base.Path, evidence)
		refused.Remedy = "restore the state folder from a copy"
	default:
		refused.Reason = "the baseline is missing: no run with this state folder has filled the sink, but " + evidence
		refused.Remedy = "run with the state folder of the earlier runs, or move it here with pipe state export and pipe " +
			"state import"
	}
	refused.Remedy += ". If there is none: pipe adopt FILE (it shows what the run would do and asks)"
	return refused
}

// List adds every item with permissions to the changes of a refusal. It adds to its table how
// many documents each class and rule would have, the widest class first.
func (k Known) List(refused *fault.Refusal, plan *component.Plan, staged *stage.Stage) error {
	type group struct {
		audience access.Audience
		rule     string
	}
	counts, withheld := map[group]int{}, 0
	for _, s := range plan.Streams {
		if d, _ := k.Pipeline.Stream(s.Name); !d.Permissions {
			continue
		}
		for t, err := range staged.Tags(s.Name) {
			if err != nil {
				return fmt.Errorf("read the stage: %w", err)
			}
			counts[group{t.Audience, t.Rule}]++
			refused.Changes = append(refused.Changes,
				fault.Change{Stream: s.Name, Type: t.Type, ID: fault.HexID(codec.Hash([]byte(t.ID))), Ref: t.Ref,
					Before: fault.Unknown, After: access.AudienceText(t.Audience.String(), t.Names), N: 1})
		}
		for _, err := range staged.Withheld(s.Name) {
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
		refused.Table = append(refused.Table,
			fmt.Sprintf("%9s for %s, rule %s", display.Number(counts[g]), g.audience, g.rule))
	}
	restricted := 0
	for g, n := range counts {
		if g.audience == access.Listed {
			restricted += n
		}
	}
	refused.Table = append(refused.Table,
		fmt.Sprintf("%9s restricted in all (only the listed users and groups find them)", display.Number(restricted)))
	if withheld > 0 {
		refused.Table = append(refused.Table, fmt.Sprintf("%9s withheld", display.Number(withheld)))
	}
	return nil
}

// Owns reports whether an upload is from this run's state folder. Upload ids of earlier
// versions contain no owner; they are recognized by their run.
func (k Known) Owns(u component.Upload) bool {
	switch {
	case u.Owner != "":
		return u.Owner == k.Owner.ID
	case u.Run == "" || k.Store == nil:
		return false
	}
	return k.Base.Snapshot != nil && k.Base.Run == u.Run || k.Store.Ran(u.Run)
}

// BaselineGuard refuses a run that cannot compare who finds what, unless an approval covers all
// its documents.
func (v *Review) BaselineGuard(_ *component.Plan, _ component.Holdings, cover *Coverage) *fault.Refusal {
	if v.Untrusted == nil {
		return nil
	}
	refused := *v.Untrusted
	if _, left := cover.leftOf(refused.Changes); left > 0 || len(refused.Changes) == 0 ||
		v.missing(refused.Changes, cover) {
		return &refused
	}
	return nil
}

// missing reports whether a run lacks too many of the items that an approval of the whole place
// showed (invariant 4). Without a baseline there is no other number to compare with.
func (v *Review) missing(changes []fault.Change, cover *Coverage) bool {
	here := 0
	for _, ch := range changes {
		if placed(ch) {
			here++
		}
	}
	shown := measure{before: cover.shown}
	return shown.exceeds(v.Pipeline.Limits.MaxLoss, cover.shown-here)
}

// placed reports whether a change is an item of a place whose earlier content is unknown.
func placed(ch fault.Change) bool {
	return ch.Before == fault.Unknown && ch.After != fault.Gone && ch.Type != UploadChange
}
