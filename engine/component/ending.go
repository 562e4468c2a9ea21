package component

import (
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Ending is how a record or an item ends; each ends in exactly one way (invariant 3). The
// ending of a record with several items is the greatest of theirs, in the order of the
// constants.
type Ending uint8

const (
	Pending   Ending = iota // not ended yet; never in a finished report
	Filtered                // by a named filter, a plugin's drop, or a named omission
	Merged                  // into another item
	Withheld                // no one may find it
	Kept                    // not read: it stays in the sink as it is, with the permissions of its host
	Delivered               // sent; in a dry run: would be sent
	Rejected                // with stage, field and reason
)

// Endings lists all endings in the order of reports.
var Endings = [...]Ending{Delivered, Kept, Merged, Filtered, Withheld, Rejected}

// String returns the word for the ending in reports.
func (e Ending) String() string {
	return endingNames[e]
}

var endingNames = [...]string{"pending", "filtered", "merged", "withheld", "kept", "delivered", "rejected"}

// MarshalText returns the word for the ending, which makes it usable as a key of a JSON object.
func (e Ending) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText returns.
func (e *Ending) UnmarshalText(text []byte) error {
	i := slices.Index(endingNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is not an ending of a record", text)
	}
	*e = Ending(i)
	return nil
}

// DeadLetter describes a rejected record without its content.
type DeadLetter struct {
	Ref    string      `json:"ref"`
	Stage  fault.Stage `json:"stage"`
	Field  string      `json:"field,omitempty"`
	Reason string      `json:"reason"`
}
