package upload_test

import (
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestMembershipsStop: a stage that cannot be read and a signal each end the
// memberships before the next group, and nothing is sent after them.
func TestMembershipsStop(t *testing.T) {
	items := []*component.Item{gleantest.User("ann"), gleantest.Doc("a")}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		items = append(items, gleantest.Group(name, "user:default/ann"))
	}
	damaged := errors.New("the stage is damaged")
	for name, tc := range map[string]struct {
		damage bool
		stop   bool
		want   error
		most   int // groups whose members may be sent
	}{
		"neither":              {most: 5},
		"the stage is damaged": {damage: true, want: damaged, most: 1},
		"the run is stopped":   {stop: true, want: fault.ErrStopped, most: 2}, // the next one may be waiting for its turn
	} {
		t.Run(name, func(t *testing.T) {
			f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Concurrency = 1 })
			var once sync.Once
			f.Server.Fail(faults.Fault{Path: "/bulkindexmemberships", Match: func([]byte) bool {
				if tc.stop {
					once.Do(func() { close(f.Stop) })
				}
				return false
			}})
			s := f.Read(items...)
			if _, err := s.Holds(t.Context()); err != nil {
				t.Fatal(err)
			}
			plan := f.Plan()
			if tc.damage {
				staged := plan.Stream(api.StreamMemberships)
				staged.Items = failsAfter(staged.Items, 1, damaged)
			}
			err := s.Publish(t.Context(), plan)
			if !errors.Is(err, tc.want) || len(f.Index().Memberships) > tc.most || (len(f.IDs()) > 0) != (tc.want == nil) {
				t.Errorf("%v, members of %d groups, documents %v", err, len(f.Index().Memberships), f.IDs())
			}
		})
	}
}

// failsAfter yields the first n items, and then an error.
func failsAfter(items iter.Seq2[component.Encoded, error], n int, err error) iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		for e, itemErr := range items {
			if n == 0 {
				yield(component.Encoded{}, err)
				return
			}
			if n--; !yield(e, itemErr) {
				return
			}
		}
	}
}

// TestRefusedMembers: a user or group that Glean refused is no member of any
// group, and the other members stay.
func TestRefusedMembers(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: "/bulkindexgroups", Match: gleantest.Holding(`/refused"`), Status: 400,
		Body: "Bad group"})
	f.Server.Fail(faults.Fault{Path: "/bulkindexusers", Match: gleantest.Holding(`"bob@x.example"`), Status: 400,
		Body: "Bad user"})
	err := f.Run(gleantest.User("ann"), gleantest.User("bob"), gleantest.Group("refused", "user:default/ann"),
		gleantest.Group("kept", "user:default/ann"),
		gleantest.Group("a", "user:default/ann", "user:default/bob", "group:default/refused", "group:default/kept"))
	if err != nil {
		t.Fatal(err)
	}
	var members []string
	for _, m := range f.Index().Memberships["group:default/a"] {
		members = append(members, m.MemberUserID+m.MemberGroupName)
	}
	if len(members) != 2 || strings.Contains(strings.Join(members, " "), "refused") ||
		strings.Contains(strings.Join(members, " "), "bob") {
		t.Errorf("%v, rejected %v", members, f.Rejected)
	}
}
