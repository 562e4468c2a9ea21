//go:build unix

package postgres_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/state"
)

// benchSize is the size of the file that BenchmarkFile writes and reads.
const benchSize = 100 << 20

// BenchmarkFile writes and reads a file of 100 MB. The bytes that an operation allocates are a small part
// of it: content is streamed.
func BenchmarkFile(b *testing.B) {
	store := postgrestest.Open(b, postgrestest.Shared(b).Config(b, time.Second))
	files, err := store.Open(fake.Place)
	if err != nil {
		b.Fatal(err)
	}
	line := []byte("e\tdocuments\tComponent\tcomponent\tlisted\t\t12\t5f3a9c\t77aa10\tcomponent:default/service-00042\n")
	write := func() error {
		return state.Replace(files, ".state", func(w io.Writer) error {
			for n := 0; n < benchSize; n += len(line) {
				if _, err := w.Write(line); err != nil {
					return err
				}
			}
			return nil
		})
	}
	read := func() error {
		f, err := files.Open(".state")
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(io.Discard, f)
		return err
	}
	for _, bench := range []struct {
		name string
		do   func() error
	}{{"write", write}, {"read", read}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(benchSize)
			for range b.N {
				if err := bench.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// maxAllocated is the most that writing or reading the file of BenchmarkFile may allocate.
var maxAllocated uint64 = 24 << 20

// TestStreams: a large file is not kept in memory.
func TestStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 100 MB")
	}
	store := postgrestest.Open(t, postgrestest.Shared(t).Config(t, time.Second))
	files, err := store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	allocated := func(do func() error) (n uint64) {
		t.Helper()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := do(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	page := make([]byte, 64<<10)
	wrote := allocated(func() error {
		return state.Replace(files, ".state", func(w io.Writer) error {
			for n := 0; n < benchSize; n += len(page) {
				if _, err := w.Write(page); err != nil {
					return err
				}
			}
			return nil
		})
	})
	read := allocated(func() error {
		f, err := files.Open(".state")
		if err == nil {
			f.Close()
		}
		return err
	})
	t.Logf("allocated %d MB to write and %d MB to read %d MB", wrote>>20, read>>20, benchSize>>20)
	if wrote > maxAllocated || read > maxAllocated {
		t.Errorf("allocated %d bytes to write and %d to read", wrote, read)
	}
}

// BenchmarkSize prints how much PostgreSQL takes for a datasource of 250,000 documents, 50,000 users and
// 2,000 groups of 100, after several runs.
func BenchmarkSize(b *testing.B) {
	cfg := postgrestest.Shared(b).Config(b, time.Second)
	store := postgrestest.Open(b, cfg)
	s, err := baseline.Open(store, fake.Place)
	if err != nil {
		b.Fatal(err)
	}
	const documents, users, groups, members = 250_000, 50_000, 2_000, 100
	names := func(n, seed int) []uint64 {
		var out []uint64
		for i := range n {
			out = append(out, uint64(seed+i)*0x9e3779b97f4a7c15)
		}
		return out
	}
	night := func(run int) {
		now := time.Now()
		w, err := s.Create(baseline.Header{Run: fmt.Sprintf("01R%d", run), Finished: now,
			Streams: map[string]int{"documents": documents, "users": users, "members": groups}})
		if err != nil {
			b.Fatal(err)
		}
		for i := range users {
			ref := fmt.Sprintf("user:default/person-%05d", i)
			w.Add(baseline.Entry{Stream: "users", Kind: "User", Ref: ref, ID: uint64(i) * 77, Content: uint64(i), Told: now})
		}
		for i := range groups {
			ref := fmt.Sprintf("group:default/team-%04d", i)
			w.Add(baseline.Entry{Stream: "members", Kind: "Group", Ref: ref, ID: uint64(i) * 78, Content: uint64(i),
				Names: names(members, i*members), Told: now})
		}
		for i := range documents {
			w.Add(baseline.Entry{Stream: "documents", Kind: "Component", Type: "component", Audience: access.Listed.String(),
				Ref: fmt.Sprintf("component:default/service-%06d", i), ID: uint64(i) * 79, Content: uint64(i+run) * 0x9e37,
				Rule: "owners", Names: names(2, i%groups), Told: now})
		}
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	for i := range b.N {
		night(i)
		b.StopTimer()
		postgrestest.Shared(b).Exec(b, "VACUUM") // as autovacuum does between two nights
		b.StartTimer()
	}
	r, err := store.Check(b.Context())
	if err != nil || len(r.Places) != 1 || len(r.Places[0].Damaged) > 0 {
		b.Fatal(r, err)
	}
	b.ReportMetric(float64(r.Places[0].Bytes)/(1<<20), "file-MB")
	b.ReportMetric(float64(r.Bytes)/(1<<20), "database-MB")
}
