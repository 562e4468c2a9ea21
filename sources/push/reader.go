package push

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/sqlite"
	"github.com/pipe-engine/pipe/sources/push/store"
)

// Reader is the source of a pipeline file. All phases of a run read one state of the store. It
// never creates the store.
type Reader struct {
	path   string
	model  component.Model
	limits store.Limits

	records *store.Store    // nil until the first use
	state   *store.Snapshot // nil before the first use, and after the last phase
	notes   []string
	// expected has the number of records by kind once the store is open.
	expected atomic.Pointer[map[string]int]
}

var (
	_ component.Source    = (*Reader)(nil)
	_ component.Getter    = (*Reader)(nil)
	_ component.Checker   = (*Reader)(nil)
	_ component.Estimator = (*Reader)(nil)
	_ component.Noter     = (*Reader)(nil)
)

// Read emits the records of a phase.
func (r *Reader) Read(ctx context.Context, phase component.Phase, emit component.Emit) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	err := r.state.Read(ctx, phase, emit)
	if phases := r.model.Phases(); phase.Name == phases[len(phases)-1].Name {
		r.release() // publishing may take long
	}
	return err
}

// open takes the snapshot of this run.
func (r *Reader) open(ctx context.Context) error {
	if r.state != nil {
		return nil
	}
	if sqlite.IsMissing(r.path) {
		return store.Empty(r.path)
	}
	var err error
	if r.records == nil {
		if r.records, err = store.Open(ctx, r.path, r.model, r.limits); err != nil {
			return err
		}
	}
	if r.state, err = r.records.Snapshot(ctx); err != nil {
		return err
	}
	r.notes = nil
	expected := map[string]int{}
	for _, kind := range r.state.Stats().Kinds {
		expected[kind.Kind] = kind.Records
		if kind.Unread {
			r.notes = append(r.notes, fmt.Sprintf("%s stored of the kind %s, which the pipeline does not read",
				are(kind.Records), kind.Kind))
		}
	}
	r.expected.Store(&expected)
	return nil
}

func are(records int) string {
	if records == 1 {
		return "1 record is"
	}
	return display.Plural(records, "record") + " are"
}

// Get reads one record by its ref.
func (r *Reader) Get(ctx context.Context, ref string) (*component.Record, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	ref, ok := r.model.ParseRef(ref)
	if !ok {
		return nil, nil
	}
	return r.state.Get(ctx, ref)
}

// Estimates returns the number of stored records of each kind.
func (r *Reader) Estimates() map[string]int {
	if expected := r.expected.Load(); expected != nil {
		return *expected
	}
	return nil
}

// Notes name stored kinds that the pipeline does not read.
func (r *Reader) Notes() []string { return r.notes }

// Check reports whether there is something to read.
func (r *Reader) Check(ctx context.Context) []component.Finding {
	err := r.open(ctx)
	if err != nil {
		return []component.Finding{{What: "pushed records", Detail: err.Error(), Remedy: fault.RemedyOf(err), Err: err}}
	}
	stats := r.state.Stats()
	var counts []string
	total := 0
	for _, kind := range stats.Kinds {
		counts = append(counts, kind.Kind+" "+display.Number(kind.Records))
		total += kind.Records
	}
	one := component.Finding{What: "pushed records", OK: true, Detail: fmt.Sprintf("%s, last changed %s",
		display.Plural(total, "record"), display.Time(stats.LastChange))}
	if total == 0 {
		one.Warning, one.Remedy = true, "push a full set"
	} else {
		one.Detail += ": " + strings.Join(counts, ", ")
	}
	return []component.Finding{one}
}

func (r *Reader) release() {
	if r.state != nil {
		r.state.Release()
		r.state = nil
	}
}

// Close ends the use of the store.
func (r *Reader) Close() error {
	r.release()
	if r.records == nil {
		return nil
	}
	return r.records.Close()
}
