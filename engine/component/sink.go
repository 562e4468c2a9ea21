package component

import (
	"context"
	"iter"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// FieldType is what a field of a stream takes.
type FieldType uint8

const (
	Text       FieldType = iota // a string; numbers and booleans are written as text
	TextList                    // strings; one string is a list of one
	Seconds                     // epoch seconds, an integer
	Number                      // an integer
	RefField                    // one ref, resolved by the sink
	RefList                     // refs, resolved by the sink
	Properties                  // a map of names the user chose
	Flag                        // true or false
	EmailField                  // one e-mail address; `mailto:` is taken off
)

// FieldSpec is one field that a stream takes.
type FieldSpec struct {
	Name     string
	Type     FieldType
	Required bool
	// Decides marks a field beside refs and required ones by which it is decided
	// who is who, or who finds anything.
	Decides bool
	// Cut bounds a value that may be cut; the zero value is one that never is.
	// What decides who is who, or who may find something, is never cut.
	Cut CutLimit
	Doc string
}

// Stream is one of the sets that a sink stores.
type Stream struct {
	Name string
	Doc  string
	// Identities marks streams that hold who may see things.
	Identities bool
	// Groups marks the stream of identities that holds groups; the others hold users.
	Groups bool
	// Permissions marks streams whose items need a decision (invariant 2).
	Permissions bool
	// Elsewhere tells why the sink's settings want none of it: who may see things
	// is known to the sink from elsewhere. Its items are made all the same, since
	// refs are resolved by them. "" means that it is written.
	Elsewhere string
	Fields    []FieldSpec
}

// Field finds a field by name.
func (s Stream) Field(name string) (FieldSpec, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return FieldSpec{}, false
}

// Sink is where items go. Open is called once per run, before anything is
// read; it sends nothing that changes the sink.
type Sink interface {
	// Place names what it writes to, such as a server and a datasource: what two
	// runs remember of one place is about the same items, and one run at a time
	// writes to it. It holds no secret.
	Place() string
	// RefID returns the Encoded.ID of an item whose mapping sets its id to a ref.
	RefID(ref string) string
	Open(ctx context.Context, o Opening) (Session, error)
	Close() error
}

// Opening is what a session is told about its run.
type Opening struct {
	Pipeline string
	RunID    string
	// Owner identifies the state folder of the run; it is part of the ids of uploads.
	Owner string
	// Written are the streams that this run writes; the others are encoded
	// only as far as resolving needs it.
	Written func(stream string) bool
	// Ended tells of a run, by its id, that it is known to have ended: what it
	// left unfinished belongs to nobody.
	Ended func(runID string) bool
	// Discard are ids of unfinished uploads that a person has given up.
	Discard []string
	// Offline means that the sink must not be asked for anything (--dry-run):
	// what it would have been asked for counts as unknown.
	Offline bool
}

// Session is one run's use of a sink.
type Session interface {
	// Encode turns an item into what will be sent. A *Rejection as error ends
	// the item alone. kept false means that the session holds the item itself
	// until Seal (identities). An encoded item with audience Nobody is withheld.
	// Encode is called from many goroutines.
	Encode(item *Item) (e Encoded, kept bool, err error)
	// Seal is called when every identity item has been encoded, and before any
	// other item is: the session merges and resolves them and hands out what
	// it held.
	Seal(ctx context.Context, out Outlet) error
	// Holds is what the sink says it holds now, before publishing. It checks
	// what publishing depends on, too, and its error stops the run.
	Holds(ctx context.Context) (Holdings, error)
	// Publish sends the plan. It never ends an upload of which a page was not
	// acknowledged (invariant 1). It returns nil when everything was accepted.
	Publish(ctx context.Context, plan *Plan) error
}

// Preflighter is the optional capability of a session to check, before the source is
// read, what publishing depends on: the credentials, the place and whether another
// run holds it. It changes nothing, and its error stops the run.
type Preflighter interface {
	Preflight(ctx context.Context) error
}

// Identifier is the optional capability of a session to tell the Encoded.ID that an
// item would have, without encoding it; "" when it has none.
type Identifier interface{ ID(item *Item) string }

// Outlet takes what a session held until Seal.
type Outlet interface {
	// Keep stages an encoded item of a stream.
	Keep(stream string, e Encoded) error
	// End tells how an item that Encode held ended, when it is not kept.
	End(stream, ref string, ending Ending, reason string)
	// Note adds a sentence to the report.
	Note(format string, args ...any)
}

// Holdings is what a sink says it holds. A stream that is not in Streams is not
// known, and the guards that compare pass it over. Counts are per stream, also
// of those that a session stages of its own, in the measure of
// StreamPlan.Weight; and per object type of a stream.
type Holdings struct {
	Streams map[string]int
	Types   map[string]map[string]int
	New     bool // the place is not there, and the session sets it up
	// Unfinished names the uploads that were begun and not ended: beside one nothing is
	// changed.
	Unfinished []string
	// History is what the sink lists of earlier uploads; nil when it does not say.
	History *UploadHistory
	// Uploads are those of the streams with permissions that the sink's history
	// lists, the last one first.
	Uploads []Upload
	// Unsaid is why the sink does not say what it holds; nil when it does.
	Unsaid error
}

// UnsaidError is an error of Holds that is about the question what the sink holds
// alone.
type UnsaidError struct{ Err error }

// Error is the text of the wrapped error.
func (e *UnsaidError) Error() string { return e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *UnsaidError) Unwrap() error { return e.Err }

// Upload is one that a sink's history lists.
type Upload struct {
	Stream string
	ID     string // as people may read it
	Began  time.Time
	Owner  string // the owner id that the upload's id carries, "" for none
	Run    string // the run id that it carries, "" for an upload of another program
}

// Count is how many items of a stream the sink says it holds.
func (h Holdings) Count(stream string) (n int, known bool) {
	n, known = h.Streams[stream]
	return n, known
}

// Plan is what review made of the stage: what publishing will send.
type Plan struct {
	RunID   string
	Streams []StreamPlan
	// Changes are what differs from what the sink was last told; nil when that is not
	// known, or when the session is no Changer.
	Changes *Changes
	// Only means that Changes alone are sent; otherwise everything is.
	Only bool
	// Tighten means that Changes take items from people and do nothing else: what the sink
	// cannot narrow it keeps as it is, with its content.
	Tighten bool
	// First means that, of everything, the steps Narrow and Cut of Changes go first.
	First bool
	// Stop is closed when the run was asked to stop: the upload that is under
	// way is ended, no other one is begun.
	Stop <-chan struct{}
	// Sent tells progress: n more items of a stream were acknowledged.
	Sent func(stream string, n int)
	// Uploaded reports that the last page of the upload of a whole stream was
	// acknowledged.
	Uploaded func(stream, id string)
	// Reject tells that the sink refused one staged item for its own sake. Its
	// error says that too much was refused: the upload must be left unfinished,
	// so that nothing goes for it.
	Reject func(stream string, e Encoded, reason string) error
	// Refused reports a person or group that the sink refused, by the principal that
	// others name it by. The sink may have dropped it from groups; the next run sends
	// the groups again that have it.
	Refused func(principal string)
	// Hidden reads again what people have hidden. The function that it returns
	// reports whether a planned item was hidden since the plan was made; it is nil
	// when none was. The session asks before it sends items of streams with
	// permissions, before the last page, and when the upload has closed. An error
	// means that it is not known what is hidden: the upload must be left unfinished.
	Hidden func() (func(e Encoded) bool, error)
	// Withhold reports that a planned item is hidden by now and was not sent; or,
	// when it may have been sent, that it was taken from everyone and deleted again.
	Withhold func(stream string, e Encoded, sent bool)
	// Note adds a sentence to the report.
	Note func(format string, args ...any)
	// Kind is that of a record that was read, "" of any other.
	Kind func(ref string) string
}

// StreamPlan is one stream of a plan. Items gives the staged items in order
// and can be ranged over more than once; Body is valid until the next item.
type StreamPlan struct {
	Name     string
	Count    int
	Weight   int // its items, or their principals in a stream of the session's own
	Bytes    int64
	Types    map[string]int
	Audience map[access.Audience]int
	// Before is how many items were there before, and Gone how many of them will
	// go; 0 where it is not known. They are counted like Weight.
	Before, Gone int
	// Paused reports that the sink has paused an earlier deletion of the stream: more
	// than Gone may go.
	Paused bool
	// Cleared tells that the guards have compared the stream with known numbers,
	// or that a person has approved what goes: the sink's own guard on deletion
	// may be lifted.
	Cleared bool
	// Own means that the stream is the session's own, and that principals
	// are counted instead of items.
	Own   bool
	Items iter.Seq2[Encoded, error]
	// Ordered gives the bodies of the items in the order of their refs and IDs, which is
	// the same in every run of a catalog. A body is valid until the next.
	Ordered iter.Seq2[[]byte, error]
	// Withheld gives what is not sent, since nobody may find it: the ref, and the ID where
	// it is known.
	Withheld iter.Seq2[Encoded, error]
}

// Stream finds a stream of the plan by name; nil when it is not written.
func (p *Plan) Stream(name string) *StreamPlan {
	for i := range p.Streams {
		if p.Streams[i].Name == name {
			return &p.Streams[i]
		}
	}
	return nil
}

// String names the upload and when it began.
func (u Upload) String() string {
	text := "the upload of " + u.Stream + " " + u.ID
	if !u.Began.IsZero() {
		text += ", begun " + u.Began.Local().Format("2006-01-02 15:04")
	}
	return text
}
