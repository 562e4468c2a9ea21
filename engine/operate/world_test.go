package operate

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/run"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline is the longest that an operation in a test may take.
const deadline = 30 * time.Second

// world is a pipeline and the options of its run.
type world struct {
	*fake.World
	o run.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{fake.NewWorld(t), run.Options{RunID: run.NewRunID()}}
}

// folder returns the state folder of the world's run.
func (w *world) folder(t *testing.T) fake.Folder { return fake.Folder{T: t, Dir: w.o.State.String()} }

// night is a company with several runs of the same state folder.
type night struct{ fake.Folder }

func newNight(t *testing.T) night { return night{fake.Folder{T: t, Dir: t.TempDir()}} }

// good runs a world with two users and what fill adds. A run that fails fails the test.
func (n night) good(fill func(w *world)) *world {
	n.T.Helper()
	w := newWorld(n.T)
	w.o.State = n.Store()
	fill(w)
	w.Add("identities", "user", "sam", "fine")
	w.Add("identities", "user", "ann", "fine")
	if _, err := run.Run(n.T.Context(), w.P, w.o); err != nil {
		n.T.Fatal(err)
	}
	return w
}

// uploads returns the holdings of a sink that lists one upload of documents by an owner and
// counts n documents.
func uploads(owner string, n int) component.Holdings {
	return component.Holdings{
		Streams: map[string]int{"documents": n},
		Uploads: []component.Upload{{Stream: "documents", ID: "u", Owner: owner}},
	}
}
