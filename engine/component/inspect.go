package component

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// Inspector is the optional capability of a sink to report what it holds and how far it has
// processed it. It changes nothing.
type Inspector interface {
	Inspect(ctx context.Context) (*Inspection, error)
	InspectItem(ctx context.Context, q ItemQuery) (*ItemInspection, error)
}

// Inspection is what a sink reports about its place.
type Inspection struct {
	Place   string        `json:"place"`
	Visible string        `json:"visible"` // who can see the place
	Streams []StreamHeld  `json:"streams"`
	Uploads []UploadState `json:"uploads"` // the latest of each stream
	Paused  []string      `json:"paused"`  // streams whose deletion is paused
	Pending []string      `json:"pending"` // streams that are not processed yet
	Shows   string        `json:"shows"`   // when sent items can be found, in a sentence
	Types   []TypeHeld    `json:"types"`
	// History is the sink's list of whole uploads; nil when it does not list them.
	History *UploadHistory `json:"-"`
}

// StreamHeld is the number of items of a stream that a sink reports.
type StreamHeld struct {
	Stream   string `json:"stream"`
	Uploaded *int   `json:"uploaded"` // nil: not known
	Indexed  *int   `json:"indexed"`
}

// TypeHeld is the number of items of an object type that a sink reports.
type TypeHeld struct {
	Type     string `json:"type"`
	Uploaded *int   `json:"uploaded"`
	Indexed  *int   `json:"indexed"`
}

// UploadState is one upload of a stream.
type UploadState struct {
	Stream string    `json:"stream"`
	ID     string    `json:"id"`
	Owner  string    `json:"owner,omitempty"` // the owner id that ID carries
	Run    string    `json:"run,omitempty"`   // the run id that ID carries, "" for another program
	State  string    `json:"state"`
	Began  time.Time `json:"began,omitzero"`
	Ended  time.Time `json:"ended,omitzero"`
}

// ItemQuery asks about the item of one record.
type ItemQuery struct {
	ID    string
	Types []string // types that the item is known to have had
	// Person is the e-mail of a person to check access for, or "".
	Person string
	// Selection is what the pipeline would send now, nil when that is not known.
	Selection *Selection
}

// ItemInspection is what a sink reports about one item.
type ItemInspection struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Uploaded and Indexed are yes, no or unknown.
	Uploaded   string    `json:"uploaded"`
	UploadedAt time.Time `json:"uploadedAt,omitzero"`
	Indexed    string    `json:"indexed"`
	IndexedAt  time.Time `json:"indexedAt,omitzero"`
	// Principals says whether the sink knows all principals of the permissions: yes, no or
	// unknown.
	Principals string `json:"principals"`
	// Audience and Named are the permissions that the sink holds, in the words of Encoded.
	Audience access.Audience `json:"-"`
	Named    []string        `json:"named"`
	// Planned are the principals of the selection's item, in the words of Encoded.
	Planned []string      `json:"-"`
	Events  []ItemEvent   `json:"events"`
	Access  *AccessAnswer `json:"access,omitempty"`
	Notes   []string      `json:"notes"`
}

// ItemEvent is an event in the history of an item.
type ItemEvent struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// AccessAnswer says whether a person can find an item, and if not, why.
type AccessAnswer struct {
	Person  string   `json:"person"`
	Has     bool     `json:"has"`
	Reasons []string `json:"reasons"` // if Has is false: the likeliest first
}
