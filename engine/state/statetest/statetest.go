// Package statetest checks that a store keeps the promises of package state. Some of them are about
// processes that are killed: the test program starts itself again for those, and TestMain calls Child.
package statetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Subject is a kind of store.
type Subject struct {
	// New makes an empty store and returns where it is, in a form for Open.
	New func(t *testing.T) (where string)
	// Open opens a store, as another process does.
	Open func(where string) (state.Store, error)
	// Lose makes the holder of a place lose it.
	Lose func(t *testing.T, where string, hold state.Hold)
	// Fenced means that the store refuses what a holder writes that has lost the place, that its holds
	// are exclusive, and that the next holder waits for requests of a lost one, for a minute in tests.
	Fenced bool
}

// Place is the place of the tests.
const Place = "https://store.example.com/company"

// The variables of a process that a test starts.
const (
	varAct   = "STATETEST_ACT"
	varWhere = "STATETEST_WHERE"
)

// Child does what a test started this process for, and does not return then. TestMain calls it first.
func Child(s Subject) {
	name := os.Getenv(varAct)
	if name == "" {
		return
	}
	err := fmt.Errorf("there is no act %s", name)
	if act := acts[name]; act != nil {
		var files state.Files
		var in state.Store
		if in, err = s.Open(os.Getenv(varWhere)); err == nil {
			if files, err = in.Open(Place); err == nil {
				err = act(in, files)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// killed ends this process as a kill does.
func killed() error {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err == nil {
		select {} // until it takes effect
	}
	return err
}

// The numbers of what processes do at once.
const updates = 15

var acts = map[string]func(in state.Store, files state.Files) error{
	"append": func(_ state.Store, files state.Files) error {
		a, err := files.Append(".journal")
		if err != nil {
			return err
		}
		if _, err = io.WriteString(a, "kept\n"); err == nil {
			err = a.Sync()
		}
		if err == nil {
			_, err = io.WriteString(a, "may be lost\n")
		}
		return errors.Join(err, killed())
	},
	"write": func(_ state.Store, files state.Files) error {
		if _, err := files.Hold(); err != nil {
			return err
		}
		w, err := files.Create(".state")
		if err == nil {
			_, err = w.Write(bytes.Repeat([]byte("new"), 1<<20))
		}
		return errors.Join(err, killed())
	},
	"count": func(_ state.Store, files state.Files) error {
		for range updates {
			if err := count(files); err != nil {
				return err
			}
		}
		return nil
	},
	"hide": func(in state.Store, _ state.Files) error { return hide(in, strconv.Itoa(os.Getpid())) },
}

// count adds one to the number in a file.
func count(files state.Files) error {
	locked, unlock, err := files.Lock(".count-lock", 0)
	if err != nil {
		return err
	}
	b, err := state.ReadFile(locked, ".count")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, unlock())
	}
	n, _ := strconv.Atoi(string(b))
	err = state.Replace(locked, ".count", func(w io.Writer) error {
		_, err := io.WriteString(w, strconv.Itoa(n+1))
		return err
	})
	return errors.Join(err, unlock())
}

// hide adds refs to the hidden list, one update each.
func hide(in state.Store, name string) error {
	s, err := baseline.Open(in, Place)
	for i := 0; i < updates && err == nil; i++ {
		err = s.UpdateHidden(func(all []baseline.Hidden) ([]baseline.Hidden, error) {
			return append(all, baseline.Hidden{Ref: fmt.Sprintf("component:default/%s-%d", name, i), At: time.Now().UTC()}), nil
		})
	}
	return err
}

// start starts this program for an act.
func start(t *testing.T, where, act string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^$")
	cmd.Env = append(os.Environ(), varAct+"="+act, varWhere+"="+where)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Run checks a store.
func Run(t *testing.T, s Subject) {
	for name, test := range map[string]func(t *testing.T, s Subject, where string){
		"a reader has one version":           replaced,
		"an open file is stable":             stable,
		"a file that is not there":           missing,
		"appended data is there after Sync":  appended,
		"the end of a file":                  tail,
		"files are listed and removed":       listedFiles,
		"a large file":                       large,
		"one holder at a time":               holders,
		"a holder that was killed":           killedHolder,
		"a lost hold":                        lostHold,
		"a lock is for one at a time":        counted,
		"a lock that is not given":           waited,
		"people approve at once":             approvals,
		"processes hide at once":             hidden,
		"a killed writer leaves the old one": sweep,
		"an aborted version":                 aborted,
	} {
		t.Run(name, func(t *testing.T) { test(t, s, s.New(t)) })
	}
}

// open opens the files of the place.
func open(t *testing.T, s Subject, where string) state.Files {
	t.Helper()
	in, err := s.Open(where)
	if err != nil {
		t.Fatal(err)
	}
	files, err := in.Open(Place)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func put(t *testing.T, files state.Files, name, text string) {
	t.Helper()
	if err := state.Replace(files, name, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, files state.Files, name, want string) {
	t.Helper()
	if b, err := state.ReadFile(files, name); err != nil || string(b) != want {
		t.Errorf("%s has %d bytes, %v; want %d", name, len(b), err, len(want))
	}
}

// versions is how many versions of a file a writer writes.
const versions = 20

func replaced(t *testing.T, s Subject, where string) {
	version := func(i int) string { return strings.Repeat(string(rune('a'+i)), 300_000+i) }
	files := open(t, s, where)
	put(t, files, ".state", version(0))
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			other := open(t, s, where)
			for {
				select {
				case <-done:
					return
				default:
				}
				b, err := state.ReadFile(other, ".state")
				if err != nil {
					t.Error(err)
					return
				}
				if i := int(b[0] - 'a'); string(b) != version(i) {
					t.Errorf("%d bytes that begin with %c", len(b), b[0])
				}
			}
		})
	}
	for i := range versions {
		put(t, files, ".state", version(i))
	}
	close(done)
	wg.Wait()
	expect(t, files, ".state", version(versions-1))
}

func stable(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	put(t, files, ".state", "old")
	f, err := files.Open(".state")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	put(t, open(t, s, where), ".state", "newer")
	if err := files.Remove(".state"); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(f); string(b) != "old" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	b := make([]byte, 2)
	if n, err := f.ReadAt(b, 1); n != 2 || string(b) != "ld" || err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", b, err)
	}
}

func missing(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	_, openErr := files.Open(".state")
	_, statErr := files.Stat(".state")
	for what, err := range map[string]error{"open": openErr, "stat": statErr, "remove": files.Remove(".state")} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if all, err := files.List("."); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if files.Place() != Place || !strings.HasPrefix(files.Key(), "store.example.com-company-") ||
		!strings.Contains(files.Path(".state"), files.Key()+".state") {
		t.Errorf("%s, %s, %s", files.Place(), files.Key(), files.Path(".state"))
	}
}

func appended(t *testing.T, s Subject, where string) {
	for range 2 {
		cmd := start(t, where, "append")
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process was not killed")
		}
	}
	b, err := state.ReadFile(open(t, s, where), ".journal")
	if text := string(b); err != nil || strings.Count(text, "kept\n") != 2 || !strings.HasPrefix(text, "kept\n") {
		t.Errorf("%q, %v", b, err)
	}
}

func tail(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	a, err := files.Append(".audit")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	long := strings.Repeat("0123456789", 70_000)
	check := func(n int, want string) {
		t.Helper()
		if b, err := a.Tail(n); err != nil || string(b) != want {
			t.Errorf("the last %d bytes: %d, %v, want %d", n, len(b), err, len(want))
		}
	}
	check(10, "")
	add := func(text string) {
		t.Helper()
		if _, err := io.WriteString(a, text); err != nil {
			t.Fatal(err)
		}
	}
	sync := func() {
		t.Helper()
		if err := a.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	add(long)
	check(5, "56789")
	sync()
	add("abc")
	check(5, "89abc")
	sync()
	check(300_000, (long + "abc")[len(long)+3-300_000:])
	check(2_000_000, long+"abc")
	if a.Size() != int64(len(long)+3) {
		t.Errorf("%d bytes", a.Size())
	}
	for _, size := range []int{300_001, 10, 0} {
		if err := a.Truncate(int64(size)); err != nil {
			t.Fatal(err)
		}
		add("x")
		sync()
		expect(t, files, ".audit", long[:size]+"x")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if a, err = files.Append(".audit"); err != nil || a.Size() != 1 {
		t.Fatal(a, err)
	}
	add("y")
	sync()
	expect(t, files, ".audit", "xy")
}

func listedFiles(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	names := []string{".owner", ".refusal-b", ".refusal-a", ".state"}
	began := time.Now().Add(-2 * time.Second) // the clock of a file system may be coarse
	for _, name := range names {
		put(t, files, name, name)
	}
	of := func(prefix string) (out []string) {
		t.Helper()
		all, err := files.List(prefix)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			out = append(out, one.Name)
			if one.Size != int64(len(one.Name)) || one.Modified.Before(began) ||
				one.Modified.After(time.Now().Add(time.Second)) {
				t.Errorf("%+v", one)
			}
		}
		return out
	}
	if got := of(".refusal-"); !slices.Equal(got, []string{".refusal-a", ".refusal-b"}) {
		t.Errorf("%v", got)
	}
	slices.Sort(names)
	if got := of("."); !slices.Equal(got, names) {
		t.Errorf("%v", got)
	}
	other, err := mustOpen(t, s, where, "https://store.example.com/other").List(".")
	if err != nil || len(other) != 0 {
		t.Errorf("another place has %v, %v", other, err)
	}
	before, err := files.Stat(".state")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := files.Stat(".state"); !again.Same(before) {
		t.Errorf("%+v and %+v", before, again)
	}
	put(t, files, ".state", ".etats")
	if after, _ := files.Stat(".state"); after.Same(before) {
		t.Errorf("the same after a change: %+v", after)
	}
	if err := files.Remove(".refusal-a"); err != nil {
		t.Error(err)
	}
	if got := of(".refusal-"); !slices.Equal(got, []string{".refusal-b"}) {
		t.Errorf("%v", got)
	}
}

func mustOpen(t *testing.T, s Subject, where, place string) state.Files {
	t.Helper()
	in, err := s.Open(where)
	if err != nil {
		t.Fatal(err)
	}
	files, err := in.Open(place)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func large(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	text := strings.Repeat("0123456789abcdef", 200_000) + "end"
	put(t, files, ".state", text)
	expect(t, open(t, s, where), ".state", text)
	put(t, files, ".state", "")
	expect(t, files, ".state", "")
}

func holders(t *testing.T, s Subject, where string) {
	a, b := open(t, s, where), open(t, s, where)
	h, err := a.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Hold(); !errors.Is(err, state.ErrHeld) {
		t.Errorf("a second holder: %v", err)
	}
	if _, err := a.Hold(); !errors.Is(err, state.ErrHeld) {
		t.Errorf("a second holder with the same files: %v", err)
	}
	if err := h.Check(); err != nil {
		t.Error(err)
	}
	put(t, a, ".state", "held")
	put(t, b, ".hidden", "not held") // hiding needs no hold
	if err := h.Release(); err != nil {
		t.Error(err)
	}
	put(t, a, ".state", "released")
	for range 20 { // what was released can be taken at once
		again, err := a.Hold()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Release(); err != nil {
			t.Error(err)
		}
	}
	h, err = b.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if !h.Clear().IsZero() || h.Exclusive() != s.Fenced {
		t.Errorf("clear %v, exclusive %t", h.Clear(), h.Exclusive())
	}
	if err := h.Release(); err != nil {
		t.Error(err)
	}
}

func killedHolder(t *testing.T, s Subject, where string) {
	start(t, where, "write").Wait()
	// The next one and the one after it: the first releases the place before requests of the killed one ended.
	for range 2 {
		h, err := holdSoon(t, open(t, s, where))
		if err != nil {
			t.Fatal(err)
		}
		if s.Fenced != h.Clear().After(time.Now()) {
			t.Errorf("clear at %v", h.Clear())
		}
		if err := h.Release(); err != nil {
			t.Error(err)
		}
	}
}

// holdSoon takes a hold whose holder was killed: a server may take a moment to notice.
func holdSoon(t *testing.T, files state.Files) (state.Hold, error) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		h, err := files.Hold()
		if !errors.Is(err, state.ErrHeld) || time.Now().After(end) {
			return h, err
		}
	}
}

func lostHold(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	put(t, files, ".state", "old")
	h, err := files.Hold()
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-h.Lost():
		t.Fatal("it is lost from the beginning")
	default:
	}
	if err := h.Certain(); err != nil {
		t.Errorf("certain: %v", err)
	}
	s.Lose(t, where, h)
	if err := h.Check(); !errors.As(err, new(*state.LostError)) {
		t.Errorf("check: %v", err)
	}
	select {
	case <-h.Lost():
	case <-time.After(10 * time.Second):
		t.Error("Lost is not closed")
	}
	if err := h.Certain(); !errors.As(err, new(*state.LostError)) {
		t.Errorf("certain: %v", err)
	}
	if s.Fenced {
		w, err := files.Create(".state")
		if err == nil {
			defer w.Abort()
			io.WriteString(w, "of a holder that lost the place")
			err = w.Commit()
		}
		if !errors.As(err, new(*state.LostError)) {
			t.Errorf("write: %v", err)
		}
		if err := files.Remove(".state"); !errors.As(err, new(*state.LostError)) {
			t.Errorf("remove: %v", err)
		}
		locked, unlock, err := files.Lock(".hidden-lock", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		err = state.Replace(locked, ".hidden", func(io.Writer) error { return nil })
		if !errors.As(err, new(*state.LostError)) {
			t.Errorf("write with a lock: %v", err)
		}
		unlock()
		expect(t, open(t, s, where), ".state", "old")
	}
	next, err := holdSoon(t, open(t, s, where))
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Check(); err != nil {
		t.Error(err)
	}
	if err := h.Check(); err == nil {
		t.Error("the hold came back")
	}
	if err := next.Release(); err != nil {
		t.Error(err)
	}
	h.Release()
}

func counted(t *testing.T, s Subject, where string) {
	var all []*exec.Cmd
	for range 2 {
		all = append(all, start(t, where, "count"))
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			files := open(t, s, where)
			for range 5 {
				if err := count(files); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	expect(t, open(t, s, where), ".count", strconv.Itoa(2*updates+6*5))
}

func waited(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	_, unlock, err := files.Lock(".hidden-lock", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, s, where).Lock(".hidden-lock", 100*time.Millisecond); err == nil {
		t.Error("two have the lock")
	}
	_, other, err := files.Lock(".audit-lock", time.Second)
	if err != nil {
		t.Fatalf("another lock: %v", err)
	}
	if err := errors.Join(other(), unlock()); err != nil {
		t.Error(err)
	}
	if _, unlock, err = open(t, s, where).Lock(".hidden-lock", time.Second); err != nil {
		t.Fatal(err)
	}
	unlock()
}

func approvals(t *testing.T, s Subject, where string) {
	in, err := s.Open(where)
	if err != nil {
		t.Fatal(err)
	}
	store, err := baseline.Open(in, Place)
	if err != nil {
		t.Fatal(err)
	}
	changes := []fault.Change{{Stream: "documents", Ref: "component:default/a", N: 1}}
	id := fault.Digest(changes)
	if err := store.Refuse(baseline.Refusal{ID: id, At: time.Now().UTC(), Run: "01R", Changes: changes}); err != nil {
		t.Fatal(err)
	}
	const people = 12
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			own, err := s.Open(where)
			if err == nil {
				_, _, err = baseline.Approve(own, Place, baseline.Approval{ID: id, At: time.Now().UTC(),
					By: fmt.Sprintf("person %d", i), Proven: true})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	a, err := store.Approval(id)
	if err != nil || len(a.People()) != people {
		t.Errorf("%+v, %v", a, err)
	}
}

func hidden(t *testing.T, s Subject, where string) {
	cmds := []*exec.Cmd{start(t, where, "hide"), start(t, where, "hide")}
	in, err := s.Open(where)
	if err == nil {
		err = hide(in, "here")
	}
	if err != nil {
		t.Error(err)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	store, err := baseline.Open(in, Place)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := store.Hidden(); len(all) != 3*updates || err != nil {
		t.Errorf("%d hidden, %v", len(all), err)
	}
}

func sweep(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	put(t, files, ".state", "old")
	for range 2 {
		if err := start(t, where, "write").Wait(); err == nil {
			t.Fatal("the process was not killed")
		}
	}
	expect(t, files, ".state", "old")
	h, err := holdSoon(t, files)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Release()
	files.Sweep()
	all, err := files.List(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one.Name != ".state" && one.Name != ".lock" {
			t.Errorf("%s was left", one.Name)
		}
	}
}

func aborted(t *testing.T, s Subject, where string) {
	files := open(t, s, where)
	put(t, files, ".state", "old")
	w, err := files.Create(".state")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "new")
	w.Abort()
	if err := w.Commit(); err == nil {
		t.Error("committed after Abort")
	}
	expect(t, files, ".state", "old")
}
