package baseline

import (
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
)

// Header is the part of the baseline about the run as a whole.
type Header struct {
	Version  int    `json:"version"`
	Place    string `json:"place"`
	Pipeline string `json:"pipeline"`
	Run      string `json:"run"`
	// Owner is the owner id of the run's uploads; "" in version 1.
	Owner    string    `json:"owner,omitempty"`
	Finished time.Time `json:"finished"`
	// Hidden are the refs that the hidden list hid, sorted. A list that lacks one of them is
	// not the list of that run or a later one.
	Hidden []string `json:"hidden,omitempty"`
	// Converted is the number of good runs since the file of an earlier version was converted,
	// until its copy is removed; 0 when there was no conversion.
	Converted int `json:"converted,omitempty"`
	// Fingerprint identifies the configuration.
	Fingerprint string `json:"fingerprint"`
	// Encoding identifies how the sink encoded and declared items; "" when unknown. When it
	// differs, everything is sent anew.
	Encoding string `json:"encoding,omitempty"`
	// Whole is when everything was last published.
	Whole time.Time `json:"whole,omitzero"`
	// Uploaded is the last run that published whole streams; "" when unknown.
	Uploaded string `json:"uploaded,omitempty"`
	// Interrupted means that a publish was interrupted after that.
	Interrupted bool `json:"interrupted,omitempty"`
	// Said is the number of items of each stream that the sink reported before the run.
	Said map[string]int `json:"said,omitempty"`
	// Streams and Types are the numbers of delivered items.
	Streams map[string]int            `json:"streams"`
	Types   map[string]map[string]int `json:"types,omitempty"`
	// Unconfirmed are acknowledged uploads that the sink has not listed as complete yet, at
	// most one per stream.
	Unconfirmed []Upload `json:"unconfirmed,omitempty"`
	// Paused are the streams whose deletion the sink has paused and that a run has reported
	// with its exit code.
	Paused []string `json:"paused,omitempty"`
}

// Entry is the record of one item: what was last sent, and the floor that the guards compare
// with.
type Entry struct {
	Stream, Ref, Kind, Type string
	// Audience is the class of who could find the item; "" in streams without permissions.
	// "nobody" means that the item was not delivered.
	Audience string
	ID       uint64 // Hash of the item's ID
	// ClearID is the ID when it differs from the ref; "" when it does not, and in an entry of
	// an earlier version.
	ClearID string
	Content uint64 // Hash of Encoded.Body
	// Substance is the hash of the body without its permissions; 0 when unknown or equal to
	// Content.
	Substance uint64
	Rule      string // the permission rule that decided
	// Resolved means that the item names every principal of its permission decision.
	Resolved bool
	// Told is when something new about the item was last sent; zero in an entry of an earlier
	// version.
	Told time.Time
	// Away is when a run first lacked the item; zero when the last good run had it. The entry
	// is kept for a while to know the item's audience when it returns.
	Away time.Time
	// Delivered is the last good run that delivered an item that is away.
	Delivered time.Time
	// Covered means that an approval covered the deletion.
	Covered bool
	// Leaving means that the deletion of the item was or will be requested, and that the sink
	// has not confirmed it.
	Leaving bool
	// Names are the sorted hashes of the users and groups that the item named, or of the
	// members of a group.
	Names []uint64
	Floor Floor
	// Left are members that left the group in the last days.
	Left []Left
}

// Floor is the accepted audience of an item (invariant 5).
type Floor struct {
	// Grant is who could find the item when it was accepted. Undecided means that the audience
	// that was last sent is accepted.
	access.Grant
	// At is the last good run whose audience was within the floor; zero means the last good
	// run.
	At time.Time
	// Further is the last run that went further beyond the floor.
	Further time.Time
}

// Left is a member who left a group.
type Left struct {
	Name uint64
	// At is the last good run that delivered the member.
	At time.Time
	// Covered means that an approval covered the removal.
	Covered bool
}

// KnownID returns the item's ID; "" when only its hash is known.
func (e *Entry) KnownID() string {
	if e.ClearID == "" && e.ID == codec.Hash([]byte(e.Ref)) {
		return e.Ref
	}
	return e.ClearID
}

// Accepted returns the floor of the item: who may find it without counting as wider.
func (e *Entry) Accepted(now time.Time) access.Grant {
	row := previousItem{audience: access.ParseAudience(e.Audience), set: nameSets{}.of(e.Names), away: !e.Away.IsZero(),
		more: moreOf(e)}
	floor, _ := row.accepted(now)
	return floor
}
