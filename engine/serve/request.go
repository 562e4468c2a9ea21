package serve

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// The ways in which a run is asked for; history.Asked.How.
const (
	BySchedule = "schedule"
	ByMissed   = "missed" // a scheduled time at which the server did not run
	ByAPI      = "api"
	ByPage     = "page"
	ByPush     = "push"
	ByWebhook  = "webhook"
	ByApproval = "approval"
)

// Request asks for a run of a pipeline.
type Request struct {
	By     string
	Person bool // By is a person
	// Identity is a hash of who By is at an identity provider; "" when none has said it.
	Identity string
	How      string // BySchedule and so on
	// Full publishes everything. Dry sends nothing.
	Full, Dry bool
	// Only are the streams to write; empty means all.
	Only []string
	// Changed means that what the source holds has just changed, so a run that has already
	// begun is not enough.
	Changed bool

	// repeats names those who asked for the run that this one repeats, since the server ended.
	repeats []history.Asked
}

// Ticket is the answer to a request.
type Ticket struct {
	Run string `json:"run"` // its ID
	// Joined reports whether the run was asked for before.
	Joined bool `json:"joined"`

	ended <-chan struct{}
}

// Ended returns a channel that is closed when the run has ended, and when the server is about to
// end: the next one then performs a run that has not begun.
func (t Ticket) Ended() <-chan struct{} { return t.ended }

// Trigger asks for a run and returns at once; the run is then in the history. It returns a
// *fault.Invalid when the request cannot be met, fault.ErrStopped when the server is about to end,
// and an error when the history cannot be written.
func (p *Pipeline) Trigger(q Request) (Ticket, error) {
	streams := p.file.inUse().streams
	for _, s := range q.Only {
		if !slices.Contains(streams, s) {
			return Ticket{}, &fault.Invalid{Reason: fmt.Sprintf("the sink has no stream %q", s),
				Remedy: "its streams are " + strings.Join(streams, ", ")}
		}
	}
	return p.queue.add(q, time.Time{})
}
