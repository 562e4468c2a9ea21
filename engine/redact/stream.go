package redact

import (
	"io"
	"strings"
)

const (
	// longestKept is how much of a line that has not ended is kept.
	longestKept = 64 << 10
	// seam is how much of what was written is looked at again together with what
	// follows: it holds window bytes in the longest escapes that are usual.
	seam = 512
)

// Stream is output that a Redactor cleans while it is written. A secret that
// comes in several calls, or goes on in the next line, is found as if it came in
// one. Its methods must not be called at the same time.
type Stream struct {
	r      *Redactor
	w      io.Writer
	before string // the end of what was written, without changes
	kept   []byte // a line that has not ended
}

// Stream returns a Stream in front of w.
func (r *Redactor) Stream(w io.Writer) *Stream { return &Stream{r: r, w: w} }

// Write writes the lines that p ends and keeps the rest. It reports the length
// of p, unless w fails.
func (s *Stream) Write(p []byte) (int, error) {
	s.kept = append(s.kept, p...)
	end := strings.LastIndexByte(string(p), '\n')
	switch {
	case end >= 0:
		end += len(s.kept) - len(p) + 1
	case len(s.kept) > longestKept:
		end = s.cut()
	}
	if end <= 0 {
		return len(p), nil
	}
	if err := s.emit(end); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what Write has kept.
func (s *Stream) Flush() error { return s.emit(len(s.kept)) }

// cut is where a long line can be cut: not in a secret, nor close to the end,
// where one may begin.
func (s *Stream) cut() int {
	at := len(s.kept) - seam
	for _, found := range s.r.find(string(s.kept)) {
		if found.from < at && at < found.to {
			at = found.from
		}
	}
	for at > 0 && s.kept[at-1] == '\\' {
		at--
	}
	if at <= 0 {
		return len(s.kept)
	}
	return at
}

// emit writes the first n bytes that were kept.
func (s *Stream) emit(n int) error {
	if n == 0 {
		return nil
	}
	text := s.before + string(s.kept[:n])
	var b strings.Builder
	at := len(s.before)
	for _, found := range s.r.find(text) {
		if found.to <= at {
			continue
		}
		b.WriteString(text[at:max(at, found.from)])
		b.WriteString(redacted)
		at = found.to
	}
	b.WriteString(text[at:])
	s.before = tail(text)
	s.kept = append(s.kept[:0], s.kept[n:]...)
	_, err := io.WriteString(s.w, b.String())
	return err
}

// tail is the end of a text; it does not begin inside of an escape.
func tail(text string) string {
	at := max(0, len(text)-seam)
	if i := strings.IndexByte(text[at:], '\n'); at > 0 && i >= 0 && i < seam-seam/4 {
		at += i + 1
	}
	for at > 0 && at < len(text) && text[at-1] == '\\' {
		at++
	}
	return text[at:]
}
