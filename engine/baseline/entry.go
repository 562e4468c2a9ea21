package baseline

import (
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
)

// Header is what is remembered of a run as a whole.
type Header struct {
	Version  int    `json:"version"`
	Place    string `json:"place"`
	Pipeline string `json:"pipeline"`
	Run      string `json:"run"`
	// Owner is the owner id of the run's uploads, "" in version 1.
	Owner    string    `json:"owner,omitempty"`
	Finished time.Time `json:"finished"`
	// Hidden are the refs that the hidden list hid, sorted. A list that lacks one of
	// them is not the list of that run or a later one.
	Hidden []string `json:"hidden,omitempty"`
	// Converted counts the good runs since the file of an earlier version was
	// converted, up to the one that removed its copy; 0 when none was.
	Converted int `json:"converted,omitempty"`
	// Fingerprint tells configurations apart.
	Fingerprint string `json:"fingerprint"`
	// Encoding tells apart how the sink makes items and what it declares of them: what was
	// encoded otherwise is sent anew, "" when that is not known.
	Encoding string `json:"encoding,omitempty"`
	// Whole is when everything was last published.
	Whole time.Time `json:"whole,omitzero"`
	// Uploaded is the last run that published whole streams, "" when that is not known.
	Uploaded string `json:"uploaded,omitempty"`
	// Interrupted means that a publish was interrupted after that.
	Interrupted bool `json:"interrupted,omitempty"`
	// Said is what the sink said, before the run, that it held of each stream.
	Said map[string]int `json:"said,omitempty"`
	// Streams and Types count the delivered items.
	Streams map[string]int            `json:"streams"`
	Types   map[string]map[string]int `json:"types,omitempty"`
	// Unconfirmed are acknowledged uploads that the sink has not listed as
	// complete yet, one a stream.
	Unconfirmed []Upload `json:"unconfirmed,omitempty"`
	// Paused are the streams whose deletion the sink has paused and that a run has
	// reported with its exit code.
	Paused []string `json:"paused,omitempty"`
}

// Entry is what is remembered of one item: what the sink was last told of it, and the
// floor that the guards compare it with.
type Entry struct {
	Stream, Ref, Kind, Type string
	// Audience is the class of who could find it, "" in streams without
	// permissions. "nobody" is an item that was not delivered.
	Audience string
	ID       uint64 // Hash of the item's ID
	// ClearID is the ID where it is not the ref; "" where it is, and in an entry of an
	// earlier version.
	ClearID string
	Content uint64 // Hash of what was sent
	// Substance is the hash of what was sent without who finds it; 0 where that is not
	// known, or is Content.
	Substance uint64
	Rule      string // that decided who finds it
	// Resolved means that it names everybody whom the rule names.
	Resolved bool
	// Told is when the sink was last told something new about it; zero in an entry of
	// an earlier version.
	Told time.Time
	// Away is when a run first did not have it any more; zero when the last good
	// run had it. It was not delivered by that, and is remembered for a while, so
	// that it is known who could find it when it comes back.
	Away time.Time
	// Delivered is the last good run that delivered it, of an entry that is away.
	Delivered time.Time
	// Covered means that an approval covered that it went.
	Covered bool
	// Leaving means that the sink was, or is to be, told to delete it, and has not
	// confirmed that it did.
	Leaving bool
	// Names are the hashes of the people and groups that it named, ascending. Of an
	// item that is counted by its principals they are the members.
	Names []uint64
	Floor Floor
	// Left are members that went in the last days.
	Left []Left
}

// Floor is what was accepted as the audience of an item (invariant 5).
type Floor struct {
	// Grant is who could find the item when it was accepted. Undecided means that it
	// is what the sink was last told.
	access.Grant
	// At is the last good run whose audience was within the floor; zero for the last
	// good run of all.
	At time.Time
	// Further is the last run that went further beyond the floor.
	Further time.Time
}

// Left is a member of a group that went.
type Left struct {
	Name uint64
	// At is the last good run that delivered it.
	At time.Time
	// Covered means that an approval covered that it went.
	Covered bool
}

// KnownID is the item's ID, "" when only its hash is known.
func (e *Entry) KnownID() string {
	if e.ClearID == "" && e.ID == codec.Hash([]byte(e.Ref)) {
		return e.Ref
	}
	return e.ClearID
}

// Accepted is the floor of the item: who may find it without counting as wider.
func (e *Entry) Accepted(now time.Time) access.Grant {
	row := previousItem{audience: access.ParseAudience(e.Audience), set: nameSets{}.of(e.Names), away: !e.Away.IsZero(),
		more: moreOf(e)}
	floor, _ := row.accepted(now)
	return floor
}
