package guard

import (
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// The guards of this file, and the type of the change that is a foreign upload.
const (
	Baseline     = "baseline"
	Owner        = "owner"
	UploadChange = "upload"
)

// BaselineGuard refuses a run that cannot compare who finds what, unless an approval
// covers every document of it.
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

// missing reports whether a run lacks too many of the items that an approval of the
// whole place showed (invariant 4). There is no baseline to count them by.
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

// placed reports whether a change is an item of a place whose earlier content is
// unknown.
func placed(ch fault.Change) bool {
	return ch.Before == fault.Unknown && ch.After != fault.Gone && ch.Type != UploadChange
}
