package run

import (
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// world is a pipeline and the options of its run.
type world struct {
	*fake.World
	o Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{fake.NewWorld(t), Options{RunID: NewRunID()}}
}

// folder returns the state folder of the world's run.
func (w *world) folder(t *testing.T) fake.Folder { return fake.Folder{T: t, Dir: w.o.State.String()} }

// deadline is the longest that a run in a test may take.
const deadline = 30 * time.Second

// run runs the pipeline. A run that does not end fails the test.
func (w *world) run(t *testing.T) (*Report, error) {
	t.Helper()
	type outcome struct {
		report *Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		report, err := Run(t.Context(), w.P, w.o)
		done <- outcome{report, err}
	}()
	select {
	case o := <-done:
		return o.report, o.err
	case <-time.After(deadline):
		t.Fatalf("the run does not end within %s", deadline)
		return nil, nil
	}
}

// until returns the act after which a run ends.
func until(dry bool) Act {
	if dry {
		return Reviewed
	}
	return Published
}
