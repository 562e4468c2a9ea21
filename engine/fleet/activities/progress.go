package activities

import (
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/run"
)

// The acts of a heartbeat.
const (
	actOpen    = "open"
	actRead    = "read"
	actPublish = "publish"
	actConfirm = "confirm"
)

// tracker keeps the progress of a run for its heartbeats.
type tracker struct {
	mu  sync.Mutex
	now workflows.Beat
}

var _ run.Progress = (*tracker)(nil)

func (t *tracker) beat() workflows.Beat {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// Read implements run.Progress.
func (t *tracker) Read(kinds []read.KindRead) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Act, t.now.Read = actRead, 0
	for _, k := range kinds {
		t.now.Read += k.Read
	}
}

// Reviewed implements run.Progress.
func (t *tracker) Reviewed(streams []component.StreamPlan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Act = actPublish
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
func (t *tracker) Waiting([]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Act = actConfirm
}
