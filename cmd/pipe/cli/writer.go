package cli

import (
	"io"
	"sync"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
)

// writer is where all output of the program goes (invariant 6). Secrets have
// types that do not print, and printed values are escaped; writer is the net
// below: it takes out the secrets that come back from outside, such as in an
// answer that repeats the token, and escapes what display.Writer does.
type writer struct {
	behind io.Writer
	mu     sync.Mutex
	clean  *connection.Stream
	escape *display.Writer
	target *target
}

// target is where a writer writes: to its output, or temporarily elsewhere.
type target struct{ io.Writer }

func newWriter(behind io.Writer, secrets *connection.Redactor) *writer {
	t := &target{behind}
	escape := display.NewWriter(t)
	return &writer{behind: behind, clean: secrets.Stream(escape), escape: escape, target: t}
}

// divert sends later writes elsewhere, or with nil to the output again.
func (w *writer) divert(to io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if to == nil {
		to = w.behind
	}
	w.target.Writer = to
}

// Write writes p without secrets. It keeps an incomplete line for the next call. It never
// fails, so a full disk does not stop a run in the middle; Err returns the error at the end.
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

// Err returns the first error of the output.
func (w *writer) Err() error { return w.escape.Err() }

// flush writes what an output has buffered.
func flush(w io.Writer) {
	if out, ok := w.(*writer); ok {
		out.Flush()
	}
}
