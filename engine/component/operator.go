package component

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
)

// Hider is the optional capability of a sink to hide single items at once.
type Hider interface {
	// Hide revokes all access to the items of an id, deletes them, and checks once whether they
	// can still be found. types are the types that the items are known to have had; the sink
	// looks for other types itself. Hide does not wait for other programs that write to the
	// sink. It returns an *Unconfirmed when the sink accepted the requests but did not confirm
	// that the items can no longer be found.
	Hide(ctx context.Context, id string, types []string) (*Hidden, error)
	// Settle is called once, after the last Hide. When a deletion was requested, it makes the
	// sink process deletions as soon as the sink allows it. It returns notes for the user, such
	// as which other program may bring the items back.
	Settle(ctx context.Context, o Opening, deleted bool) []string
}

// Hidden is the result of Hide.
type Hidden struct {
	Types []string // of the items that were there or whose deletion was requested
	Notes []string
}

// Pusher is the optional capability of a sink to take single items in addition to what it
// holds.
type Pusher interface {
	// Push sends the items of the selected records, and before them the users and groups that
	// they name and that were not delivered in this form. It adds members to groups and removes
	// none. It refuses when a run would be refused: another run is in progress, or the place is
	// not as the file says. When it fails, it returns what was sent before the error; nil when
	// nothing was sent.
	Push(ctx context.Context, s *Selection, o Opening) (*Pushed, error)
}

// Pushed is the result of Push; Sent counts items by stream.
type Pushed struct {
	Sent  map[string]int
	Named map[string][]string // the principals of each item of the selection, by its ID
	// Told are the documents and group members that were sent, completely or in part. It
	// includes an item whose response was lost.
	Told  []SelectedItem
	Notes []string
}

// Purger is the optional capability of a sink to empty its place.
type Purger interface {
	// Purge deletes every item of every stream and checks that they are gone. ids are the known
	// items, by stream. It returns an *Unconfirmed when the sink accepted all requests but has
	// not processed them yet.
	Purge(ctx context.Context, ids map[string][]string, o Opening) error
}

// Processor is the optional capability of a sink to request that it processes what was sent
// now.
type Processor interface {
	// Process sends the request. An error of class Throttled says when it may be repeated.
	Process(ctx context.Context) error
}

// Rotator is the optional capability of a sink to rotate the secret of its token.
type Rotator interface {
	// TokenPlace returns where the token is read from. The error says why a new secret could
	// not be stored there.
	TokenPlace() (TokenPlace, error)
	// Rotate requests a new secret with the current secret of that place. It sends one request.
	// When the response is lost, the old secret works until its overlap ends.
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
	OldUntil time.Time // end of the validity of the previous secret
	Before   time.Time // deadline for the next rotation; zero when the sink does not report one
}
