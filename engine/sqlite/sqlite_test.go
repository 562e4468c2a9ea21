package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

var schema = []string{"CREATE TABLE a (id TEXT PRIMARY KEY)", "ALTER TABLE a ADD COLUMN n INTEGER"}

func TestMain(m *testing.M) {
	if folder := os.Getenv("SCRATCH_PARENT"); folder != "" {
		holdScratch(folder)
	}
	os.Exit(m.Run())
}

// holdScratch is the other process of TestScratchLeavesNothing: it writes a private text and waits
// to be killed.
func holdScratch(folder string) {
	s, err := sqlite.OpenScratch(context.Background(), folder, "CREATE TABLE t (x TEXT)")
	if err == nil {
		for range 2000 {
			if _, err = s.Exec("INSERT INTO t VALUES (?)", strings.Repeat("canary-text ", 100)); err != nil {
				break
			}
		}
	}
	fmt.Println("ready", err)
	select {}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#.db")
	db, err := sqlite.Open(t.Context(), path, schema[:1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO a VALUES ('x')"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}

	db, err = sqlite.Open(t.Context(), path, schema)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO a VALUES ('x', 1)"); !sqlite.IsConflict(err) {
		t.Errorf("a second row with the key: %v", err)
	}
	db.Close()

	_, err = sqlite.Open(t.Context(), path, schema[:1])
	var state *fault.StateError
	if !errors.As(err, &state) || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a newer file: %v", err)
	}
}

func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			db, err := sqlite.Open(context.Background(), path, schema)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
		})
	}
	wg.Wait()
}

func TestExplain(t *testing.T) {
	folder := t.TempDir()
	damaged := filepath.Join(folder, "damaged.db")
	if err := os.WriteFile(damaged, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), damaged, schema)
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file: %v", err)
	}

	path := filepath.Join(folder, "locked.db")
	db, err := sqlite.Open(t.Context(), path, schema)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, err = other.Exec("INSERT INTO a VALUES ('y', 1)")
	if err = sqlite.Explain(path, err); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a locked file: %v", err)
	}
	if sqlite.Explain(path, nil) != nil {
		t.Error("nil has an explanation")
	}

	full, err := sqlite.Open(t.Context(), filepath.Join(folder, "full.db"), []string{"CREATE TABLE b (x BLOB)"})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	full.SetMaxOpenConns(1)
	if _, err := full.Exec("PRAGMA max_page_count = 8"); err != nil {
		t.Fatal(err)
	}
	_, err = full.Exec("INSERT INTO b VALUES (zeroblob(1000000))")
	if err = sqlite.Explain("full.db", err); err == nil || err.Error() != "full.db: the disk is full" {
		t.Errorf("a full disk: %v", err)
	}
}

// TestScratchLeavesNothing kills a process that holds private text and looks for it on the disk.
func TestScratchLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SCRATCH_PARENT="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "ready <nil>\n" {
		t.Errorf("the process that holds the text says %q, %v", line, err)
	}
	if runtime.GOOS != "windows" {
		noCanary(t, folder) // also while it runs
	}
	cmd.Process.Kill()
	cmd.Wait()

	s, err := sqlite.OpenScratch(t.Context(), folder, "CREATE TABLE t (x TEXT)")
	if err != nil {
		t.Fatal(err)
	}
	left, _ := os.ReadDir(folder)
	if len(left) != 1 {
		t.Errorf("%d folders are there while one scratch database is open", len(left))
	}
	noCanary(t, folder)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("%d folders are left", len(left))
	}
}

func noCanary(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("canary-text")) {
			t.Errorf("%s holds private text", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestScratchOfOthers: the folder of a process that still runs stays.
func TestScratchOfOthers(t *testing.T) {
	folder := t.TempDir()
	for range 3 {
		s, err := sqlite.OpenScratch(t.Context(), folder, "CREATE TABLE t (x TEXT)")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	if left, _ := os.ReadDir(folder); len(left) != 3 {
		t.Errorf("%d folders are there while three scratch databases are open", len(left))
	}
}
