package component

import "github.com/pipe-engine/pipe/engine/fault"

// Ending is the one way in which a record or an item ends (invariant 3). A
// record with several items ends like the gravest of them, in this order.
type Ending uint8

const (
	Pending   Ending = iota // not ended yet; never in a finished report
	Filtered                // by a named filter, a plugin's drop, or a named omission
	Merged                  // into another item
	Withheld                // nobody may find it
	Delivered               // sent, or about to be when the run is dry
	Rejected                // with stage, field and reason
)

// Endings is every way to end, as reports list them.
var Endings = [...]Ending{Delivered, Merged, Filtered, Withheld, Rejected}

// String is the ending's word in reports.
func (e Ending) String() string {
	return [...]string{"pending", "filtered", "merged", "withheld", "delivered", "rejected"}[e]
}

// MarshalText lets a map of endings be a JSON object with their words.
func (e Ending) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// DeadLetter is a rejected record: never its content.
type DeadLetter struct {
	Ref    string      `json:"ref"`
	Stage  fault.Stage `json:"stage"`
	Field  string      `json:"field,omitempty"`
	Reason string      `json:"reason"`
}
