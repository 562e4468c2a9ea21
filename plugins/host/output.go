package host

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
)

const (
	longestLine = 4 << 10 // of what a plugin prints; the rest of a line is left out
	tailLines   = 20
	tailWidth   = 400
)

// output is what a plugin prints: it goes to pipe's log, and the last lines are
// kept for an error. clean takes secrets out.
type output struct {
	clean func(string) string

	mu    sync.Mutex
	log   *slog.Logger
	limit limiter
	tail  []string
}

// rename changes the log, when the plugin has told its name.
func (o *output) rename(log *slog.Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = log
}

// begin forgets the lines of an earlier process.
func (o *output) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = nil
}

// last are the last lines that were printed.
func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.tail)
}

func (o *output) line(b []byte) {
	level, message, attrs := parseLine(b)
	message = o.clean(message)
	if strings.TrimSpace(message) == "" {
		return
	}
	for i, a := range attrs {
		if text, ok := a.(string); ok {
			attrs[i] = o.clean(printable(text))
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.print(level, message, attrs)
	if level < slog.LevelInfo {
		return
	}
	if len(o.tail) == tailLines {
		o.tail = slices.Delete(o.tail, 0, 1)
	}
	o.tail = append(o.tail, cut(message, tailWidth))
}

// print logs a line, as long as there are not too many.
func (o *output) print(level slog.Level, message string, attrs []any) {
	if !o.log.Enabled(context.Background(), level) {
		return
	}
	ok, dropped := o.limit.take()
	o.report(dropped)
	if !ok {
		return
	}
	if len(attrs) > 0 { // in a group: none replaces an attribute of pipe's own
		attrs = []any{slog.Group("fields", attrs...)}
	}
	o.log.Log(context.Background(), level, message, attrs...)
}

// report logs how many lines were left out.
func (o *output) report(dropped int) {
	if dropped > 0 {
		o.log.Warn("the plugin printed too many lines; some were left out", "lines", dropped, "limit", fmt.Sprintf("%d lines a second", maxLines))
	}
}

// failed logs that the plugin's output is no longer read.
func (o *output) failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log.Error("what the plugin prints from here on is not logged", "error", err)
}

// settle reports what was left out, when the plugin ends.
func (o *output) settle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.report(o.limit.settle())
}

// parseLine reads a line of the JSON that hclog and slog write, or takes it as
// it is.
func parseLine(b []byte) (level slog.Level, message string, attrs []any) {
	level, message = slog.LevelInfo, printable(string(b))
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
		return level, printable(text), attrs
	}
	return level, message, nil
}

// lines hands what is written to it to an output, line by line. It has one
// writer.
type lines struct {
	to  *output
	buf []byte
	cut bool
}

// Write takes everything and keeps at most one long line.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		if room := longestLine - len(l.buf); len(line) > room {
			l.cut = true
			line = line[:room]
		}
		l.buf = append(l.buf, line...)
		if ended {
			l.flush()
		}
		p = rest
	}
	return n, nil
}

func (l *lines) flush() {
	if l.cut {
		l.buf = append(l.buf, "…"...)
	}
	if len(l.buf) > 0 {
		l.to.line(l.buf)
	}
	l.buf, l.cut = l.buf[:0], false
}

// printable escapes what would steer a terminal.
func printable(s string) string { return display.Lines(s) }

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
