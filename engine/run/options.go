package run

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/state"
)

// Act is how far a run goes.
type Act uint8

// The acts, from the whole run to the shortest.
const (
	Published Act = iota
	Reviewed      // read and reviewed; nothing is sent (a dry run)
)

// Options are the options of one run, in addition to its pipeline.
type Options struct {
	RunID string // NewRunID()
	// Until is the act after which the run ends.
	Until Act
	// Hold ends the run with this refusal after its review, before anything is sent, together with
	// the refusals of the guards; nil for a run that may send.
	Hold *fault.Refusal
	// Publish replaces the mode of the pipeline; "" keeps it.
	Publish component.PublishMode
	// Approve are IDs of refusals that a person allows. By is that person.
	Approve []string
	By      string
	// FileHash is the SHA-256 of the pipeline file, for the audit ledger.
	FileHash string
	// State is where state is kept; nil for nowhere.
	State state.Store
	// Wait is how long to wait, after everything was sent, for the sink to process it; 0
	// queries it once.
	Wait time.Duration
	// MustConfirm makes Run return an *Unconfirmed when the sink has not processed everything
	// within Wait.
	MustConfirm bool
	// Discard are ids of unfinished uploads that the user gave up.
	Discard []string
	// Earlier is published instead of records from the source; nil in ordinary runs.
	Earlier *Earlier
	// Output receives the plan before it is published.
	Output func(ctx context.Context, plan *component.Plan) error
	// Differences receives, after Output, what would change compared with the last good run.
	Differences func(Differences) error
	// DeadLetters receives every rejection as it happens; may be nil.
	DeadLetters func(component.DeadLetter) error
	Progress    Progress
	// Act is called when an act begins (read, review, publish or confirm), and what it returns
	// when it ends; nil in ordinary runs.
	Act func(name string) (end func())
	// Observer receives the steps of records; nil in ordinary runs.
	Observer component.Observer
	Log      *slog.Logger
	// Certain is called when the hold of the place is checked: before each upload, each single request,
	// the last page and each attempt of a request that writes. Its error ends the run before that
	// request. It is called from many goroutines and returns at once. Nil in ordinary runs.
	Certain func() error
	// Stop is closed by the first signal: reading stops, and an upload that has begun is
	// completed. Canceling the context ends everything at once.
	Stop <-chan struct{}

	clock timer
}

// Progress receives the progress of a run, from many goroutines. Its methods must return at
// once.
type Progress interface {
	// Read receives what has been read so far, by kind.
	Read(kinds []read.KindRead)
	// Reviewed reports the number of items of each stream that will be sent.
	Reviewed(streams []component.StreamPlan)
	// Sent reports that n more items of a stream were acknowledged.
	Sent(stream string, n int)
	// Waiting reports the streams that the sink has yet to process, each with its state, while
	// the run waits for that.
	Waiting(pending []string)
}

type noProgress struct{}

func (noProgress) Read([]read.KindRead) {}

func (noProgress) Reviewed([]component.StreamPlan) {}

func (noProgress) Sent(string, int) {}

func (noProgress) Waiting([]string) {}

// NewRunID returns a unique id for a run; ids sort by time.
func NewRunID() string { return ulid.MustNew(ulid.Now(), rand.Reader).String() }
