package cli

import (
	"io"
	"sync"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/redact"
)

// writer receives all output of the program (invariant 6). Secrets have types that do not
// print, and printed values are escaped; writer is the last line of defence: it removes
// secrets that come back from outside, such as in an answer that repeats the token, and
// escapes the same characters as display.Writer.
type writer struct {
	behind io.Writer
	mu     sync.Mutex
	clean  *redact.Stream
	wrap   *display.Wrapper
	secret *redact.Redactor
	escape *display.Writer
	target *target
}

// target is where a writer writes: to its output, or temporarily elsewhere.
type target struct{ io.Writer }

// newWriter returns a writer whose lines fit the terminal, or have at most otherwise columns
// if behind is not a terminal.
func newWriter(behind io.Writer, secrets *redact.Redactor, otherwise int) *writer {
	t := &target{behind}
	w := &writer{behind: behind, secret: secrets, escape: display.NewWriter(t), target: t}
	w.wrap = display.NewWrapper(w.escape, func() int { return columns(behind, otherwise) }, unbroken)
	w.clean = secrets.Stream(w.wrap)
	return w
}

// width is how many columns a line has.
func (w *writer) width() int { return w.wrap.Width() }

// whole returns a writer that does not break lines, for logs and other output for programs.
func (w *writer) whole() io.Writer { return wholeWriter{w} }

type wholeWriter struct{ w io.Writer }

func (w wholeWriter) Write(p []byte) (int, error) {
	_, err := display.Fprint(w.w, display.Block(display.Whole(string(p))))
	return len(p), err
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
	w.wrap.Flush()
	w.escape.Flush()
}

// Annotate writes an annotation without secrets, on a line of its own.
func (w *writer) Annotate(a display.Annotation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clean.Flush()
	w.wrap.Flush()
	a.File, a.Title, a.Message = w.secret.Clean(a.File), w.secret.Clean(a.Title), w.secret.Clean(a.Message)
	w.escape.Annotate(a)
}

// Err returns the first error of the output.
func (w *writer) Err() error { return w.escape.Err() }

// flush writes what an output has buffered.
func flush(w io.Writer) {
	if out, ok := w.(*writer); ok {
		out.Flush()
	}
}
