package run

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/component"
)

// Act is how far a run goes.
type Act uint8

// The acts, from the whole run to the shortest.
const (
	Published Act = iota
	Reviewed      // read and reviewed; nothing is sent (a dry run)
)

// Options are what one run is asked for, beside its pipeline.
type Options struct {
	RunID string // NewRunID()
	// Until is the act after which the run ends.
	Until Act
	// Publish takes the place of the pipeline's mode; "" leaves it.
	Publish component.PublishMode
	// Approve are IDs of refusals that a person allows. By is that person.
	Approve []string
	By      string
	// FileHash is the SHA-256 of the pipeline file, for the audit ledger.
	FileHash string
	// State is the folder that remembers the last good run; "" for none.
	State string
	// Wait is how long to wait, after everything was sent, for the sink to process
	// it; 0 asks once.
	Wait time.Duration
	// MustConfirm makes it an *Unconfirmed when the sink has not processed
	// everything within Wait.
	MustConfirm bool
	// Discard are ids of unfinished uploads that a person has given up.
	Discard []string
	// Earlier is published instead of what the source holds; nil in ordinary runs.
	Earlier *Earlier
	// Output is given every stream of the plan before it is published.
	Output func(ctx context.Context, plan *component.Plan) error
	// Differences is given, after Output, what would change against the last good run.
	Differences func(Differences) error
	// DeadLetters is given every rejection as it happens; nil for none.
	DeadLetters func(component.DeadLetter) error
	Progress    Progress
	// Observer sees what is made of the records; nil in ordinary runs.
	Observer component.Observer
	Log      *slog.Logger
	// Stop is closed by the first signal: a read is left, an upload under way
	// is ended. The context ends everything at once.
	Stop <-chan struct{}

	clock timer
}

// Progress is told how a run goes on, from many goroutines. Its methods return
// at once.
type Progress interface {
	// Read tells how many records have been read so far.
	Read(total int)
	// Reviewed tells how many items of each stream will be sent.
	Reviewed(streams []component.StreamPlan)
	// Sent tells that n more items of a stream were acknowledged.
	Sent(stream string, n int)
	// Waiting reports which streams the sink has still to process, each with its
	// state, while the run waits for that.
	Waiting(pending []string)
}

type noProgress struct{}

func (noProgress) Read(int) {}

func (noProgress) Reviewed([]component.StreamPlan) {}

func (noProgress) Sent(string, int) {}

func (noProgress) Waiting([]string) {}

// NewRunID is a name for a run: sortable by time, unique.
func NewRunID() string { return ulid.MustNew(ulid.Now(), rand.Reader).String() }
