package baseline

import (
	"os"
	"reflect"
	"testing"
)

// TestAmend: only the header of an intact baseline is rewritten. A missing or damaged baseline
// stays as it is, and one that cannot be read is an error.
func TestAmend(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil   func(s *Store) error
		amended bool
		fails   bool
	}{
		"intact":  {func(*Store) error { return nil }, true, false},
		"missing": {func(s *Store) error { return os.Remove(s.path(".state")) }, false, false},
		"damaged": {func(s *Store) error { return os.Truncate(s.path(".state"), 30) }, false, false},
		"a folder": {func(s *Store) error {
			return os.Rename(s.path(".state"), s.path(".away"))
		}, false, true},
	} {
		s := open(t, t.TempDir())
		save(t, s, entries...)
		if err := tc.spoil(s); err != nil {
			t.Fatal(err)
		}
		if tc.fails {
			if err := os.Mkdir(s.path(".state"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		before, _ := os.ReadFile(s.path(".state"))
		called := false
		err := s.Amend(func(h *Header) { called = true; h.Unconfirmed = append(h.Unconfirmed, Upload{ID: "u"}) })
		if (err != nil) != tc.fails || called != tc.amended {
			t.Errorf("%s: %v, called %v", name, err, called)
		}
		if !tc.amended {
			if after, _ := os.ReadFile(s.path(".state")); string(after) != string(before) {
				t.Errorf("%s: the file was changed", name)
			}
			continue
		}
		base, err := s.Load()
		if err != nil || len(base.Unconfirmed) != 1 {
			t.Errorf("%s: %+v, %v", name, base.Header, err)
		}
		base.Close()
		if got := load(t, s); !reflect.DeepEqual(got, entries) {
			t.Errorf("%s: entries %+v", name, got)
		}
	}
}
