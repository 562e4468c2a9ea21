package component

import (
	"context"
	"iter"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// FieldType is the type of a field of a stream.
type FieldType uint8

const (
	Text       FieldType = iota // a string; numbers and booleans are written as text
	TextList                    // strings; a single string is a list of one
	Seconds                     // epoch seconds, an integer
	Number                      // an integer
	RefField                    // one ref, resolved by the sink
	RefList                     // refs, resolved by the sink
	Properties                  // a map with names that the user chose
	Flag                        // true or false
	EmailField                  // one e-mail address; `mailto:` is removed
)

// FieldSpec describes a field of a stream.
type FieldSpec struct {
	Name     string
	Type     FieldType
	Required bool
	// Decides marks a field, other than refs and required fields, that decides who is who or
	// who finds an item.
	Decides bool
	// Cut bounds the value; the zero value means that it is never cut. A field that decides who
	// is who or who finds an item is never cut.
	Cut CutLimit
	Doc string
}

// Stream is one of the sets of items that a sink stores.
type Stream struct {
	Name string
	Doc  string
	// Identities marks streams of users, groups or memberships.
	Identities bool
	// Groups marks the stream of identities that holds groups; the other ones hold users.
	Groups bool
	// Permissions marks streams whose items need a permission decision (invariant 2).
	Permissions bool
	// Elsewhere is why the sink's settings exclude the stream, since the sink gets its
	// identities from another system; "" means that the stream is written. Its items are made
	// in both cases because refs are resolved with them.
	Elsewhere string
	Fields    []FieldSpec
}

// Field returns a field by name.
func (s Stream) Field(name string) (FieldSpec, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return FieldSpec{}, false
}

// Sink is the destination of items. Open is called once per run, before the source is read, and
// changes nothing in the sink.
type Sink interface {
	// Place identifies the destination, such as a server and a datasource. Runs with the same
	// place share a baseline and a lock, which lets one run at a time write there. It contains
	// no secret.
	Place() string
	// RefID returns the Encoded.ID of an item whose mapping sets id to ref.
	RefID(ref string) string
	Open(ctx context.Context, o Opening) (Session, error)
	Close() error
}

// RequestTimer is the optional capability of a sink to say how long it waits for the answer of one attempt
// of a request, and the key that sets it: a request of a program that was lost takes no longer.
type RequestTimer interface {
	RequestTime() (most time.Duration, key string)
}

// Opening is what a session needs to know about its run.
type Opening struct {
	Pipeline string
	RunID    string
	// Owner identifies the state folder of the run. It is part of upload ids.
	Owner string
	// Written reports whether this run writes a stream. The session encodes other streams only
	// as far as needed to resolve refs.
	Written func(stream string) bool
	// Ended reports whether the run with an id is known to have ended, in which case no run
	// owns its unfinished uploads.
	Ended func(runID string) bool
	// Discard are ids of unfinished uploads that the user gave up.
	Discard []string
	// Offline forbids requests to the sink (--dry-run). What such requests would return counts
	// as unknown.
	Offline bool
}

// Session is the use of a sink by one run.
type Session interface {
	// Encode returns an item in the form that is sent. A *Rejection as error rejects this item
	// only. kept is false when the session holds the item itself until Seal (identities). An
	// encoded item with audience access.Nobody is withheld. Encode is called from many goroutines.
	Encode(item *Item) (e Encoded, kept bool, err error)
	// Seal is called after all identity items and before any other item are encoded. The
	// session merges and resolves the items that it holds and passes them to out.
	Seal(ctx context.Context, out Outlet) error
	// Holds returns what the sink reports to hold before publishing. It also checks the
	// conditions for publishing; its error stops the run.
	Holds(ctx context.Context) (Holdings, error)
	// Publish sends the plan. It never ends an upload that has an unacknowledged page
	// (invariant 1). It returns nil when everything was accepted.
	Publish(ctx context.Context, plan *Plan) error
}

// Preflighter is the optional capability of a session to check the conditions for publishing
// before the source is read: the credentials, the place, and whether another run holds it. It
// changes nothing; its error stops the run.
type Preflighter interface {
	Preflight(ctx context.Context) error
}

// Identifier is the optional capability of a session to return the Encoded.ID of an item
// without encoding it; "" when the item has none.
type Identifier interface{ ID(item *Item) string }

// Outlet takes the items that a session held until Seal.
type Outlet interface {
	// Keep stages an encoded item of a stream.
	Keep(stream string, e Encoded) error
	// End records the ending of an item that Encode held and that is not kept.
	End(stream, ref string, ending Ending, reason string)
	// Note adds a sentence to the report.
	Note(format string, args ...any)
}

// Holdings is what a sink reports to hold. A stream that is missing from Streams is unknown;
// guards that compare counts skip it. Streams counts by stream in the measure of
// StreamPlan.Weight, including streams of the session's own. Types counts by stream and object
// type.
type Holdings struct {
	Streams map[string]int
	Types   map[string]map[string]int
	New     bool // the place does not exist, and the session creates it
	// Unfinished names the uploads that were begun and not ended. No changes are sent while
	// there is one.
	Unfinished []string
	// History is the sink's list of earlier uploads; nil when it does not list them.
	History *UploadHistory
	// Uploads are the uploads of streams with permissions in the sink's history, the latest
	// first.
	Uploads []Upload
	// Unsaid is why the sink does not report what it holds; nil when it does.
	Unsaid error
}

// UnsaidError is an error of Holds that concerns only the question what the sink holds.
type UnsaidError struct{ Err error }

// Error returns the message of the cause.
func (e *UnsaidError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnsaidError) Unwrap() error { return e.Err }

// Upload is an upload in a sink's history.
type Upload struct {
	Stream string
	ID     string // in a form for people
	Began  time.Time
	Owner  string // owner id in the upload's id; "" when it has none
	Run    string // run id in the upload's id; "" for an upload of another program
}

// Count returns the number of items of a stream that the sink reports.
func (h Holdings) Count(stream string) (n int, known bool) {
	n, known = h.Streams[stream]
	return n, known
}

// Plan is what publishing sends. The review makes it from the stage.
type Plan struct {
	RunID   string
	Streams []StreamPlan
	// Changes is the difference from what the sink was last sent; nil when that is unknown or
	// the session is no Changer.
	Changes *Changes
	// Only means that only Changes are sent, and not everything.
	Only bool
	// Tighten means that Changes only take items from people. The sink keeps items that it
	// cannot narrow as they are, including their content.
	Tighten bool
	// First means that a full publish starts with the steps Narrow and Cut of Changes.
	First bool
	// Stop is closed when the run is asked to stop: the current upload is completed and no
	// other one is begun.
	Stop <-chan struct{}
	// Sent reports progress: n more items of a stream were acknowledged.
	Sent func(stream string, n int)
	// Uploaded reports that the last page of the upload of a whole stream was
	// acknowledged.
	Uploaded func(stream, id string)
	// Reject records that the sink refused a staged item because of the item itself. It returns
	// an error when too many items were refused; the upload must then be left unfinished, which
	// prevents deletions.
	Reject func(stream string, e Encoded, reason string) error
	// Refused reports that the sink refused a user or group, by its principal. The sink may
	// have removed it from groups; the next run sends these groups again.
	Refused func(principal string)
	// Held reports whether the run still has its place to itself, and is nil when it always has. The
	// session calls it, through StillHeld, before each upload, before the last page and before each
	// single request; its error ends the publish, and an upload is left unfinished.
	Held func() error
	// Hidden reads the hidden list again. It returns a function that reports whether a planned
	// item was hidden since the plan was made, or nil when there is no such item. The session
	// calls Hidden before it sends items of streams with permissions, before the last page, and
	// after the upload has closed. An error means that the hidden list is unknown: the upload
	// must be left unfinished.
	Hidden func() (func(e Encoded) bool, error)
	// Withhold reports that a planned item is hidden by now and was not sent. When sent is
	// true, the item may have been sent, and was taken from everyone and deleted again.
	Withhold func(stream string, e Encoded, sent bool)
	// Note adds a sentence to the report.
	Note func(format string, args ...any)
	// Kind returns the kind of a record that was read; "" for any other ref.
	Kind func(ref string) string
}

// StillHeld calls Held.
func (p *Plan) StillHeld() error {
	if p.Held == nil {
		return nil
	}
	return p.Held()
}

// StreamPlan is one stream of a plan. Items and Content return staged items in order and can be
// ranged over more than once; Body is valid until the next item.
type StreamPlan struct {
	Name     string
	Count    int
	Weight   int // the number of items, or of their principals in a stream of the session's own
	Bytes    int64
	Types    map[string]int
	Audience map[access.Audience]int
	// Before is the number of items before this run, and Gone how many of them the run deletes;
	// 0 when unknown. Both are measured like Weight.
	Before, Gone int
	// Paused reports whether the sink has paused an earlier deletion of the stream, in which
	// case more than Gone items may be deleted.
	Paused bool
	// Cleared reports whether the guards compared the stream with known numbers or an approval
	// covers its deletions. The sink's own guard on deletion may then be lifted.
	Cleared bool
	// Own means that the stream is derived by the session, and that principals are counted
	// instead of items.
	Own bool
	// Kept is the number of items that stay in the sink although their content was not read. A
	// stream that has some must not be uploaded as a whole.
	Kept int
	// Items yields all items. When some are kept, it ends with an error instead, after which an
	// upload must be left unfinished.
	Items iter.Seq2[Encoded, error]
	// Content yields the items that are not kept.
	Content iter.Seq2[Encoded, error]
	// Ordered returns the bodies of the items that are not kept, ordered by ref and ID, an order that is the same
	// in every run of a catalog. A body is valid until the next one.
	Ordered iter.Seq2[[]byte, error]
	// Withheld returns the items that are not sent because no one may find them, with Ref, and
	// with ID where it is known.
	Withheld iter.Seq2[Encoded, error]
}

// Stream returns a stream of the plan by name; nil when it is not written.
func (p *Plan) Stream(name string) *StreamPlan {
	for i := range p.Streams {
		if p.Streams[i].Name == name {
			return &p.Streams[i]
		}
	}
	return nil
}

// String returns the upload's stream and id, and when it began.
func (u Upload) String() string {
	text := "the upload of " + u.Stream + " " + u.ID
	if !u.Began.IsZero() {
		text += ", begun " + u.Began.Local().Format("2006-01-02 15:04")
	}
	return text
}
