package serve

import (
	"slices"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/run"
)

// Progress is how far a run is.
type Progress struct {
	Read     int            `json:"read"`
	ToSend   int            `json:"to_send"` // 0 before the review
	Sent     int            `json:"sent"`
	Waiting  []string       `json:"waiting,omitempty"` // streams that the sink has yet to process
	Reviewed bool           `json:"reviewed"`
	Kinds    map[string]int `json:"kinds"`
}

// tracker keeps the progress of a run.
type tracker struct {
	mu  sync.Mutex
	now Progress
}

var _ run.Progress = (*tracker)(nil)

func (t *tracker) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// Read implements run.Progress.
func (t *tracker) Read(kinds []read.KindRead) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Read, t.now.Kinds = 0, map[string]int{}
	for _, k := range kinds {
		t.now.Read += k.Read
		t.now.Kinds[k.Kind] += k.Read
	}
}

// Reviewed implements run.Progress.
func (t *tracker) Reviewed(streams []component.StreamPlan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Reviewed = true
	for _, s := range streams {
		t.now.ToSend += s.Count
	}
}

// Sent implements run.Progress.
func (t *tracker) Sent(_ string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Sent += n
}

// Waiting implements run.Progress.
func (t *tracker) Waiting(pending []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Waiting = slices.Clone(pending)
}
