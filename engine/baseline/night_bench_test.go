package baseline

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
	"github.com/pipe-engine/pipe/engine/state"
)

// BenchmarkNight compares a staged catalog of 250,000 documents, 50,000 users and 200,000
// memberships with its baseline and writes the next one: read, merge and rewrite. It prints the
// time and the live heap that the comparison holds at its end.
func BenchmarkNight(b *testing.B) {
	const documents, users, groups, members = 250_000, 50_000, 2_000, 100
	s := stage.New()
	defer s.Close()
	put := func(stream string, e component.Encoded) {
		if taken, err := s.Put(stream, e, 1, func(string) bool { return false }); err != nil || taken != "" {
			b.Fatal(taken, err)
		}
	}
	user := func(i int) string { return fmt.Sprintf("user:default/person-%05d", i%users) }
	group := func(i int) string { return fmt.Sprintf("group:default/team-%04d", i%groups) }
	for i := range users {
		put("users", component.Encoded{ID: user(i), Ref: user(i), Content: uint64(i)})
	}
	for i := range groups {
		e := component.Encoded{ID: group(i), Ref: group(i), Content: uint64(i)}
		for m := range members {
			e.Principals = append(e.Principals, component.UserPrincipal(user(i*members+m)))
		}
		put("members", e)
	}
	for i := range documents {
		e := component.Encoded{ID: fmt.Sprintf("component:default/service-%06d", i), Type: "component",
			Audience: access.Listed, Rule: "owners", Content: uint64(i)}
		e.Ref, e.Principals = e.ID, []string{component.GroupPrincipal(group(i)), component.UserPrincipal(user(i))}
		put("documents", e)
	}
	if err := s.Flush(); err != nil {
		b.Fatal(err)
	}
	plan := &component.Plan{Streams: []component.StreamPlan{{Name: "users"}, {Name: "documents"},
		{Name: "members", Own: true}}}
	store, err := Open(state.Folder(b.TempDir()), place)
	if err != nil {
		b.Fatal(err)
	}
	night := func() (live uint64) {
		base, err := store.Load()
		if err != nil {
			b.Fatal(err)
		}
		defer base.Close()
		now := time.Now()
		var c *Comparison
		var before, after runtime.MemStats
		if base.Snapshot != nil {
			runtime.GC()
			runtime.ReadMemStats(&before)
			c, err = Compare(plan, base.Snapshot, Run{
				Stage: s, Off: func(string) bool { return false }, Now: now, Permissions: func(stream string) bool {
					return stream == "documents"
				},
				Fate: func(string) (component.Ending, string) { return component.Delivered, "" },
			})
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			live = after.HeapAlloc - before.HeapAlloc
		}
		w, err := store.Create(Header{Run: "01R", Finished: now,
			Streams: map[string]int{"users": users, "documents": documents, "members": groups}})
		if err != nil {
			b.Fatal(err)
		}
		for _, st := range plan.Streams {
			for t, err := range s.Tags(st.Name) {
				if err != nil {
					b.Fatal(err)
				}
				e := Entry{Stream: st.Name, Ref: t.Ref, Kind: "Component", Type: t.Type, ID: codec.Hash([]byte(t.ID)),
					Content: t.Content, Names: t.Names, Rule: t.Rule}
				if t.Audience != access.Undecided {
					e.Audience = t.Audience.String()
				}
				e.Floor, e.Told = c.Accepted(st.Name, t, false, now)
				if st.Own {
					e.Left = c.Left(st.Name, t.ID, t.Names, false, now)
				}
				w.Add(e)
			}
		}
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
		runtime.KeepAlive(c)
		return live
	}
	night()
	info, err := os.Stat(store.path(suffixState))
	if err != nil {
		b.Fatal(err)
	}
	var live uint64
	b.ResetTimer()
	for range b.N {
		live = max(live, night())
	}
	b.ReportMetric(float64(live)/(1<<20), "live-MB")
	b.ReportMetric(float64(info.Size())/(1<<20), "file-MB")
}
