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

// facts are what the state folder has of the sink's place, as far as it can be read.
func (j *Job) facts() report.Facts {
	f := report.Facts{Hidden: -1, Certificates: map[string]time.Time{}}
	for end, part := range map[string]any{"source": j.Pipeline.Source, "sink": j.Pipeline.Sink} {
		if c, ok := part.(component.Certified); ok && !c.CertificateExpiry().IsZero() {
			f.Certificates[end] = c.CertificateExpiry()
		}
	}
	if j.State == "" {
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

// facts adds to what the state folder has the guards that refused the run, and the names
// that the file gives to records that no mapping takes.
func (r *Result) facts() report.Facts {
	f := r.remembered
	var refused *fault.Refusal
	if errors.As(r.Err, &refused) {
		for ; refused != nil; refused = refused.Also {
			f.Guards = append(f.Guards, refused.Guard)
		}
	}
	if r.definition != nil {
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
