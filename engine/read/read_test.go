package read

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/stage"
)

// company returns a world with a user, a group, a system and n components.
func company(t *testing.T, n int) *fake.World {
	t.Helper()
	w := fake.NewWorld(t)
	w.Add("identities", "user", "sam", "plain")
	w.Add("identities", "group", "team", "plain")
	w.Add("structure", "system", "shop", "plain")
	w.Components(n, "plain")
	return w
}

// options returns the options for reading a world.
func options(t *testing.T, w *fake.World) Options {
	t.Helper()
	s := stage.New()
	t.Cleanup(s.Close)
	return Options{
		Pipeline: w.P, Session: w.Store, Stage: s, Ledger: NewLedger(nil, nil),
		Note: func(string, ...any) {}, Tick: func([]KindRead) {},
	}
}

// TestEveryRecordEnds: records of each phase have an ending, whether the last phase fits in
// memory or is processed while it is read (invariant 3).
func TestEveryRecordEnds(t *testing.T) {
	for name, spill := range map[string]int{"in memory": 1 << 20, "spilled": 1} {
		w := company(t, 30)
		w.Records["catalog"] = append(w.Records["catalog"], w.Records["structure"][0]) // returned twice
		w.P.Limits.SpillBytes = spill
		o := options(t, w)
		var ticks []int
		var last []KindRead
		o.Tick = func(kinds []KindRead) {
			n := 0
			for _, k := range kinds {
				n += k.Read
			}
			ticks, last = append(ticks, n), kinds
		}
		if err := Run(t.Context(), o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := o.Ledger.Settle(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		totals := o.Ledger.Totals()
		if totals.Read != 33 || totals.Again != 1 || o.Ledger.Ended(component.Delivered) != 33 {
			t.Errorf("%s: %+v", name, totals)
		}
		if !slices.IsSorted(ticks) || len(ticks) < 3 || ticks[len(ticks)-1] != 33 {
			t.Errorf("%s: ticks %v", name, ticks)
		}
		if want := (KindRead{Kind: "component", Read: 30}); !slices.Contains(last, want) {
			t.Errorf("%s: the last tick is %v, want %v in it", name, last, want)
		}
	}
}

// TestNoIdentities: the session is sealed before anything else is encoded, even when the source
// has no identities.
func TestNoIdentities(t *testing.T) {
	w := company(t, 3)
	w.Order = w.Order[1:]
	o := options(t, w)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if n := o.Ledger.Ended(component.Delivered); n != 4 || !slices.Equal(w.Calls, []string{"seal"}) {
		t.Errorf("%d records were delivered, calls %v: %+v", n, w.Calls, o.Ledger.Totals().Rejections)
	}
}

// TestOnlyIdentities: phases whose records are not written are not read.
func TestOnlyIdentities(t *testing.T) {
	w := company(t, 3)
	w.P.Unwritten = func(stream string) string {
		if stream == "documents" {
			return "left out"
		}
		return ""
	}
	o := options(t, w)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if n := o.Ledger.Total(); n != 2 || !slices.Equal(w.Calls, []string{"seal"}) {
		t.Errorf("%d records were read, calls %v", n, w.Calls)
	}
}

// TestStepFails: an error in a batch ends the read, also in the last batch, which is processed
// after the source has ended.
func TestStepFails(t *testing.T) {
	for name, spill := range map[string]int{"in memory": 1 << 20, "spilled": 1} {
		for _, phase := range []string{"identities", "structure", "catalog"} {
			w := company(t, 3)
			kind := map[string]string{"identities": "group", "structure": "system", "catalog": "component"}[phase]
			w.Add(phase, kind, "last", "transform fails")
			w.P.Limits.SpillBytes = spill
			if err := Run(t.Context(), options(t, w)); err == nil || !strings.Contains(err.Error(), "the transform gave up") {
				t.Errorf("%s, %s: %v", name, phase, err)
			}
		}
	}
}

// TestReadFails: an error of the source ends the read at once, and a partly read phase is not
// mapped.
func TestReadFails(t *testing.T) {
	boom := fault.Errorf(fault.Transient, "", "503")
	for _, phase := range []string{"identities", "structure", "catalog"} {
		w := company(t, 20)
		w.Company.Fail = func(at string, _ int) error {
			if at == phase {
				return boom
			}
			return nil
		}
		o := options(t, w)
		if err := Run(t.Context(), o); !errors.Is(err, boom) {
			t.Errorf("%s: %v", phase, err)
		}
		if sealed := slices.Contains(w.Calls, "seal"); sealed != (phase != "identities") {
			t.Errorf("%s: calls %v", phase, w.Calls)
		}
	}
}

// impatient is a source that continues after the context of emit has ended.
type impatient struct {
	*fake.Company
	cancel context.CancelCauseFunc
	cause  error
	emit   error // what emit returned then
}

func (s *impatient) Read(ctx context.Context, ph component.Phase, emit component.Emit) error {
	if ph.Name != "catalog" {
		return s.Company.Read(ctx, ph, emit)
	}
	s.cancel(s.cause)
	r := *s.Records["catalog"][0]
	s.emit = emit(ctx, []*component.Record{&r})
	return ctx.Err()
}

// TestCanceled: a canceled read returns the cause and takes no more records.
func TestCanceled(t *testing.T) {
	w := company(t, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &impatient{Company: w.Company, cancel: cancel, cause: errors.New("stopped by SIGINT")}
	w.P.Source = s
	o := options(t, w)
	if err := Run(ctx, o); !errors.Is(err, s.cause) {
		t.Errorf("the read ends with %v", err)
	}
	if !errors.Is(s.emit, s.cause) || o.Ledger.Knows("component:default/c000") {
		t.Errorf("emit answered %v, %d records", s.emit, o.Ledger.Total())
	}
}

// guessing is a source that expects far too many records.
type guessing struct{ component.Source }

func (guessing) Estimates() map[string]int { return map[string]int{"component": 1_000_000} }

// TestEstimates: what the source expects is shown while it is read and changes nothing else.
func TestEstimates(t *testing.T) {
	w := company(t, 30)
	w.P.Source = guessing{w.P.Source}
	o := options(t, w)
	var last []KindRead
	o.Tick = func(kinds []KindRead) { last = kinds }
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if want := (KindRead{Kind: "component", Read: 30, Estimate: 1_000_000}); !slices.Contains(last, want) {
		t.Errorf("the last tick is %v, want %v in it", last, want)
	}
	if err := o.Ledger.Settle(); err != nil {
		t.Error(err)
	}
	if totals := o.Ledger.Totals(); totals.Read != 33 {
		t.Errorf("%+v", totals)
	}
}
