package history_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

var now = time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	if path := os.Getenv("HISTORY_PATH"); path != "" {
		writeForever(path)
	}
	os.Exit(m.Run())
}

// writeForever is the process that TestKilled kills: it writes runs and their ends.
func writeForever(path string) {
	ctx := context.Background()
	h, err := history.Open(ctx, path, &redact.Redactor{})
	if err != nil {
		panic(err)
	}
	for i := range 1_000_000 {
		r := &history.Run{ID: fmt.Sprintf("%08d-%d", i, os.Getpid()), Pipeline: "catalog", Started: now, Ended: now,
			Causes: []string{strings.Repeat("x", 500)}}
		if err := errors.Join(h.Begin(ctx, r), h.End(ctx, r)); err != nil {
			panic(err)
		}
		fmt.Println(r.ID)
	}
}

func open(t *testing.T, path string, secrets ...string) *history.History {
	t.Helper()
	redactor := &redact.Redactor{}
	redactor.Add(secrets...)
	h, err := history.Open(t.Context(), path, redactor)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// onDisk returns the content of all files of an open database: the log that is written ahead has
// what was stored last.
func onDisk(t *testing.T, path string) string {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("the files of the database: %v, %v", files, err)
	}
	var all strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

func TestRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	h := open(t, path, "canary-secret-1")
	for i := range 5 {
		r := &history.Run{ID: fmt.Sprint("run-", i), Pipeline: "catalog", Started: now.Add(time.Duration(i) * time.Hour),
			Asked: []history.Asked{{By: "ann", Person: true, At: now, How: "page"}}}
		if err := h.Begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if i == 4 {
			break // still runs
		}
		r.Ended, r.Class, r.Verdict = r.Started.Add(time.Minute), i%2*4, "delivered"
		r.Causes = []string{"because of canary-secret-1"}
		r.Record = &report.Record{Version: "v1", Error: &report.Error{Message: "canary-secret-1"}, Report: &run.Report{
			RunID: r.ID, Endings: read.Counts{component.Delivered: 3}, Audience: map[access.Audience]int{access.Listed: 2},
			Reasons: map[component.Ending]map[string]int{component.Filtered: {"old": 1}},
		}}
		if err := h.End(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := h.Runs(t.Context(), "catalog", "", 3)
	if err != nil || len(runs) != 3 || runs[0].ID != "run-4" || !runs[0].Ended.IsZero() || runs[0].Class != -1 ||
		runs[1].Class != 4 || runs[1].Asked[0].By != "ann" {
		t.Fatalf("%v, %+v", err, runs)
	}
	if runs, err = h.Runs(t.Context(), "catalog", runs[2].ID, 10); err != nil || len(runs) != 2 {
		t.Errorf("the second page: %v, %+v", err, runs)
	}
	r, err := h.Run(t.Context(), "run-3")
	if err != nil || r.Record.Report.Endings[component.Delivered] != 3 || r.Record.Report.Audience[access.Listed] != 2 ||
		r.Record.Error.Message != "[redacted]" || r.Causes[0] != "because of [redacted]" {
		t.Errorf("%v, %+v", err, r)
	}
	if _, err := h.Run(t.Context(), "run-9"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("an unknown run: %v", err)
	}
	if r, err := h.Reviewed(t.Context(), "catalog"); err != nil || r.ID != "run-3" {
		t.Errorf("the last run that was reviewed: %v, %+v", err, r)
	}
	if err := h.Interrupt(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if r, err := h.Run(t.Context(), "run-4"); err != nil || r.Verdict != history.VerdictInterrupted || r.Class != -1 {
		t.Errorf("an interrupted run: %v, %+v", err, r)
	}
	if stored := onDisk(t, path); strings.Contains(stored, "canary-secret-1") ||
		!strings.Contains(stored, "because of [redacted]") {
		t.Error("the files hold a secret, or not what was stored")
	}
}

func TestPrune(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	for i := range 80 {
		r := &history.Run{ID: fmt.Sprintf("run-%02d", i), Pipeline: "catalog", Started: now.AddDate(0, 0, i), Ended: now}
		if err := errors.Join(h.Begin(t.Context(), r), h.End(t.Context(), r)); err != nil {
			t.Fatal(err)
		}
	}
	h.Act(t.Context(), history.Action{At: now, Who: "ann", Action: "search"})
	h.Act(t.Context(), history.Action{At: now.AddDate(0, 0, 200), Who: "ann", Action: "search"})
	if err := h.Prune(t.Context(), now.AddDate(0, 0, 500)); err != nil {
		t.Fatal(err)
	}
	runs, err := h.Runs(t.Context(), "catalog", "", 100)
	if err != nil || len(runs) != 50 || runs[49].ID != "run-30" {
		t.Errorf("%v, %d runs are left", err, len(runs))
	}
	actions, err := h.Actions(t.Context(), "", 0, 10)
	if err != nil || len(actions) != 1 {
		t.Errorf("%v, %+v", err, actions)
	}
}

func TestLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	h := open(t, path)
	for code, expires := range map[string]time.Time{"canary-code-1": now.Add(time.Minute), "old": now.Add(-time.Minute)} {
		if err := h.AddLink(t.Context(), code, "ann-of-links", expires); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.TakeLink(t.Context(), "old", now); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("an old code: %v", err)
	}
	if person, err := h.TakeLink(t.Context(), "canary-code-1", now); err != nil || person != "ann-of-links" {
		t.Errorf("a code: %v, %s", err, person)
	}
	if _, err := h.TakeLink(t.Context(), "canary-code-1", now); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("a code for the second time: %v", err)
	}
	if stored := onDisk(t, path); strings.Contains(stored, "canary-code-1") || !strings.Contains(stored, "ann-of-links") {
		t.Error("the files hold a code, or not what was stored")
	}
}

func TestDue(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	if at, err := h.LastDue(t.Context(), "catalog"); err != nil || !at.IsZero() {
		t.Errorf("%v, %v", at, err)
	}
	for i := range 2 {
		at := now.AddDate(0, 0, i)
		if err := h.SetLastDue(t.Context(), "catalog", at); err != nil {
			t.Fatal(err)
		}
		if got, err := h.LastDue(t.Context(), "catalog"); err != nil || !got.Equal(at) {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// TestKilled kills a process that writes, again and again: what it wrote before is there.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	for i := range 10 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "HISTORY_PATH="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var last string
		for n := 0; n < 5+7*i && lines.Scan(); n++ {
			last = lines.Text()
		}
		cmd.Process.Kill()
		cmd.Wait()
		h := open(t, path)
		r, err := h.Run(t.Context(), last)
		if err != nil || r.Ended.IsZero() {
			t.Fatalf("kill %d: run %q is not whole: %v, %+v", i, last, err, r)
		}
		if err := h.Interrupt(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		h.Close()
	}
}

// TestActionWithoutSecret: what a person writes is stored without secrets.
func TestActionWithoutSecret(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"), "s3cret-value")
	err := h.Act(t.Context(), history.Action{At: now, Who: "ann", Action: "approve", Detail: "with s3cret-value"})
	if err != nil {
		t.Fatal(err)
	}
	if of, err := h.Actions(t.Context(), "catalog", 0, 10); err != nil || len(of) != 0 { // it is of no pipeline
		t.Errorf("the actions of a pipeline: %+v, %v", of, err)
	}
	actions, err := h.Actions(t.Context(), "", 0, 10)
	if err != nil || len(actions) != 1 || strings.Contains(actions[0].Detail, "s3cret") {
		t.Errorf("%+v, %v", actions, err)
	}
}

// TestSignOut: a sign-out is for sessions that began before it, of one person or of everybody, and
// takes back the links that were not used.
func TestSignOut(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	ctx, now := t.Context(), time.Now()
	want := func(person string, mark int64, out bool) {
		t.Helper()
		if got, err := h.SignedOut(ctx, person, mark); err != nil || got != out {
			t.Errorf("%s after mark %d: %v, %v", person, mark, got, err)
		}
	}
	mark := func() int64 {
		t.Helper()
		m, err := h.Mark(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	signOut := func(person string, known bool) {
		t.Helper()
		if got, err := h.SignOut(ctx, person, now); err != nil || got != known {
			t.Errorf("signing out %q: %v, %v", person, got, err)
		}
	}
	first := mark()
	want("ann", first, false)
	signOut("ann", false)
	for code, person := range map[string]string{"code-1": "ann", "code-2": "bob"} {
		if err := h.AddLink(ctx, code, person, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	second := mark()
	signOut("ann", true)
	want("ann", first, true)
	want("ann", second, true)
	want("ann", mark(), false)
	want("bob", first, false)
	if _, err := h.TakeLink(ctx, "code-1", now); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("the link of ann: %v", err)
	}
	if _, err := h.TakeLink(ctx, "code-2", now); err != nil {
		t.Errorf("the link of bob: %v", err)
	}
	if err := h.Act(ctx, history.Action{At: now, Who: "bob", Action: "sign in"}); err != nil {
		t.Fatal(err)
	}
	signOut("bob", true)
	third := mark()
	signOut("", true)
	for _, person := range []string{"ann", "bob", "cid"} {
		want(person, third, true)
		want(person, mark(), false)
	}
	if err := h.Prune(ctx, now.Add(49*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if last := mark(); last != 0 {
		t.Errorf("the mark is %d after all were removed", last)
	}
	signOut("ann", false)
	want("ann", 0, true)
	want("ann", third, true)
}
