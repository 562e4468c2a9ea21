package serve_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
)

// TestWaitingIsReadOnce: however many ask for the refusal that waits, its file is read once, and
// its changes only for who asks for them.
func TestWaitingIsReadOnce(t *testing.T) {
	w := newWorld(t, "")
	p := w.Start()
	w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	w.Write(30, 10)
	refused := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	if refused.Refusal == "" {
		t.Fatalf("the run is not refused: %+v", refused)
	}
	var mu sync.Mutex
	read := map[*baseline.Summary]int{}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			waiting, err := p.Waiting(t.Context())
			if err != nil || waiting == nil {
				t.Errorf("%+v, %v", waiting, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			read[waiting.Refusal]++
		})
	}
	wg.Wait()
	if len(read) != 1 {
		t.Errorf("the refusal was read %d times", len(read))
	}
	waiting, err := p.Waiting(t.Context())
	if err != nil || waiting.Refusal.Changes != nil || len(waiting.Refusal.Counts) == 0 {
		t.Fatalf("%+v, %v", waiting, err)
	}
	changes, err := p.Changes(waiting)
	if err != nil || fault.Digest(changes) != refused.Refusal {
		t.Errorf("%d changes, %v", len(changes), err)
	}
	again := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI}) // writes the file again
	later, err := p.Waiting(t.Context())
	if err != nil || later.Refusal == waiting.Refusal || later.Refusal.Run != again.ID {
		t.Errorf("after the next run: %+v, %v", later, err)
	}
	files, err := filepath.Glob(filepath.Join(w.Server.State(), "*.refusal-"+refused.Refusal))
	if err != nil || len(files) != 1 || os.Remove(files[0]) != nil {
		t.Fatal(files, err)
	}
	if gone, err := p.Waiting(t.Context()); err != nil || gone != nil {
		t.Errorf("without its file: %+v, %v", gone, err)
	}
}
