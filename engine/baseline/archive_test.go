package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// filled returns a store with every file that a place can have.
func filled(t *testing.T) *Store {
	t.Helper()
	s := open(t, t.TempDir())
	save(t, s, entries...)
	l, err := s.Lock("01R")
	if err == nil {
		err = l.Release()
	}
	err = errors.Join(err, s.SetOwner(Owner{ID: "0123456789abcdef", Kept: true}),
		hide(s, Hidden{Ref: "component:default/a", At: time.Unix(1, 0).UTC()}),
		s.Approve(Approval{ID: refusal(t, s, changes...).ID, At: time.Now()}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hide(s *Store, h Hidden) error {
	return s.UpdateHidden(func(all []Hidden) ([]Hidden, error) { return append(all, h), nil })
}

func (s *Store) texts(t *testing.T) map[string]string {
	t.Helper()
	files, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(b)
	}
	return out
}

func TestArchiveRoundTrip(t *testing.T) {
	s := filled(t)
	path := filepath.Join(t.TempDir(), "archive")
	if err := s.Export(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !private(info) {
		t.Errorf("%v, %v", info, err)
	}
	to := open(t, t.TempDir())
	h, err := to.Import(path, false)
	if err != nil || len(h.Files) != 6 || h.Place != place {
		t.Fatalf("%+v, %v", h, err)
	}
	if got, want := to.texts(t), s.texts(t); !reflect.DeepEqual(got, want) || len(want) != 6 {
		t.Errorf("got %v", got)
	}
	if got := load(t, to); !reflect.DeepEqual(got, entries) {
		t.Errorf("entries %+v", got)
	}
	for _, dir := range []string{filepath.Dir(to.path("")), filepath.Dir(path)} {
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	}
	if left, _ := filepath.Glob(to.path(".import-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestImportForce: an import replaces a baseline, whatever its condition, only with force, and
// keeps hidden items hidden.
func TestImportForce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	if err := filled(t).Export(path); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"intact": "", "damaged": "x"} {
		to := open(t, t.TempDir())
		save(t, to, entries[0])
		if text != "" {
			if err := os.WriteFile(to.path(".state"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		refusal(t, to, changes[1:]...)
		if err := hide(to, Hidden{Ref: "component:default/here", At: time.Unix(2, 0).UTC()}); err != nil {
			t.Fatal(err)
		}
		before := to.texts(t)
		if _, err := to.Import(path, false); !errors.Is(err, ErrHasBaseline) || !reflect.DeepEqual(to.texts(t), before) {
			t.Errorf("%s, without force: %v", name, err)
		}
		if _, err := to.Import(path, true); err != nil {
			t.Fatal(err)
		}
		if got := load(t, to); len(got) != len(entries) {
			t.Errorf("%s: entries %+v", name, got)
		}
		hidden, err := to.Hidden()
		if err != nil || len(hidden) != 2 {
			t.Errorf("%s: hidden %+v, %v", name, hidden, err)
		}
		if n := len(to.ids(".refusal-")); n != 1 {
			t.Errorf("%s: %d refusals", name, n)
		}
	}
}

// TestImportRefuses: an incomplete, newer or foreign archive changes nothing.
func TestImportRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	if err := filled(t).Export(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	lines := good[:strings.LastIndex(strings.TrimSuffix(good, "\n"), "\n")+1]
	resealed := func(text string) string { return text + "end\t" + checksum([]byte(text)) + "\n" }
	bad := map[string][2]string{
		"empty":           {"", "damaged"},
		"cut":             {good[:len(good)/2], "damaged"},
		"longer":          {good + "\n", "damaged"},
		"another kind":    {resealed("hello\n"), "not an archive"},
		"a kind of file":  {resealed(strings.Replace(lines, lineArchive, "pipe-state", 1)), "not an archive"},
		"no line":         {resealed(lines[:strings.Index(lines, "\n")]), "not an archive"},
		"no version":      {resealed(strings.Replace(lines, `"version":1`, `"version":0`, 1)), "not an archive"},
		"a huge file":     {resealed(regexp.MustCompile(`"size":[0-9]+`).ReplaceAllString(lines, `"size":9223372036854775807`)), "not a state file"},
		"a negative size": {resealed(strings.Replace(lines, `"size":`, `"size":-`, 1)), "not a state file"},
		"newer":           {resealed(strings.Replace(lines, `"version":1`, `"version":2`, 1)), "its format is 2"},
		"another place":   {resealed(strings.Replace(lines, "backstage", "elsewhere", 1)), "it belongs to"},
		"a file too":      {resealed(lines + "x"), "sizes of its files differ"},
		"a path":          {resealed(strings.Replace(lines, `".hidden"`, `"/../xxx"`, 1)), "not a state file"},
		"state changed": {resealed(strings.Replace(lines, "component:default/b", "component:default/B", 1)),
			"baseline cannot be used"},
		"owner changed": {resealed(strings.Replace(lines, "0123456789abcdef", "0123456789abcdee", 1)), "damaged"},
	}
	for i := 0; i < len(good); i += 11 {
		flipped := bytes.Clone(b)
		flipped[i] ^= 1
		bad[fmt.Sprint("a bit at ", i)] = [2]string{string(flipped), "cannot be imported"}
	}
	for name, tc := range bad {
		if err := os.WriteFile(path, []byte(tc[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		to := open(t, t.TempDir())
		if _, err := to.Import(path, true); err == nil || !strings.Contains(err.Error(), tc[1]) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(filepath.Dir(to.path(""))); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

// TestExportRefuses: state that no run could use is not exported, and no archive is left.
func TestExportRefuses(t *testing.T) {
	for name, spoil := range map[string]func(s *Store) error{
		"nothing": func(s *Store) error { return os.RemoveAll(filepath.Dir(s.path(""))) },
		"damaged": func(s *Store) error { return os.WriteFile(s.path(".state"), []byte("x"), 0o600) },
		"newer": func(s *Store) error {
			return os.WriteFile(s.path(".state"),
				[]byte(sealed(fmt.Sprintf("pipe-state\t{\"version\":7,\"place\":%q}\n", place))), 0o600)
		},
		"owner":  func(s *Store) error { return os.WriteFile(s.path(".owner"), []byte("x"), 0o600) },
		"hidden": func(s *Store) error { return os.WriteFile(s.path(".hidden"), []byte("x"), 0o600) },
	} {
		s, dir := filled(t), t.TempDir()
		if err := spoil(s); err != nil {
			t.Fatal(err)
		}
		if err := s.Export(filepath.Join(dir, "archive")); err == nil {
			t.Errorf("%s: exported", name)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
	files, err := filled(t).Files()
	if err != nil || slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, ".lock") }) {
		t.Errorf("%v, %v", files, err)
	}
}

// TestArchivedFiles: an archive contains the place's files, the baseline last, and no files
// with similar names.
func TestArchivedFiles(t *testing.T) {
	s := filled(t)
	for _, name := range []string{".state", ".owner", s.Name() + "2.state", s.Name() + ".lock", s.Name() + ".state.tmp"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.path("")), name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "archive")
	if err := s.Export(path); err != nil {
		t.Fatal(err)
	}
	h, err := open(t, t.TempDir()).Import(path, false)
	if err != nil || len(h.Files) != 6 || h.Files[5].Suffix != suffixState {
		t.Errorf("%+v, %v", h.Files, err)
	}
	names := []string{".state", ".runs", ".hidden", ".state", ".zzz"}
	slices.SortStableFunc(names, order)
	if want := []string{".hidden", ".runs", ".zzz", ".state", ".state"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

// TestExportIsWhole: when a file cannot be copied there is no archive, and an older archive
// stays unchanged.
func TestExportIsWhole(t *testing.T) {
	s := filled(t)
	if err := os.Mkdir(s.path(".refusal-aaaaaaaaaaaa"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "archive")
	for _, older := range []string{"", "older"} {
		if older != "" {
			if err := os.WriteFile(path, []byte(older), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Export(path); err == nil {
			t.Error("exported without one of its files")
		}
		if b, err := os.ReadFile(path); string(b) != older || (err == nil) != (older != "") {
			t.Errorf("%q, %v", b, err)
		}
	}
}

// TestExportWithout: a place has state when it has a baseline or an owner.
func TestExportWithout(t *testing.T) {
	for name, tc := range map[string]struct {
		without []string
		want    error
	}{
		"the owner":    {[]string{".owner"}, nil},
		"the baseline": {[]string{".state"}, nil},
		"both":         {[]string{".owner", ".state"}, ErrNothing},
	} {
		s := filled(t)
		for _, suffix := range tc.without {
			if err := os.Remove(s.path(suffix)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Export(filepath.Join(t.TempDir(), "archive")); !errors.Is(err, tc.want) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestImportKeepsIDs: a ref that is hidden both here and in the archive is hidden with the IDs
// of both, without duplicates.
func TestImportKeepsIDs(t *testing.T) {
	from := open(t, t.TempDir())
	save(t, from, entries...)
	first, second, third := HashText(1), HashText(2), HashText(3)
	path := filepath.Join(t.TempDir(), "archive")
	to := open(t, t.TempDir())
	err := errors.Join(
		hide(from,
			Hidden{Ref: "component:default/a", At: time.Unix(1, 0).UTC(), IDs: []string{"x", "y"},
				Hashes: []string{first, second}}),
		from.Export(path),
		hide(to,
			Hidden{Ref: "component:default/a", At: time.Unix(2, 0).UTC(), IDs: []string{"y", "z"},
				Hashes: []string{second, third}, Back: time.Unix(3, 0).UTC()}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Import(path, false); err != nil {
		t.Fatal(err)
	}
	hidden, err := to.Hidden()
	if err != nil || len(hidden) != 1 || !hidden[0].Back.IsZero() ||
		!slices.Equal(hidden[0].IDs, []string{"y", "z", "x"}) ||
		!slices.Equal(hidden[0].Hashes, []string{second, third, first}) {
		t.Errorf("%+v, %v", hidden, err)
	}
}

// TestImportLetBack: a ref that either list hides stays hidden, and a ref that was let back
// stays listed.
func TestImportLetBack(t *testing.T) {
	back := time.Unix(3, 0).UTC()
	for name, tc := range map[string]struct {
		archived, here *Hidden
		hidden         bool
	}{
		"let back in the archive, hidden here":   {&Hidden{Back: back}, &Hidden{}, true},
		"let back in the archive, not here":      {&Hidden{Back: back}, nil, false},
		"hidden in the archive, let back here":   {&Hidden{}, &Hidden{Back: back}, true},
		"let back in both":                       {&Hidden{Back: back}, &Hidden{Back: back}, false},
		"let back here, not in the archive":      {nil, &Hidden{Back: back}, false},
		"hidden in the archive, not listed here": {&Hidden{}, nil, true},
	} {
		from, to := open(t, t.TempDir()), open(t, t.TempDir())
		save(t, from, entries...)
		path := filepath.Join(t.TempDir(), "archive")
		write := func(s *Store, h *Hidden) error {
			if h == nil {
				return nil
			}
			h.Ref, h.At = "component:default/a", time.Unix(1, 0).UTC()
			return hide(s, *h)
		}
		if err := errors.Join(write(from, tc.archived), from.Export(path), write(to, tc.here)); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Import(path, false); err != nil {
			t.Fatal(err)
		}
		hidden, err := to.Hidden()
		if err != nil || len(hidden) != 1 || hidden[0].Back.IsZero() != tc.hidden {
			t.Errorf("%s: %+v, %v", name, hidden, err)
		}
	}
}
