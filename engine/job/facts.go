package job

import (
	"errors"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/report"
)

// facts returns what the state folder has about the sink's place, as far as it can be read.
func (j *Job) facts() report.Facts {
	f := report.Facts{Hidden: -1, Certificates: map[string]time.Time{}}
	for end, part := range map[string]any{"source": j.Pipeline.Source, "sink": j.Pipeline.Sink} {
		if c, ok := part.(component.Certified); ok && !c.CertificateExpiry().IsZero() {
			f.Certificates[end] = c.CertificateExpiry()
		}
	}
	if j.State == nil {
		return f
	}
	store, err := baseline.Open(j.State, j.Pipeline.Sink.Place())
	if err != nil {
		return f
	}
	if hidden, err := hiddenNow(store); err == nil {
		f.Hidden = len(hidden)
	}
	base, err := store.Load()
	if err != nil {
		return f
	}
	defer base.Close()
	if base.Condition == baseline.Intact {
		f.Baseline, f.Whole = base.Finished, base.Whole
	}
	return f
}

// Facts returns what the metrics of the run contain in addition to its record: the facts of the
// state folder when the Request has Metrics or Facts, with the guards that refused the run, the names
// of omissions in the file for unmapped records, and the expiry of the file's tokens.
func (r *Result) Facts() report.Facts {
	f := r.remembered
	var refused *fault.Refusal
	if errors.As(r.Err, &refused) {
		for ; refused != nil; refused = refused.Also {
			f.Guards = append(f.Guards, refused.Guard)
		}
	}
	if r.definition != nil {
		f.Expiries = r.definition.Expiries()
		for _, facts := range r.definition.Facts {
			if name := facts.Node.Get("otherwise").Text(); name != "" {
				f.Unmapped = append(f.Unmapped, name)
			}
		}
	}
	slices.Sort(f.Unmapped)
	f.Unmapped = slices.Compact(f.Unmapped)
	return f
}
