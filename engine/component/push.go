package component

import (
	"context"
	"fmt"
	"io"
	"time"
)

// RecordStore holds the records that are pushed to a source; a run reads all of them. Records
// are pushed as a set, which replaces everything in its scope when it is committed, or one at a
// time.
//
// Every change needs the Grant of the caller's token; the store keeps only its ID. key is an
// idempotency key, unique among the requests of a grant, "" for none. A request with the key of
// an earlier one that succeeded changes nothing and returns the first answer with Replayed set;
// with other content it is a PushConflict. Keys are kept for seven days.
//
// A refused request is a *PushError and changes nothing. All methods may be called from many
// goroutines, and other processes may read meanwhile.
type RecordStore interface {
	// Begin opens a set. A run does not see it before it is committed.
	Begin(ctx context.Context, g Grant, scope Scope, key string) (OpenSet, error)
	// Append adds records to an open set, one JSON object a line. A refused line refuses the
	// whole call. An error of the reader is returned wrapped.
	Append(ctx context.Context, g Grant, set string, lines io.Reader, key string) (Appended, error)
	// Commit replaces all records in the scope of the set by those of the set, at once. expected
	// is the number of records that the caller appended; another number of records refuses the
	// commit, and so does a change of the same records since the set began. A set of no records
	// empties its scope; the guards of the run decide about it.
	Commit(ctx context.Context, g Grant, set string, expected int, key string) (Committed, error)
	// Abort drops an open set.
	Abort(ctx context.Context, g Grant, set string) error
	// Upsert adds or replaces one record, a JSON object with this ref; "" means any ref. A reader
	// that has more than the limit of a record is not read to its end. Upsert is refused for people
	// and groups, and before any set was committed.
	Upsert(ctx context.Context, g Grant, ref string, record io.Reader, key string) (Changed, error)
	// Delete removes the record with a ref, if there is one. It is refused when Upsert is.
	Delete(ctx context.Context, g Grant, ref, key string) (Changed, error)
	// Expire drops the sets that have been open for 24 hours and the idempotency keys of seven
	// days ago, and frees the space of replaced records. Call it once an hour.
	Expire(ctx context.Context) (Expired, error)
	// Close closes the store. No other method may run or follow.
	Close() error
}

// Grant is what a push token may change. The zero Grant allows nothing.
type Grant struct {
	// ID identifies the token in the store: who began a set, and whose idempotency keys are
	// whose. It is required and is no secret.
	ID string
	// Kinds are the kinds of records, in any case; All means every kind except people and
	// groups, which no list includes.
	Kinds []string
	// Namespaces are the namespaces of records; All means all of them. A model without
	// namespaces needs All.
	Namespaces []string
	// Identities allows full sets of people and groups, and nothing else: Kinds and Namespaces
	// must be empty.
	Identities bool
}

// All in a list of a Grant or Scope means all kinds or namespaces.
const All = "*"

// Scope is what a set replaces, within its Grant. An empty list means everything that the grant
// allows. The scope of a set of people and groups is always all of them.
type Scope struct {
	Kinds      []string `json:"kinds,omitempty"`
	Namespaces []string `json:"namespaces,omitempty"`
}

// OpenSet is a set that was begun.
type OpenSet struct {
	ID       string    `json:"id"`
	Expires  time.Time `json:"expires"`
	Replayed bool      `json:"-"`
}

// Appended is the answer to an append.
type Appended struct {
	// Append is the number of the append in its set, from 1; a *PushError about a record that is
	// in the set twice names it.
	Append int `json:"append"`
	// Records is the number of records that were added, Total the number of the set so far.
	Records  int  `json:"records"`
	Total    int  `json:"total"`
	Replayed bool `json:"-"`
}

// Committed is the answer to a commit. A run is due.
type Committed struct {
	// Generation is the number of changes of the store, including this one.
	Generation int64 `json:"generation"`
	// Records is the number of records in the scope now, Before the number before.
	Records  int  `json:"records"`
	Before   int  `json:"before"`
	Replayed bool `json:"-"`
}

// Changed is the answer to the change of one record. A run is due when Changed is true.
type Changed struct {
	Ref string `json:"ref"`
	// Changed is false when the record was already as requested.
	Changed    bool  `json:"changed"`
	Generation int64 `json:"generation"`
	Replayed   bool  `json:"-"`
}

// Expired is what Expire removed.
type Expired struct {
	Sets []string // the IDs of the sets
	Keys int      // idempotency keys
}

// PushFault is why a push was refused.
type PushFault uint8

// The faults, with the HTTP status that fits.
const (
	PushInvalid   PushFault = iota + 1 // a record or an argument is wrong: 422
	PushForbidden                      // the grant does not allow it: 403
	PushUnknown                        // there is no such open set: 404
	PushConflict                       // another change or a number is in the way: 409
	PushTooLarge                       // a limit of the pipeline file is exceeded: 413
)

// PushError is a refused push.
type PushError struct {
	Fault PushFault
	// Line is the line of the record in the body of the request, from 1; 0 when the error is not
	// about a record.
	Line   int
	Reason string
	Remedy string // "" when there is nothing to add
}

// Error returns the line and the reason.
func (e *PushError) Error() string { return lineText(e.Line) + e.Reason }

func lineText(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d: ", line)
}
