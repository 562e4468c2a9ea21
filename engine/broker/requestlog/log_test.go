package requestlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, adjust ...func(*Config)) *Log {
	t.Helper()
	cfg := Config{File: filepath.Join(t.TempDir(), "audit.jsonl"), MaxSize: 100 << 20, Keep: 20}
	for _, a := range adjust {
		a(&cfg)
	}
	l, err := Open(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func request(n int) Entry {
	return Entry{Hub: "hub.example", Caller: "nightly", Run: "r1", Request: fmt.Sprint(n), Target: "portal",
		Method: "GET",
		Path:   "/a", Keys: []string{"filter"}, Rule: "GET /a"}
}

func allow(t *testing.T, l *Log, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if _, err := l.Allow(request(n)); err != nil {
			t.Fatal(err)
		}
		if err := l.Answer(Entry{Request: fmt.Sprint(n), Status: 200, Bytes: 10, Millis: 5}); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, l *Log, want Mark) Verified {
	t.Helper()
	v, err := Verify(l.cfg.File, want)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLogIsVerified(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 5)
	mark, err := l.Allow(request(5))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Deny(Entry{Request: "6", Path: "/secret", Reason: "no rule allows it"}); err != nil {
		t.Fatal(err)
	}
	v := verify(t, l, mark)
	if v.Allowed != 6 || v.Denied != 1 || v.Unfinished != 1 || v.First != 1 || v.Last != l.Head() || v.Incomplete {
		t.Errorf("%+v", v)
	}
	info, err := os.Stat(l.cfg.File)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	parsed, err := ParseMark(mark.String())
	if err != nil || parsed != mark {
		t.Errorf("%v %v", parsed, err)
	}
}

// TestReopenedLogIsOneChain: a program that ends and starts again goes on with the chain.
func TestReopenedLogIsOneChain(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 3)
	mark := l.Head()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, func(c *Config) { *c = l.cfg })
	allow(t, again, 3, 5)
	if v := verify(t, again, mark); v.Allowed != 5 || v.Files != 1 {
		t.Errorf("%+v", v)
	}
}

// TestChangesAreFound: no change of a log's text passes.
func TestChangesAreFound(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 4)
	head := l.Head()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(l.cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	check := func(name string, text []byte) {
		if err := os.WriteFile(l.cfg.File, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *DamagedError
		if _, err := Verify(l.cfg.File, head); !errors.As(err, &damaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range lines {
		if i < len(lines)-1 {
			check(fmt.Sprintf("line %d changed", i), bytes.Replace(whole, lines[i],
				bytes.Replace(lines[i], []byte(`"time":"2`), []byte(`"time":"3`), 1), 1))
		}
		if i > 0 && i < len(lines)-1 {
			check(fmt.Sprintf("line %d removed", i), bytes.Replace(whole, lines[i], nil, 1))
			check(fmt.Sprintf("line %d twice", i), bytes.Replace(whole, lines[i], bytes.Repeat(lines[i], 2), 1))
		}
	}
	check("the end cut off", bytes.Join(lines[:4], nil))
	check("no line of a log", append(bytes.Clone(whole), "{}\n"...))
	check("not JSON", append(bytes.Clone(whole), "x\n"...))
}

// TestInterruptedLine: the rest of a line is removed, and a line says so.
func TestInterruptedLine(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 2)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(l.cfg.File, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"seq":99,"pr`)
	f.Close()
	if v := verify(t, l, Mark{}); !v.Incomplete {
		t.Errorf("%+v", v)
	}
	again := open(t, func(c *Config) { *c = l.cfg })
	if v := verify(t, again, l.Head()); v.Incomplete {
		t.Errorf("%+v", v)
	}
	text, err := os.ReadFile(l.cfg.File)
	if err != nil || !bytes.Contains(text, []byte(`"event":"recovered"`)) {
		t.Errorf("%s %v", text, err)
	}
}

func TestRotation(t *testing.T) {
	l := open(t, func(c *Config) { c.MaxSize, c.Keep = 4<<10, 3 })
	allow(t, l, 0, 12)
	early := l.Head()
	allow(t, l, 12, 24)
	v := verify(t, l, early)
	if v.Files < 2 {
		t.Fatalf("%+v", v)
	}
	allow(t, l, 24, 200)
	if v = verify(t, l, l.Head()); v.Files != 4 || v.First == 1 {
		t.Errorf("%+v", v)
	}
	if _, err := Verify(l.cfg.File, early); err == nil || !strings.Contains(err.Error(), "older") {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := rotated(l.cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 4<<10 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if err := os.Remove(all[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(l.cfg.File, Mark{}); err == nil {
		t.Error("a removed file is not found")
	}
}

// TestChainAfterAnInterruptedRotation: the file was renamed, and the next one not begun.
func TestChainAfterAnInterruptedRotation(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 2)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(l.cfg.File, l.cfg.File+".000000000006"); err != nil {
		t.Fatal(err)
	}
	again := open(t, func(c *Config) { *c = l.cfg })
	if v := verify(t, again, l.Head()); v.Files != 2 || v.First != 1 {
		t.Errorf("%+v", v)
	}
}

func TestManyDeniedRequestsAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Config{File: path, MaxSize: 1 << 20, Keep: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if err := l.Deny(Entry{Request: "x", Path: "/secret"}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2100 * time.Millisecond)
		if err := l.Deny(Entry{Request: "x"}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
	v, err := Verify(path, Mark{})
	if err != nil || v.Denied != 1001 {
		t.Errorf("%+v %v", v, err)
	}
	text, err := os.ReadFile(path)
	if n := bytes.Count(text, []byte(`"event":"request"`)); err != nil || n != deniedPerSecond+1 {
		t.Errorf("%d lines, %v", n, err)
	}
}

// TestUnwritableLogRefuses: a request whose line cannot be written is an error; when the line can be
// written again, the chain has no gap.
func TestUnwritableLogRefuses(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 1)
	good := l.file
	readOnly, err := os.Open(l.cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	l.mu.Lock()
	l.file = readOnly
	l.mu.Unlock()
	if _, err := l.Allow(request(1)); err == nil || l.Err() == nil {
		t.Error("a request without its line is allowed")
	}
	l.mu.Lock()
	l.file = good
	l.mu.Unlock()
	allow(t, l, 2, 3)
	if v := verify(t, l, l.Head()); v.Allowed != 2 || l.Err() != nil {
		t.Errorf("%+v", v)
	}
}

// TestRemovedLogRefuses: lines that go to a file without a name are worth nothing.
func TestRemovedLogRefuses(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 1)
	if err := os.Rename(l.cfg.File, l.cfg.File+".away"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	if _, err := l.Allow(request(1)); err == nil || !strings.Contains(err.Error(), "moved or removed") {
		t.Error(err)
	}
}

func TestFilesThatAreNoLog(t *testing.T) {
	for _, text := range []string{"a text\n", "a text", "{}\n"} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var unusable *fault.StateError
		if l, err := Open(Config{File: path, MaxSize: 1 << 20, Keep: 1}, nil); !errors.As(err, &unusable) {
			t.Errorf("%q: %v %v", text, l, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%q became %q", text, now)
		}
	}
}

func TestOneWriter(t *testing.T) {
	l := open(t)
	if _, err := Open(l.cfg, nil); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Error(err)
	}
}

func TestParallelWriters(t *testing.T) {
	l := open(t, func(c *Config) { c.MaxSize = config.Bytes(16 << 10) })
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 50 {
				if _, err := l.Allow(request(w*1000 + n)); err != nil {
					t.Error(err)
				}
				if err := l.Answer(Entry{Request: fmt.Sprint(w*1000 + n), Status: 200}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if v := verify(t, l, l.Head()); v.First == 1 && v.Allowed != 400 || v.Unfinished != 0 || v.Last.Number < 800 {
		t.Errorf("%+v", v)
	}
}
