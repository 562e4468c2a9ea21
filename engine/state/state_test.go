package state

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const place = "https://glean.example.com/backstage"

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, place)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var entries = []Entry{
	{Stream: "users", Ref: "user:default/sam", Kind: "User", ID: 1, Content: 2},
	{Stream: "documents", Ref: "component:default/a", Kind: "Component", Type: "component", Audience: "listed", ID: 3, Content: 4, Names: []uint64{5, 6}},
	{Stream: "documents", Ref: "component:default/b", Kind: "Component", Type: "component", Audience: "listed", Away: time.Unix(1700000000, 0).UTC(), ID: 7, Content: 1<<64 - 1, Names: []uint64{5, 6}},
	{Stream: "documents", Ref: "odd\tref\nwith \\ all\x00", Kind: "Component", Type: "", Audience: "nobody", ID: 8},
}

func save(t *testing.T, s *Store, entries ...Entry) {
	t.Helper()
	w, err := s.Create(Header{Run: "01R", Pipeline: "backstage", Finished: time.Unix(1, 0).UTC(), Streams: map[string]int{"documents": 2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		w.Add(e)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, s *Store) []Entry {
	t.Helper()
	snap, warning, err := s.Load(false)
	if err != nil || warning != "" || snap == nil {
		t.Fatalf("%v, %q, %v", snap, warning, err)
	}
	defer snap.Close()
	var out []Entry
	for e, err := range snap.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	if snap.Run != "01R" || snap.Streams["documents"] != 2 || snap.Place != place {
		t.Errorf("header %+v", snap.Header)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, dir)
	if snap, warning, err := s.Load(false); snap != nil || warning != "" || err != nil {
		t.Fatalf("before any run: %v, %q, %v", snap, warning, err)
	}
	save(t, s, entries...)
	if got := load(t, open(t, dir)); !reflect.DeepEqual(got, entries) {
		t.Errorf("got %+v", got)
	}
	save(t, s, entries[0])
	if got := load(t, s); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
	other, err := Open(dir, place+"-2")
	if err != nil {
		t.Fatal(err)
	}
	if snap, _, _ := other.Load(false); snap != nil {
		t.Error("another place has this one's state")
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := open(t, dir)
	save(t, s, entries...)
	l, err := s.Lock("01R")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v", info.Mode())
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 3 {
		t.Errorf("files %v", files)
	}
	for _, f := range files {
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", f.Name(), info.Mode())
		}
	}
}

// TestNeverTrusted: a file that is not exactly what was written is set aside.
func TestNeverTrusted(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, entries...)
	path := s.path(".state")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(good), "\n")
	spoiled := map[string]string{
		"empty":            "",
		"not one":          "hello\n",
		"cut":              string(good[:len(good)/2]),
		"without its end":  strings.Join(lines[:len(lines)-2], ""),
		"a line less":      strings.Join(append(append([]string{}, lines[:2]...), lines[3:]...), ""),
		"more at the end":  string(good) + "e\n",
		"another format":   strings.Replace(string(good), `"version":1`, `"version":2`, 1),
		"another place's":  strings.Replace(string(good), "backstage", "elsewhere", 1),
		"another audience": strings.Replace(string(good), "listed", "all-users", 1),
	}
	for i := range good {
		if i%7 == 0 {
			flipped := append([]byte{}, good...)
			flipped[i] ^= 1
			spoiled[fmt.Sprint("a bit at ", i)] = string(flipped)
		}
	}
	for name, text := range spoiled {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if snap, warning, err := s.Load(true); snap != nil || !strings.Contains(warning, "would set it aside") || err != nil {
			t.Errorf("%s: a look: %v, %q, %v", name, snap, warning, err)
		}
		snap, warning, err := s.Load(false)
		if snap != nil || !strings.Contains(warning, ".damaged") || err != nil {
			t.Errorf("%s: %v, %q, %v", name, snap, warning, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: it is still there", name)
		}
	}
}

// TestNotOurs: a file that is whole and about something else.
func TestNotOurs(t *testing.T) {
	dir := t.TempDir()
	other, err := Open(dir, place+"-2")
	if err != nil {
		t.Fatal(err)
	}
	w, err := other.Create(Header{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if err := os.Rename(other.path(".state"), s.path(".state")); err != nil {
		t.Fatal(err)
	}
	if snap, warning, err := s.Load(false); snap != nil || !strings.Contains(warning, "it is about "+place+"-2") || err != nil {
		t.Errorf("another place's: %v, %q, %v", snap, warning, err)
	}
	head := fmt.Sprintf("pipe-state\t{\"version\":2,\"place\":%q}\n", place)
	text := head + fmt.Sprintf("end\t0\t%x\n", sha256.Sum256([]byte(head)))
	if err := os.WriteFile(s.path(".state"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if snap, warning, err := s.Load(false); snap != nil || !strings.Contains(warning, "its format is 2") || err != nil {
		t.Errorf("another format: %v, %q, %v", snap, warning, err)
	}
}

func TestAbort(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, entries[0])
	w, err := s.Create(Header{})
	if err != nil {
		t.Fatal(err)
	}
	w.Add(entries[1])
	w.Abort()
	if got := load(t, s); len(got) != 1 || got[0].Stream != "users" {
		t.Errorf("got %+v", got)
	}
	if left, _ := filepath.Glob(s.path(".new-*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	a, err := s.Lock("01A")
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t, dir).Lock("01B")
	var held *HeldError
	if !errors.As(err, &held) || held.Owner.Run != "01A" || held.Owner.PID != os.Getpid() || held.Owner.Since.IsZero() {
		t.Fatalf("%v", err)
	}
	if a.Ended("01A") {
		t.Error("it has ended while it runs")
	}
	if err := os.WriteFile(s.path(".new-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Release(); err != nil {
		t.Fatal(err)
	}
	b, err := open(t, dir).Lock("01B")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if !b.Ended("01A") || b.Ended("01X") {
		t.Error("it does not know who has ended")
	}
	b.past = []Owner{{Run: "01D", PID: 1 << 30, Host: b.host}, {Run: "01L", PID: os.Getpid(), Host: b.host}, {Run: "01H", PID: 1 << 30, Host: "another"}}
	if !b.Ended("01D") || b.Ended("01L") || b.Ended("01H") {
		t.Error("a dead process, a living one, one of another machine")
	}
	if _, err := os.Stat(s.path(".new-1")); err == nil {
		t.Error("what a dead run left half written is still there")
	}
	if other, err := Open(dir, place+"-2"); err != nil {
		t.Fatal(err)
	} else if l, err := other.Lock("01C"); err != nil {
		t.Errorf("another place: %v", err)
	} else {
		l.Release()
	}
}

func TestOwnersAreBounded(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 2 * maxOwners {
		l, err := s.Lock(fmt.Sprint("run", i))
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	}
	if n := len(s.owners()); n != maxOwners {
		t.Errorf("%d owners", n)
	}
}

func TestDefaultDir(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HOME": "/home/sam"}, "/home/sam/.local/state/pipe"},
		{map[string]string{"HOME": "/home/sam", "XDG_STATE_HOME": "/state"}, "/state/pipe"},
		{map[string]string{"HOME": "/home/sam", "XDG_STATE_HOME": "relative"}, "/home/sam/.local/state/pipe"},
		{map[string]string{"HOME": ""}, ""},
		{nil, ""},
	} {
		got, err := DefaultDir(func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok })
		if got != filepath.FromSlash(tc.want) || (err == nil) != (tc.want != "") {
			t.Errorf("%v: %q, %v", tc.env, got, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("pipe-state\t{}\nend\t0\tx\n"))
	f.Add([]byte("pipe-state\t{\"version\":1,\"place\":\"" + place + "\"}\nn\t1 2\ne\tdocuments\tk\tt\tlisted\t0\t1\t2\tref\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Open(t.TempDir(), place)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(".state"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		snap, warning, err := s.Load(false)
		if err != nil {
			t.Fatal(err)
		}
		if snap != nil {
			snap.Close()
			if !strings.Contains(string(text), "end\t") {
				t.Error("it was trusted without its end")
			}
		} else if warning == "" {
			t.Error("it was not trusted and nothing was said")
		}
	})
}
