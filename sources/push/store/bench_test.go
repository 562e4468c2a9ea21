package store_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/push/store"
)

// lines returns n records of about 2 KB each, which are made while they are read.
func lines(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		filler := fmt.Sprintf(`,"text":%q`, strings.Repeat("abcdefgh ", 220))
		for i := range n {
			if _, err := io.WriteString(w, record("page:a/"+strconv.Itoa(i), filler)+"\n"); err != nil {
				return
			}
		}
		w.Close()
	}()
	return r
}

// BenchmarkPush pushes a set in place of one of the same size and reads it. PUSH_RECORDS is the
// number of records, by default 20,000.
func BenchmarkPush(b *testing.B) {
	n := 20000
	if text := os.Getenv("PUSH_RECORDS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	large := store.Limits{Record: 4 << 20, Set: 2 << 30, Records: 500000}
	s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "records.db"), model{[]string{"Page"}}, large)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	push := func(id string) {
		if _, err := s.Append(b.Context(), all, id, lines(n), ""); err != nil {
			b.Fatal(err)
		}
	}
	commit := func(id string) {
		if _, err := s.Commit(b.Context(), all, id, n, ""); err != nil {
			b.Fatal(err)
		}
	}
	begin := func() string {
		set, err := s.Begin(b.Context(), all, component.Scope{}, "")
		if err != nil {
			b.Fatal(err)
		}
		return set.ID
	}
	first := begin()
	push(first)
	commit(first)
	for b.Loop() {
		var id string
		timed(b, "append-s", func() { id = begin(); push(id) })
		timed(b, "commit-s", func() { commit(id) })
		timed(b, "expire-s", func() {
			if _, err := s.Expire(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
		timed(b, "read-s", func() {
			state, err := s.Snapshot(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer state.Release()
			got := 0
			err = state.Read(b.Context(), onlyPages, func(_ context.Context, page []*component.Record) error {
				got += len(page)
				return nil
			})
			if err != nil || got != n {
				b.Fatal(got, err)
			}
		})
	}
}

// timed reports the seconds of the last call.
func timed(b *testing.B, unit string, do func()) {
	before := b.Elapsed()
	do()
	b.ReportMetric((b.Elapsed() - before).Seconds(), unit)
}
