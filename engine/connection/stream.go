package connection

import "io"

// Stream is output that a Redactor cleans while it is written.
type Stream struct {
	r *Redactor
	w io.Writer
}

// Stream returns a Stream in front of w.
func (r *Redactor) Stream(w io.Writer) *Stream { return &Stream{r, w} }

// Write reports the length of p, unless w fails.
func (s *Stream) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.w, s.r.Clean(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what Write has kept.
func (s *Stream) Flush() error { return nil }
