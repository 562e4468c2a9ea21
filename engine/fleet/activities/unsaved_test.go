package activities

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/state"
)

// failing is a store that cannot write the baseline while broken is set.
type failing struct {
	state.Store
	broken *atomic.Bool
}

func (s failing) Open(place string) (state.Files, error) {
	files, err := s.Store.Open(place)
	return failingFiles{files, s.broken}, err
}

type failingFiles struct {
	state.Files
	broken *atomic.Bool
}

func (f failingFiles) Create(name string) (state.Writer, error) {
	if f.broken.Load() && name == ".state" {
		return nil, errors.New("the store failed")
	}
	return f.Files.Create(name)
}

// TestRunUnsaved: a run that delivered everything and could not save its state is an error that is
// tried again. The next attempt saves.
func TestRunUnsaved(t *testing.T) {
	f := newFleet(t)
	broken := new(atomic.Bool)
	f.o.State = func(context.Context, string) (state.Store, func(), error) {
		return failing{f.state(), broken}, func() {}, nil
	}
	broken.Store(true)
	r, err := f.run(workflows.RunInput{})
	app := new(temporal.ApplicationError)
	if !errors.As(err, &app) || app.Type() != workflows.Transient || app.NonRetryable() ||
		r.Result != workflows.ResultFailed || !r.Sent {
		t.Errorf("%+v, %v", r, err)
	}
	broken.Store(false)
	if r, err := f.run(workflows.RunInput{}); err != nil || r.Result != workflows.ResultDone {
		t.Errorf("the next attempt: %+v, %v", r, err)
	}
}
