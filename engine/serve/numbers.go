package serve

import (
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// Numbers are what a run did, without the name of any record: everybody who may see that there
// was a run may see them.
type Numbers struct {
	Read    int                      `json:"read"`
	Endings map[component.Ending]int `json:"endings"`
	Sent    bool                     `json:"sent"`
	Streams []StreamNumbers          `json:"streams"`
	// Documents counts the documents by who finds them, and Before those of the last good run.
	Documents map[access.Audience]int `json:"documents"`
	Before    map[access.Audience]int `json:"documents_before,omitempty"`
	Rules     map[string]int          `json:"rules"`
	Wider     int                     `json:"wider"` // documents with a wider audience
	Seconds   run.ActSeconds          `json:"seconds"`
}

// StreamNumbers are what a run did with a stream.
type StreamNumbers struct {
	Name    string `json:"name"`
	Items   int    `json:"items"`
	Added   int    `json:"added"`
	Changed int    `json:"changed"`
	Removed int    `json:"removed"`
}

// NumbersOf returns the numbers of a run with its record; nil when it did not begin.
func NumbersOf(r *history.Run) *Numbers {
	if r.Record == nil || r.Record.Report == nil {
		return nil
	}
	report := r.Record.Report
	n := &Numbers{Read: report.Read, Endings: report.Endings, Sent: report.Sent, Documents: report.Audience,
		Rules: report.Rules, Seconds: report.Seconds, Streams: []StreamNumbers{}}
	if report.Since != nil {
		n.Before, n.Wider = report.Since.Audience, report.Since.Wider
	}
	for _, s := range report.Streams {
		if !s.Written {
			continue
		}
		one := StreamNumbers{Name: s.Name, Items: s.Staged}
		if s.Changes != nil {
			one.Added, one.Changed, one.Removed = s.Changes.Added, s.Changes.Changed, s.Changes.Gone
		}
		n.Streams = append(n.Streams, one)
	}
	return n
}
