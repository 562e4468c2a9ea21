package cli

import (
	"io"
	"sync"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/redact"
)

// writer is where all output of the program goes (invariant 6). Secrets have
// types that do not print, and printed values are escaped; writer is the net
// below: it takes out the secrets that come back from outside, such as in an
// answer that repeats the token, and escapes what display.Writer does.
type writer struct {
	behind io.Writer
	mu     sync.Mutex
	clean  *redact.Stream
	escape *display.Writer
	target *target
}

// target is where a writer writes: to what is behind it, or to something that was put
// there for a while.
type target struct{ io.Writer }

func newWriter(behind io.Writer, secrets *redact.Redactor) *writer {
	t := &target{behind}
	escape := display.NewWriter(t)
	return &writer{behind: behind, clean: secrets.Stream(escape), escape: escape, target: t}
}

// divert sends what is written from now on elsewhere, with nil to what is behind the
// writer again.
func (w *writer) divert(to io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if to == nil {
		to = w.behind
	}
	w.target.Writer = to
}

// Write writes p without secrets. It keeps a line that has not ended for the
// next call. It never fails, so that output that cannot be written does not stop
// a run in the middle; Err has the error for the end.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clean.Write(p)
	return len(p), nil
}

// Flush writes what Write has kept. A prompt needs it, and the end.
func (w *writer) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clean.Flush()
	w.escape.Flush()
}

// Err is the first error of what is behind the writer.
func (w *writer) Err() error { return w.escape.Err() }

// flush writes what an output has kept.
func flush(w io.Writer) {
	if out, ok := w.(*writer); ok {
		out.Flush()
	}
}
