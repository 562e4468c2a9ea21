package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// buffer is a log that many goroutines write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// world is a transform whose plugin is the test binary in a mode, with its surroundings.
type world struct {
	*Transform
	log  *buffer
	file string
	temp string // where sockets are made
}

func newWorld(t *testing.T, mode string, edit func(*Options)) *world {
	t.Helper()
	w := &world{log: &buffer{}, file: filepath.Join(t.TempDir(), "mark"), temp: shortTemp(t)}
	o := Options{
		Name: "tidy", Command: []string{os.Args[0]}, Unpinned: true, Env: []string{modeVariable, fileVariable, "GORACE"},
		Timeout: 20 * time.Second, Batch: 200, OnError: onErrorFail,
		Lookup: func(name string) (string, bool) {
			v, ok := map[string]string{modeVariable: mode, fileVariable: w.file, "PATH": "/usr/bin:/bin", "HOME": "/nowhere",
				"SECRET": "canary", "GORACE": "atexit_sleep_ms=0"}[name]
			return v, ok
		},
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if edit != nil {
		edit(&o)
	}
	w.Transform = New(o)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(w.temp + "/pipe-plugin-*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return w
}

// shortTemp is a folder for sockets alone, whose paths must be short.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ph")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	return dir
}

func record(name, text string) *component.Record {
	return &component.Record{
		Entry: component.Entry{Ref: "component:default/" + name, Kind: "component"},
		Value: map[string]any{
			"kind": "Component", "metadata": map[string]any{"name": name, "annotations": map[string]any{"a": "b"}},
			"spec": map[string]any{"text": text, "other": 1.0},
		},
	}
}

func (w *world) start(t *testing.T) {
	t.Helper()
	if err := w.Start(t.Context()); err != nil {
		t.Fatalf("start: %v", err)
	}
}

func (w *world) apply(t *testing.T, records ...*component.Record) ([]component.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return w.Apply(ctx, nil, records)
}

// TestBadAnswers: wrong behaviour of a plugin in a batch, its error message, and the effect
// of on_error.
func TestBadAnswers(t *testing.T) {
	everything := `plugin tester (` + os.Args[0] + `), a batch of 2 records, from component:default/a to component:default/b: `
	one := `plugin tester (` + os.Args[0] + `), record component:default/a: `
	for mode, says := range map[string][]string{
		"crash in a batch": {everything + "it ended during a call (exit status 2)", "an earlier line",
			"panic: the dictionary is on fire"},
		"hang":            {everything + "it did not answer within 300ms and was ended"},
		"stopped":         {everything + "it did not answer within 300ms and was ended"},
		"large answer":    {everything + "it returned more than 64 MiB"},
		"large record":    {one + "it returned 17 MiB for the record, but at most 16 MiB are accepted"},
		"wordless error":  {one + "no reason given"},
		"more records":    {everything + "it returned 3 outcomes for 2 records"},
		"fewer records":   {everything + "it returned 1 outcomes for 2 records"},
		"invalid JSON":    {one + "its answer is not a JSON object: "},
		"JSON list":       {one + "its answer is not a JSON object: "},
		"changed ref":     {one + "it changed the ref of the record, which plugins may not change"},
		"changed kind":    {one + "it changed the kind of the record, which plugins may not change"},
		"outside writes":  {one + `it changed "metadata.annotations", which is not among the paths that it says it writes (spec.text)`},
		"not listed":      {one + `it returned a new value for "relations" but does not list it as changed`},
		"writes metadata": {one + "it changed metadata.name, which identifies the record"},
		"record error":    {one + "the dictionary has no such word\\u001b[2J"},
	} {
		for _, onError := range []string{onErrorFail, onErrorReject, onErrorPass} {
			t.Run(mode+"/"+onError, func(t *testing.T) {
				w := newWorld(t, mode, func(o *Options) {
					o.OnError = onError
					if mode == "hang" || mode == "stopped" {
						o.Timeout = 300 * time.Millisecond
					}
				})
				w.start(t)
				a, b := record("a", "x"), record("b", "y")
				began := time.Now()
				outcomes, err := w.apply(t, a, b)
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
				text := fmt.Sprint(err)
				switch onError {
				case onErrorFail:
					for _, want := range says {
						if !strings.Contains(text, want) {
							t.Errorf("%s\nlacks: %s", text, want)
						}
					}
					return
				case onErrorReject:
					var r *fault.Rejection
					if err != nil || !errors.As(outcomes[0].Err, &r) || r.Stage != "transform" || r.Field != "tidy" ||
						!strings.HasPrefix(r.Reason, "plugin tester: ") || strings.Contains(r.Reason, "\n") {
						t.Errorf("%v, %+v", err, outcomes)
					}
				case onErrorPass:
					if err != nil || outcomes[0] != (component.Outcome{}) || len(w.Notes()) != 1 ||
						!strings.Contains(w.Notes()[0], "2 records stayed unchanged") {
						t.Errorf("%v, %+v, %v", err, outcomes, w.Notes())
					}
				}
				if got, _ := lookup(a.Value, []string{"spec", "text"}); got != "x" || len(a.Value) != 3 {
					t.Errorf("the record was changed: %v", a.Value)
				}
			})
		}
	}
}

// TestBadStarts: faults that prevent a plugin from starting, with their error messages.
func TestBadStarts(t *testing.T) {
	script := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tc := range map[string]struct {
		mode string
		edit func(*Options)
		says []string
	}{
		"missing file": {"noop", func(o *Options) {
			o.Command = []string{"/nowhere/plugin"}
		}, []string{"plugin plugin: /nowhere/plugin: there is no such file"}},
		"a folder to run": {"noop", func(o *Options) {
			o.Command = append(o.Command, t.TempDir())
			o.Sums = []string{strings.Repeat("0", 64)}
		}, []string{"and a checksum does not cover its files"}},
		"a folder": {"noop", func(o *Options) { o.Command = []string{t.TempDir()} }, []string{"this is a folder"}},
		"no run bit": {"noop", func(o *Options) {
			o.Command = []string{script("#!/bin/sh\n", 0o600)}
		}, []string{"it is not executable"}},
		"no checksum": {"noop", func(o *Options) { o.Unpinned = false }, []string{"it has no checksum"}},
		"wrong checksum": {"noop", func(o *Options) {
			o.Sums = []string{strings.Repeat("ab", 32)}
		}, []string{"the pipeline file pins abababababab…: it was not started"}},
		"argument hashed": {"noop", func(o *Options) {
			o.Command = append(o.Command, script("x", 0o600))
			o.Sums = []string{strings.Repeat("ab", 32)}
		}, []string{"the command names 2 files", "sha256 has 1"}},
		"argument after =": {"noop", func(o *Options) {
			o.Command = append(o.Command, "--file="+script("x", 0o600))
			o.Sums = []string{strings.Repeat("ab", 32)}
		}, []string{"the command names 2 files", "sha256 has 1"}},
		"a folder after =": {"noop", func(o *Options) {
			o.Command = append(o.Command, "--dir="+t.TempDir())
			o.Sums = []string{strings.Repeat("ab", 32)}
		}, []string{"and a checksum does not cover its files"}},
		"no interpreter": {"noop", func(o *Options) {
			o.Command = []string{script("#!/nowhere/python\n", 0o700)}
		}, []string{"it cannot be started: no such file or directory"}},
		"not a program": {"noop", func(o *Options) {
			o.Command = []string{script("\x7fELF nonsense", 0o700)}
		}, []string{"it cannot be started: exec format error"}},
		"prints text": {"noop", func(o *Options) {
			o.Command = []string{script("#!/bin/sh\necho hello; echo more; sleep 100\n", 0o700)}
		}, []string{`script: it is not a plugin: instead of a plugin's address it printed "hello"`}},
		"prints and ends": {"noop", func(o *Options) {
			o.Command = []string{script("#!/bin/sh\necho hello; exit 4\n", 0o700)}
		}, []string{`it printed "hello" and ended (exit status 4)`}},
		"silent": {"silent", nil, []string{"it ended before it was ready (exit status 0)"}},
		"crash at start": {"crash at start", nil,
			[]string{"it ended before it was ready (exit status 3)", "cannot find the dictionary"}},
		"other version": {"other version", nil,
			[]string{"it speaks version 2 of the plugin protocol, but this pipe speaks version 1"}},
		"over tcp":       {"over tcp", nil, []string{"pipe requires a unix socket in the folder"}},
		"no server":      {"no server", nil, []string{"it reported that it is ready but does not answer"}},
		"flood at start": {"flood at start", nil, []string{"it printed more than 4096 bytes without a newline"}},
		"never ready": {"never ready", func(o *Options) {
			o.startLimit = 300 * time.Millisecond
		}, []string{"it was not ready within 300ms"}},
		"bad name":        {"bad name", nil, []string{"its description is wrong", `no name\x1b[2J`}},
		"writes identity": {"writes identity", nil, []string{"it writes metadata.name, which identifies the record"}},
		"permission field": {"writes access", func(o *Options) {
			o.AccessReads = func() []string { return []string{"metadata.annotations.x", "kind"} }
		}, []string{"plugin-access: tester writes metadata.annotations, and permissions read metadata.annotations.x"}},
		"schema reads": {"reading schema", nil, []string{"cannot be used", "it refers to a document outside itself"}},
		"bad schema":   {"bad schema", nil, []string{"cannot be used"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.mode, tc.edit)
			began := time.Now()
			err := w.Start(t.Context())
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %s", took)
			}
			for _, want := range tc.says {
				if !strings.Contains(fmt.Sprint(err), want) {
					t.Errorf("%v\nlacks: %s", err, want)
				}
			}
		})
	}
}

// TestGood: changes, drops with their names, sent fields, removed fields.
func TestGood(t *testing.T) {
	sum, err := Checksum(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Run("removes", func(t *testing.T) {
		w := newWorld(t, "removes", func(o *Options) { o.Unpinned, o.Sums = false, []string{sum} })
		w.start(t)
		r := record("a", "x")
		before := r.Value
		if _, err := w.apply(t, r); err != nil {
			t.Fatal(err)
		}
		spec := r.Value["spec"].(map[string]any)
		if _, there := spec["text"]; there || spec["other"] != 1.0 {
			t.Errorf("%v", spec)
		}
		if before["spec"].(map[string]any)["text"] != "x" {
			t.Error("the value that others may hold was written into")
		}
	})
	t.Run("drop", func(t *testing.T) {
		w := newWorld(t, "drop", nil)
		w.start(t)
		if left, _ := filepath.Glob(w.temp + "/pipe-plugin-*/*"); len(left) > 0 {
			t.Errorf("somebody else can reach the socket: %v", left)
		}
		out, err := w.apply(t, record("a", "x"))
		if err != nil || out[0].Dropped != "tidy: not wanted" {
			t.Errorf("%v %+v", err, out)
		}
	})
	t.Run("drop without words", func(t *testing.T) {
		w := newWorld(t, "wordless drop", nil)
		w.start(t)
		if out, err := w.apply(t, record("a", "x")); err != nil || out[0].Dropped != "tidy: no reason given" {
			t.Errorf("%v %+v", err, out)
		}
	})
	t.Run("log", func(t *testing.T) {
		w := newWorld(t, "posing", nil)
		w.start(t)
		if _, err := w.apply(t, record("a", "x")); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if text := w.log.String(); !strings.Contains(text, `msg="trust me" plugin=tester fields.plugin=another fields.ref=x`) {
			t.Error(text)
		}
	})
	t.Run("needs", func(t *testing.T) {
		w := newWorld(t, "echo", nil)
		w.start(t)
		_, err := w.apply(t, record("a", "x"))
		if !strings.Contains(fmt.Sprint(err), `{"kind":"Component","ref":"component:default/a","spec":{"text":"x"}}`) {
			t.Error(err)
		}
	})
	t.Run("whole record", func(t *testing.T) {
		w := newWorld(t, "whole record", nil)
		w.start(t)
		_, err := w.apply(t, record("a", "x"))
		if !strings.Contains(fmt.Sprint(err), `{"kind":"Component","metadata":{"annotations":{"a":"b"},"name":"a"},"ref":"component:default/a","spec":{"other":1,"text":"x"}}`) {
			t.Error(err)
		}
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("SECRET", "canary")
		w := newWorld(t, "environment", func(o *Options) { o.Folder = "testdata" })
		w.start(t)
		_, err := w.apply(t, record("a", "x"))
		text := fmt.Sprint(err)
		if strings.Contains(text, "canary") || !strings.Contains(text, "HOME=/nowhere") ||
			!strings.Contains(text, "PATH=/usr/bin:/bin") || !strings.Contains(text, "stdin:0 <nil>") ||
			!strings.Contains(text, "/plugins/host/testdata<nil>") {
			t.Error(text)
		}
	})
	t.Run("flood", func(t *testing.T) {
		w := newWorld(t, "flood", nil)
		w.start(t)
		if out, err := w.apply(t, record("a", "x")); err != nil || out[0] != (component.Outcome{}) {
			t.Errorf("%v %+v", err, out)
		}
		w.Close()
		if n := len(w.log.String()); n > 100<<10 {
			t.Errorf("%d bytes in the log", n)
		}
	})
}

// TestPassWarns: one warning for each batch, however many of its records fail,
// and a note that counts them all.
func TestPassWarns(t *testing.T) {
	w := newWorld(t, "echo", func(o *Options) { o.OnError, o.Batch = onErrorPass, 3 })
	w.start(t)
	var records []*component.Record
	for i := range 5 {
		records = append(records, record(fmt.Sprint("r", i), "x"))
	}
	if _, err := w.apply(t, records...); err != nil {
		t.Fatal(err)
	}
	text := w.log.String()
	if n := strings.Count(text, "level=WARN"); n != 2 || !strings.Contains(text, "count=3") ||
		!strings.Contains(text, "count=2") || !strings.Contains(fmt.Sprint(w.Notes()), "5 records stayed unchanged") {
		t.Errorf("%d warnings, %v\n%s", n, w.Notes(), text)
	}
}

// TestLargeRecords: a call carries 4 MB of records, a single larger record is sent alone,
// and the error of a server with a lower limit is recognised.
func TestLargeRecords(t *testing.T) {
	var records []*component.Record
	for i := range 4 {
		records = append(records, record(fmt.Sprint("r", i), strings.Repeat("x", 1500<<10)))
	}
	records[3].Value["spec"].(map[string]any)["text"] = strings.Repeat("x", 5<<20)
	w := newWorld(t, "count", func(o *Options) { o.OnError = onErrorReject })
	w.start(t)
	out, err := w.apply(t, records...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"one of 2", "one of 2", "one of 1", "one of 1"} {
		if !strings.Contains(fmt.Sprint(out[i].Err), want) {
			t.Errorf("%d: %v", i, out[i].Err)
		}
	}
	w = newWorld(t, "small server", func(o *Options) { o.OnError = onErrorReject })
	w.start(t)
	out, err = w.apply(t, records...)
	if err != nil || out[0].Err != nil || !strings.Contains(fmt.Sprint(out[3].Err), "it refuses the request") {
		t.Errorf("%v %v %v", err, out[0].Err, out[3].Err)
	}
}

// TestCrashOnce: the batch is tried again on a new process, which is checked against its
// checksum again.
func TestCrashOnce(t *testing.T) {
	sum, err := Checksum(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "crash once", func(o *Options) { o.Unpinned, o.Sums = false, []string{sum} })
	w.start(t)
	r := record("a", "x")
	began := time.Now()
	if _, err := w.apply(t, r); err != nil {
		t.Fatal(err)
	}
	if got, _ := lookup(r.Value, []string{"spec", "text"}); got != "x" {
		t.Errorf("%v", r.Value)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if !strings.Contains(w.log.String(), "a plugin is restarted") {
		t.Error(w.log.String())
	}
}

// TestBatchInFlightNotBlamed: a batch in flight at the same time as one that ends the process is not
// blamed.
func TestBatchInFlightNotBlamed(t *testing.T) {
	w := newWorld(t, "crash on poison", func(o *Options) { o.OnError = onErrorReject })
	w.start(t)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			text := "fine"
			if i == 0 {
				text = "poison"
			}
			out, err := w.apply(t, record(fmt.Sprint("r", i), text))
			if err != nil || (out[0].Err != nil) != (i == 0) {
				t.Errorf("%d: %v %+v", i, err, out)
			}
		})
	}
	wait.Wait()
}

// TestCallsInFlight: a plugin gets two calls at a time and no more.
func TestCallsInFlight(t *testing.T) {
	w := newWorld(t, "calls in flight", func(o *Options) { o.OnError = onErrorReject })
	w.start(t)
	var wait sync.WaitGroup
	answers := make([]string, 4)
	for i := range answers {
		wait.Go(func() {
			out, err := w.apply(t, record(fmt.Sprint("r", i), "x"))
			answers[i] = fmt.Sprint(err, out[0].Err)
		})
	}
	wait.Wait()
	text := strings.Join(answers, "\n")
	if !strings.Contains(text, "calls: 2") || strings.Contains(text, "calls: 3") {
		t.Error(text)
	}
}

// TestCap: a plugin that always ends is not started for ever, and a crash is an
// error within a second.
func TestCap(t *testing.T) {
	w := newWorld(t, "crash in a batch", func(o *Options) { o.OnError = onErrorReject })
	w.start(t)
	for i := range 8 {
		began := time.Now()
		out, err := w.apply(t, record("a", "x"))
		if took := time.Since(began); i == 0 && took > time.Second && !raceEnabled {
			t.Errorf("from crash to error: %s", took)
		}
		if err != nil || out[0].Err == nil {
			t.Fatalf("%v %+v", err, out)
		}
		if i == 7 && !strings.Contains(out[0].Err.Error(), "it was started 6 times in this run and ended each time") {
			t.Error(out[0].Err)
		}
	}
}

// TestCancel: the end of the run ends a call that hangs, with its cause.
func TestCancel(t *testing.T) {
	w := newWorld(t, "hang", nil)
	w.start(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped by a test")
	time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
	if _, err := w.Apply(ctx, nil, []*component.Record{record("a", "x")}); !errors.Is(err, cause) {
		t.Error(err)
	}
}

// TestFork: forked processes of a plugin end with it, also those in their own sessions.
func TestFork(t *testing.T) {
	for _, mode := range []string{"fork", "fork and crash", "session", "session and crash"} {
		if strings.HasPrefix(mode, "session") && runtime.GOOS != "linux" {
			continue // other systems have no subreaper
		}
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, mode, nil)
			w.start(t)
			_, err := w.apply(t, record("a", "x"))
			if (err != nil) != strings.HasSuffix(mode, "crash") {
				t.Fatal(err)
			}
			began := time.Now()
			w.Close()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			for _, pid := range pidsIn(t, w.file) {
				gone(t, pid, 2*time.Second)
			}
		})
	}
}

func pidsIn(t *testing.T, file string) (pids []int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var a, c int
	if _, err := fmt.Sscan(string(b), &a, &c); err != nil {
		t.Fatal(err)
	}
	return []int{a, c}
}

func gone(t *testing.T, pid int, within time.Duration) {
	t.Helper()
	for late := time.Now().Add(within); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			t.Errorf("process %d is still there", pid)
			kill(pid)
			return
		}
	}
}
