package baseline

import (
	"errors"
	"io"
	"path/filepath"
	"testing"
)

// TestReplaceFile: a file is replaced atomically, no temporary file is left, and a run that
// takes the place at the same time does not interfere.
func TestReplaceFile(t *testing.T) {
	s := open(t, t.TempDir())
	failed := errors.New("failed")
	for _, tc := range []struct {
		name, written, want string
		err                 error
	}{
		{"first", "one", "one", nil}, {"again", "two", "two", nil}, {"fails", "half", "two", failed},
	} {
		err := s.replaceFile(".owner", func(w io.Writer) error {
			l, err := s.Lock("01R")
			if err != nil {
				return err
			}
			defer l.Release()
			if _, err := io.WriteString(w, tc.written); err != nil {
				return err
			}
			return tc.err
		})
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if b, err := s.readFile(".owner"); err != nil || string(b) != tc.want {
			t.Errorf("%s: %q, %v", tc.name, b, err)
		}
		for _, suffix := range []string{".new-*", ".tmp-*"} {
			if left, _ := filepath.Glob(s.path(suffix)); len(left) > 0 {
				t.Errorf("%s: left %v", tc.name, left)
			}
		}
	}
}
