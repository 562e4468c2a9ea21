package output

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
)

const (
	longestLine = 4 << 10 // of a line; the rest is left out
	tailLines   = 20
	tailWidth   = 400
)

// Log writes the output of a plugin to pipe's log and keeps the last lines for an error. It
// may be used by several goroutines.
type Log struct {
	clean func(string) string // redacts secrets

	mu    sync.Mutex
	log   *slog.Logger
	limit limiter
	tail  []string
}

// New returns a Log which writes to log what clean has redacted.
func New(log *slog.Logger, clean func(string) string) *Log {
	return &Log{log: log, clean: clean, limit: limiter{now: time.Now}}
}

// Rename replaces the logger, once the plugin's name is known.
func (l *Log) Rename(log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = log
}

// Begin forgets the lines of an earlier process.
func (l *Log) Begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = nil
}

// Last returns the last lines that were printed.
func (l *Log) Last() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tail)
}

func (l *Log) line(b []byte) {
	level, message, attrs := parseLine(b)
	message = l.clean(message)
	if strings.TrimSpace(message) == "" {
		return
	}
	for i, a := range attrs {
		if text, ok := a.(string); ok {
			attrs[i] = l.clean(display.Lines(text))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.print(level, message, attrs)
	if level < slog.LevelInfo {
		return
	}
	if len(l.tail) == tailLines {
		l.tail = slices.Delete(l.tail, 0, 1)
	}
	l.tail = append(l.tail, display.Short(message, tailWidth))
}

// print logs a line, as long as there are not too many.
func (l *Log) print(level slog.Level, message string, attrs []any) {
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	ok, dropped := l.limit.take()
	l.report(dropped)
	if !ok {
		return
	}
	if len(attrs) > 0 { // in a group: none can replace an attribute of pipe
		attrs = []any{slog.Group("fields", attrs...)}
	}
	l.log.Log(context.Background(), level, message, attrs...)
}

// report logs how many lines were left out.
func (l *Log) report(dropped int) {
	if dropped > 0 {
		l.log.Warn("the plugin printed too many lines; some were left out", "lines", dropped, "limit",
			fmt.Sprintf("%d lines a second", maxLines))
	}
}

// Failed logs that the plugin's output is no longer read.
func (l *Log) Failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log.Error("further output of the plugin is not logged", "error", err)
}

// Settle reports the lines that were left out, when the plugin ends.
func (l *Log) Settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report(l.limit.settle())
}

// parseLine parses a JSON line of hclog or slog; any other line is the message.
func parseLine(b []byte) (level slog.Level, message string, attrs []any) {
	level, message = slog.LevelInfo, display.Lines(string(b))
	if len(b) == 0 || b[0] != '{' {
		if strings.HasPrefix(message, "panic: ") || strings.HasPrefix(message, "fatal error: ") {
			level = slog.LevelError
		}
		return level, message, nil
	}
	fields, err := codec.Decode(b)
	if err != nil {
		return level, message, nil
	}
	for _, keys := range [][2]string{{"@level", "@message"}, {"level", "msg"}} {
		name, isText := fields[keys[0]].(string)
		text, hasText := fields[keys[1]].(string)
		if !isText || !hasText {
			continue
		}
		switch strings.ToLower(name) {
		case "trace", "debug":
			level = slog.LevelDebug
		case "warn", "warning":
			level = slog.LevelWarn
		case "error":
			level = slog.LevelError
		}
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			if key != keys[0] && key != keys[1] && key != "time" && !strings.HasPrefix(key, "@") {
				attrs = append(attrs, display.Line(key), fmt.Sprint(fields[key]))
			}
		}
		return level, display.Lines(text), attrs
	}
	return level, message, nil
}

// Writer passes written text to a Log, line by line. One goroutine uses it.
type Writer struct {
	to  *Log
	buf []byte
	cut bool
}

// Writer returns a new writer to the log.
func (l *Log) Writer() *Writer { return &Writer{to: l} }

// Write accepts everything and buffers at most one line of longestLine bytes.
func (w *Writer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		if room := longestLine - len(w.buf); len(line) > room {
			w.cut = true
			line = line[:room]
		}
		w.buf = append(w.buf, line...)
		if ended {
			w.Flush()
		}
		p = rest
	}
	return n, nil
}

// Flush passes on a last line without a newline.
func (w *Writer) Flush() {
	if w.cut {
		w.buf = append(w.buf, "…"...)
	}
	if len(w.buf) > 0 {
		w.to.line(w.buf)
	}
	w.buf, w.cut = w.buf[:0], false
}
