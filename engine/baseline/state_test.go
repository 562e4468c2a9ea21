package baseline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/state"
)

const place = "https://glean.example.com/backstage"

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(state.Folder(dir), place)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var entries = []Entry{
	{Stream: "users", Ref: "user:default/sam", Kind: "User", ID: 1, Content: 2},
	{Stream: "documents", Ref: "component:default/a", Kind: "Component", Type: "component", Audience: "listed", ID: 3,
		Content: 4, Names: []uint64{5, 6}},
	{Stream: "documents", Ref: "component:default/b", Kind: "Component", Type: "component", Audience: "listed",
		Away: time.Unix(1700000000, 0).UTC(), ID: 7, Content: 1<<64 - 1, Names: []uint64{5, 6}},
	{Stream: "documents", Ref: "odd\tref\nwith \\ all\x00", Kind: "Component", Type: "", Audience: "nobody", ID: 8},
}

func save(t *testing.T, s *Store, entries ...Entry) {
	t.Helper()
	w, err := s.Create(Header{Run: "01R", Pipeline: "backstage", Finished: time.Unix(1, 0).UTC(),
		Streams: map[string]int{"documents": 2}})
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
	snap, err := s.Load()
	if err != nil || snap.Condition != Intact {
		t.Fatalf("%+v, %v", snap, err)
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
	if b, err := s.Load(); b.Condition != Missing || b.Snapshot != nil || err != nil {
		t.Fatalf("before any run: %+v, %v", b, err)
	}
	save(t, s, entries...)
	if got := load(t, open(t, dir)); !reflect.DeepEqual(got, entries) {
		t.Errorf("got %+v", got)
	}
	save(t, s, entries[0])
	if got := load(t, s); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
	other, err := Open(state.Folder(dir), place+"-2")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := other.Load(); b.Condition != Missing {
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
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 && runtime.GOOS != "windows" {
		t.Errorf("folder %v", info.Mode())
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 3 {
		t.Errorf("files %v", files)
	}
	for _, f := range files {
		if info, _ := f.Info(); !private(info) {
			t.Errorf("%s: %v", f.Name(), info.Mode())
		}
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
	if !errors.As(err, &held) || held.Holder.Run != "01A" || held.Holder.PID != os.Getpid() || held.Holder.Since.IsZero() {
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
	b.earlier = []Holder{{Run: "01D", PID: 1 << 30, Host: b.host}, {Run: "01L", PID: os.Getpid(), Host: b.host},
		{Run: "01H", PID: 1 << 30, Host: "another"}}
	if !b.Ended("01D") || b.Ended("01L") || b.Ended("01H") {
		t.Error("a dead process, a living one, one of another machine")
	}
	if _, err := os.Stat(s.path(".new-1")); err == nil {
		t.Error("what a dead run left half written is still there")
	}
	if other, err := Open(state.Folder(dir), place+"-2"); err != nil {
		t.Fatal(err)
	} else if l, err := other.Lock("01C"); err != nil {
		t.Errorf("another place: %v", err)
	} else {
		l.Release()
	}
}

func TestHoldersAreBounded(t *testing.T) {
	for _, tc := range []struct {
		before int
		age    time.Duration
		want   int
	}{
		{150, 2 * time.Hour, maxHolders},
		{150, time.Minute, 151},
		{2000, time.Minute, maxRecent},
	} {
		s := open(t, t.TempDir())
		var before []Holder
		for i := range tc.before {
			before = append(before, Holder{Run: fmt.Sprint("run", i), Since: time.Now().Add(-tc.age)})
		}
		if err := s.writeHolders(before); err != nil {
			t.Fatal(err)
		}
		l, err := s.Lock("run")
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
		if n := len(s.holders()); n != tc.want {
			t.Errorf("%d holders of %d that are %s old, want %d", n, tc.before, tc.age, tc.want)
		}
	}
}

// private reports whether the mode of a file allows access for its owner only. Windows has no
// modes: there the access list of the folder decides.
func private(info os.FileInfo) bool { return runtime.GOOS == "windows" || info.Mode().Perm() == 0o600 }

func FuzzLoad(f *testing.F) {
	f.Add([]byte("pipe-state\t{}\nend\t0\tx\n"))
	f.Add([]byte("pipe-state\t{\"version\":1,\"place\":\"" + place +
		"\"}\nn\t1 2\ne\tdocuments\tk\tt\tlisted\t0\t1\t2\tref\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Open(state.Folder(t.TempDir()), place)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(".state"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := s.Load()
		if err != nil {
			t.Fatal(err)
		}
		if b.Condition == Intact {
			b.Close()
			if !strings.Contains(string(text), "end\t") {
				t.Error("a file without an end is intact")
			}
		} else if b.Problem == "" {
			t.Error("the problem has no text")
		}
	})
}
