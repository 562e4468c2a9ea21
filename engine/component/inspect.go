package component

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// Inspector is the optional capability of a sink to tell what it holds and what has
// become of it. It changes nothing.
type Inspector interface {
	Inspect(ctx context.Context) (*Inspection, error)
	InspectItem(ctx context.Context, q ItemQuery) (*ItemInspection, error)
}

// Inspection is what a sink says of the place that it fills.
type Inspection struct {
	Place   string        `json:"place"`
	Visible string        `json:"visible"` // to whom the place is
	Streams []StreamHeld  `json:"streams"`
	Uploads []UploadState `json:"uploads"` // the last ones of each stream
	Paused  []string      `json:"paused"`  // streams whose deletion is paused
	Pending []string      `json:"pending"` // streams that are not processed yet
	Shows   string        `json:"shows"`   // when what was sent is found, in a sentence
	Types   []TypeHeld    `json:"types"`
	// History is what the sink lists of whole uploads; nil when it does not say.
	History *UploadHistory `json:"-"`
}

// StreamHeld is how many items of a stream a sink says it holds.
type StreamHeld struct {
	Stream   string `json:"stream"`
	Uploaded *int   `json:"uploaded"` // nil: not known
	Indexed  *int   `json:"indexed"`
}

// TypeHeld is StreamHeld for an object type.
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

// ItemQuery is what is asked about one record's item.
type ItemQuery struct {
	ID    string
	Types []string // that it is known to have had
	// Person is the e-mail of somebody who is to find it, or "".
	Person string
	// Selection is what the pipeline would send now, nil when that is not known.
	Selection *Selection
}

// ItemInspection is what a sink says of one item.
type ItemInspection struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Uploaded and Indexed are yes, no or unknown.
	Uploaded   string    `json:"uploaded"`
	UploadedAt time.Time `json:"uploadedAt,omitzero"`
	Indexed    string    `json:"indexed"`
	IndexedAt  time.Time `json:"indexedAt,omitzero"`
	// Principals tells whether the sink knows all that the permissions name.
	Principals string `json:"principals"`
	// Audience and Named are the permissions as the sink has them, in the words of
	// Encoded.
	Audience access.Audience `json:"-"`
	Named    []string        `json:"named"`
	// Planned is whom the selection's item would name, in the same words.
	Planned []string      `json:"-"`
	Events  []ItemEvent   `json:"events"`
	Access  *AccessAnswer `json:"access,omitempty"`
	Notes   []string      `json:"notes"`
}

// ItemEvent is something that happened to an item.
type ItemEvent struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// AccessAnswer is whether somebody finds an item, and why not.
type AccessAnswer struct {
	Person  string   `json:"person"`
	Has     bool     `json:"has"`
	Reasons []string `json:"reasons"` // the likeliest first, when not
}
