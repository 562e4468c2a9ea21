package run

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
)

// Earlier is the kept output of an earlier run, which a run publishes instead of reading the
// source.
type Earlier struct {
	read.Earlier
	Dir   string
	Run   string
	Ended time.Time
	Dry   bool // the run was a dry run
}

// FromOutput describes the published earlier output in a report.
type FromOutput struct {
	Dir   string    `json:"dir"`
	RunID string    `json:"run_id"`
	Ended time.Time `json:"ended"`
	Dry   bool      `json:"dry_run,omitempty"`
}

// strict returns the pipeline with the limits of a run that publishes an earlier output:
// without an approval, no one may find more than after the last good run. A refused run sends
// nothing, because decisions in the earlier output are no reason to narrow access now.
func strict(p *component.Pipeline) *component.Pipeline {
	out := *p
	out.Limits.MaxWiden, out.Limits.MaxGrowth = component.Bound{}, component.Bound{}
	out.OnRefusal = component.Stop
	return &out
}

// restore stages the items of the earlier output.
func (r *run) restore(ctx context.Context) error {
	e := r.o.Earlier
	r.report.FromOutput = &FromOutput{Dir: e.Dir, RunID: e.Run, Ended: e.Ended, Dry: e.Dry}
	dry := ""
	if e.Dry {
		dry = ", a dry run that published nothing"
	}
	r.note("this is the output of run %s of %s in %s%s; the source was not read", e.Run, display.Time(e.Ended), e.Dir, dry)
	err := read.Restore(ctx, read.Options{
		Pipeline: r.p, Stage: r.staged, Ledger: r.ledger, Hidden: r.hidden, Tick: r.o.Progress.Read, Observer: r.o.Observer,
	}, e.Earlier)
	if err != nil {
		return fault.Cause(ctx, err)
	}
	return r.staged.Flush()
}
