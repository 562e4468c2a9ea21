package job

import (
	"errors"
	"slices"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/report"
)

// facts are what the state folder has of the sink's place, as far as it can be read.
func (j *Job) facts() report.Facts {
	f := report.Facts{Hidden: -1}
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

// facts returns the facts of the state folder, with the guards that refused the run, the
// names that the file gives to records that no mapping takes, and the expiry of its tokens.
func (r *Result) facts() report.Facts {
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
