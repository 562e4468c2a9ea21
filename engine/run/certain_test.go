package run

import (
	"context"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// askingSession asks whether it may send before it does.
type askingSession struct{ component.Session }

func (s *askingSession) Publish(ctx context.Context, plan *component.Plan) error {
	if err := plan.StillHeld(); err != nil {
		return err
	}
	return s.Session.Publish(ctx, plan)
}

type askingSink struct{ component.Sink }

func (s askingSink) Open(ctx context.Context, o component.Opening) (component.Session, error) {
	inner, err := s.Sink.Open(ctx, o)
	return &askingSession{inner}, err
}

// TestCertain: a run that is not certain that it may go on sends nothing, with and without a state
// store.
func TestCertain(t *testing.T) {
	for _, stateless := range []bool{false, true} {
		w := newWorld(t)
		if stateless {
			w.o.State = nil
		}
		w.Add("identities", "user", "sam", "fine")
		w.Components(2, "of sam")
		w.P.Sink = askingSink{w.Store}
		lost := fault.Errorf(fault.Transient, "", "no contact")
		w.o.Certain = func() error { return lost }
		if _, err := w.run(t); err != lost || w.Sent() {
			t.Errorf("stateless %t: %v, sent %t", stateless, err, w.Sent())
		}
		w.o.Certain = func() error { return nil }
		if _, err := w.run(t); err != nil || !w.Sent() {
			t.Errorf("stateless %t, certain: %v, sent %t", stateless, err, w.Sent())
		}
	}
}
