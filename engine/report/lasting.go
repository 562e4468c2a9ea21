package report

import (
	"maps"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// Lasting is what the runs of a pipeline up to one of them have in common.
type Lasting struct {
	// Success is when the last run that delivered everything ended; zero when none is known.
	Success time.Time `json:"success,omitzero"`
	// Refused is since when each guard refuses, and Paused since when the sink pauses the
	// deletion of items, by stream.
	Refused map[string]time.Time `json:"refused,omitempty"`
	Paused  map[string]time.Time `json:"paused,omitempty"`
}

// After returns the state after a further run, which guards refused and which ended at a time. A
// run that did not reach its review changes neither Refused nor Paused.
func (l Lasting) After(r *Record, guards []string, ended time.Time) Lasting {
	out := Lasting{Success: l.Success, Refused: maps.Clone(l.Refused), Paused: maps.Clone(l.Paused)}
	if r.Report != nil && r.Report.Since != nil && r.Report.Since.Finished.After(out.Success) {
		out.Success = r.Report.Since.Finished
	}
	if r.whole() || out.Success.After(ended) {
		out.Success = ended
	}
	if r.reviewed() {
		out.Refused, out.Paused = since(l.Refused, guards, ended), since(l.Paused, r.Report.Paused, ended)
	}
	return out
}

// since returns when each of the names began: in the earlier state, or now.
func since(earlier map[string]time.Time, names []string, now time.Time) map[string]time.Time {
	out := map[string]time.Time{}
	for _, name := range names {
		name = display.Lines(name) // as in a metrics file
		out[name] = now
		if at, found := earlier[name]; found {
			out[name] = at
		}
	}
	return out
}

// reviewed reports whether a run reached its review and did not fail or stop.
func (r *Record) reviewed() bool {
	return r.Report != nil && r.Report.Verdict != run.VerdictFailed && r.Report.Verdict != run.VerdictStopped
}

// whole reports whether a run delivered every stream outside a sandbox.
func (r *Record) whole() bool {
	return r.Report != nil && r.Report.Verdict == run.VerdictDelivered && !r.Sandbox &&
		!slices.ContainsFunc(r.Report.Streams, func(s run.StreamReport) bool { return !s.Written })
}
