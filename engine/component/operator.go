package component

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
)

// Hider is the optional capability of a sink to hide single items at once.
type Hider interface {
	// Hide takes the items of an id from everyone, deletes them, and looks once
	// whether they can still be found. types are those that they are known to have
	// had; the sink looks for others itself. It does not wait for other programs
	// that write to the sink. An *Unconfirmed as error means that the sink took the
	// requests and did not confirm that the items cannot be found any more.
	Hide(ctx context.Context, id string, types []string) (*Hidden, error)
	// Settle is called once, after the last Hide: it has the deletions take effect
	// as soon as the sink allows, when any was requested, and returns sentences for
	// a person, such as who else may bring the items back.
	Settle(ctx context.Context, o Opening, deleted bool) []string
}

// Hidden is what was taken away.
type Hidden struct {
	Types []string // of the items that were there, or were asked to be deleted
	Notes []string
}

// Pusher is the optional capability of a sink to take single items, beside what it
// holds.
type Pusher interface {
	// Push sends the items of the selected records, and before them the people and
	// groups that they name and that were not delivered as they are. It adds members
	// to groups and removes none. It refuses where a run would be refused: another run
	// at work, or a place that is not what the file says. It returns what was sent
	// together with the error that ended it, and nil when nothing was.
	Push(ctx context.Context, s *Selection, o Opening) (*Pushed, error)
}

// Pushed counts what was sent, by stream.
type Pushed struct {
	Sent  map[string]int
	Named map[string][]string // whom each item of the selection names, by its ID
	// Told are the documents, and the items of groups' members, that were sent, whole or in
	// part. One whose response was lost is among them.
	Told  []SelectedItem
	Notes []string
}

// Purger is the optional capability of a sink to empty the place that it fills.
type Purger interface {
	// Purge deletes every item of every stream and looks whether they are gone.
	// ids are those of the items that are known to have been there, by stream. Its
	// *Unconfirmed says that the sink took everything and has not done it yet.
	Purge(ctx context.Context, ids map[string][]string, o Opening) error
}

// Processor is the optional capability of a sink to be told that it process now what
// it was sent.
type Processor interface {
	// Process tells it. An error with the class Throttled says when it may be told
	// again.
	Process(ctx context.Context) error
}

// Rotator is the optional capability of a sink to give its token another secret.
type Rotator interface {
	// TokenPlace is where the token is read from. The error says why a new secret could
	// not be kept there.
	TokenPlace() (TokenPlace, error)
	// Rotate asks for a new secret with the one that is in that place by then. It is asked for once: where the answer is
	// lost,
	// the old one works a while longer.
	Rotate(ctx context.Context) (*Rotated, error)
}

// TokenPlace is where a token is kept. One of the two is set.
type TokenPlace struct {
	File   string // the path of ${file:PATH}
	Secret string // the name of ${secret:NAME}
}

// Rotated is a new secret.
type Rotated struct {
	Secret   config.Secret
	OldUntil time.Time // how long the one before works
	Before   time.Time // when it has to be rotated again; zero when the sink does not say
}
