package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/display"
)

// consoleHandler writes log records as lines for people: the message, and its attributes below the
// level of a warning or when it writes the log of a server.
type consoleHandler struct {
	mu    sync.Mutex
	out   io.Writer
	level slog.Level
	// ofServer also writes the attributes of warnings and errors: they say which of several
	// pipelines and runs a line is about, and the server prints its errors nowhere else.
	ofServer bool

	attrs []slog.Attr
	root  *consoleHandler // whose mu counts, nil for itself
}

var _ slog.Handler = (*consoleHandler)(nil)

// Enabled reports whether records of a level are written.
func (h *consoleHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle writes one record.
func (h *consoleHandler) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	if r.Level < slog.LevelWarn || h.ofServer {
		add := func(attr slog.Attr) bool {
			line += fmt.Sprintf(" %s=%v", attr.Key, bounded(nil, attr).Value)
			return true
		}
		for _, attr := range h.attrs {
			add(attr)
		}
		r.Attrs(add)
	}
	if r.Level < slog.LevelWarn {
		line = strings.ToLower(r.Level.String()) + ": " + line
	} else {
		line = "! " + line
	}
	root := h
	if h.root != nil {
		root = h.root
	}
	root.mu.Lock()
	defer root.mu.Unlock()
	display.Fprintf(h.out, "%s\n", line)
	return nil
}

// WithAttrs returns a handler that adds attributes to each record.
func (h *consoleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	root := h.root
	if root == nil {
		root = h
	}
	return &consoleHandler{out: h.out, level: h.level, ofServer: h.ofServer, attrs: slices.Concat(h.attrs, attrs),
		root: root}
}

// WithGroup returns the handler itself: lines for people have no groups.
func (h *consoleHandler) WithGroup(string) slog.Handler { return h }
