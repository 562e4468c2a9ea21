package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/push/store"
)

const killedRecords = 900 // of a set in TestKill

func TestMain(m *testing.M) {
	if path := os.Getenv("PUSH_UNTIL_KILLED"); path != "" {
		pushUntilKilled(path)
	}
	os.Exit(m.Run())
}

// pushUntilKilled pushes full sets, each with its version in all records, and sweeps between
// them. It prints a line when an append and when a commit begins and ends.
func pushUntilKilled(path string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	s, err := store.Open(ctx, path, model{[]string{"Page"}}, limits)
	fail(err)
	stats, err := s.Stats(ctx)
	fail(err)
	open, err := s.OpenSets(ctx)
	fail(err)
	for _, id := range open {
		fail(s.Abort(ctx, all, id))
	}
	for version := stats.Generation + 1; ; version++ {
		set, err := s.Begin(ctx, all, component.Scope{}, "")
		fail(err)
		for part := range 2 {
			fmt.Println("append", version)
			_, err := s.Append(ctx, all, set.ID, strings.NewReader(versionOf(version, part)), "")
			fail(err)
		}
		fmt.Println("commit", version)
		_, err = s.Commit(ctx, all, set.ID, killedRecords, "")
		fail(err)
		fmt.Println("committed", version)
		_, err = s.Expire(ctx)
		fail(err)
	}
}

// versionOf returns half of the records of a set.
func versionOf(version int64, part int) string {
	var out strings.Builder
	for i := range killedRecords / 2 {
		id := fmt.Sprintf("page:a/%d", part*killedRecords/2+i)
		out.WriteString(record(id, fmt.Sprintf(`,"version":%d,"x":%q`, version, strings.Repeat("x", 500))) + "\n")
	}
	return out.String()
}

// TestKill kills a process that pushes sets, at moments all over appends and commits. The stored
// records are always those of one set: of the last committed one, or of the next one when its
// commit had begun.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	rounds := 24
	if testing.Short() {
		rounds = 6
	}
	committed, during := int64(0), map[string]int{}
	for round := range rounds {
		word, version := killDuringPush(t, path, []string{"append", "commit"}[round%2],
			time.Duration(round/2)*700*time.Microsecond)
		during[word]++
		s, err := store.Open(t.Context(), path, model{[]string{"Page"}}, limits)
		if err != nil {
			t.Fatal(err)
		}
		got := storedVersion(t, s)
		switch {
		case word == "committed" && got != version && got != 0,
			word == "commit" && got != version && got != version-1,
			word == "append" && got != version-1,
			got < committed:
			t.Errorf("killed after %s %d: version %d is stored", word, version, got)
		}
		committed = got
		s.Close()
	}
	t.Logf("killed after the lines %v; the last version is %d", during, committed)
	if committed == 0 {
		t.Error("no set was ever committed")
	}
}

// killDuringPush runs the process and kills it a moment after it printed a line with a word. It
// returns the last line.
func killDuringPush(t *testing.T, path, word string, after time.Duration) (last string, version int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^$")
	cmd.Env = append(os.Environ(), "PUSH_UNTIL_KILLED="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	killing := false
	for seen := 0; lines.Scan(); {
		if n, err := fmt.Sscanf(lines.Text(), "%s %d", &last, &version); n != 2 || err != nil {
			t.Fatalf("the process says %q", lines.Text())
		}
		if seen++; last == word && seen > 3 && !killing {
			killing = true
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait()
	return last, version
}

// storedVersion returns the version of all stored records.
func storedVersion(t *testing.T, s *store.Store) (version int64) {
	t.Helper()
	state, err := s.Snapshot(t.Context())
	if err != nil {
		if stats, err := s.Stats(t.Context()); err == nil && !stats.Committed {
			return 0
		}
		t.Fatal(err)
	}
	defer state.Release()
	n := 0
	err = state.Read(t.Context(), onlyPages, func(_ context.Context, page []*component.Record) error {
		for _, r := range page {
			var of int64
			at := strings.Index(string(r.Raw), `"version":`)
			if _, err := fmt.Sscanf(string(r.Raw[at:]), `"version":%d`, &of); err != nil {
				return err
			}
			if n++; n > 1 && of != version {
				return fmt.Errorf("versions %d and %d are stored", version, of)
			}
			version = of
		}
		return nil
	})
	if err != nil || n != killedRecords {
		t.Errorf("%d records are stored, %v", n, err)
	}
	return version
}
