package baseline

import (
	"time"
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
	// Fingerprint tells configurations apart.
	Fingerprint string `json:"fingerprint"`
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

// Entry is what is remembered of one item.
type Entry struct {
	Stream, Ref, Kind, Type string
	// Audience is the class of who could find it, "" in streams without
	// permissions. "nobody" is an item that was not delivered.
	Audience string
	ID       uint64 // Hash of the item's ID
	Content  uint64 // Hash of what was sent
	// Away is when a run first did not have it any more; zero when the last good
	// run had it. It was not delivered by that, and is remembered for a while, so
	// that it is known who could find it when it comes back.
	Away time.Time
	// Names are the hashes of the people and groups that it named, ascending.
	Names []uint64
}
