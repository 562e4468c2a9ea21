package changes_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/changes"
	"github.com/pipe-engine/pipe/engine/component"
)

// attached returns what Tighten needs to know about a night in which the host of x/1 is x.
func attached(n night, withheld []string) *changes.Attached {
	return &changes.Attached{
		HostOf: func(ref string) (string, bool) {
			host, _, is := strings.Cut(ref, "/")
			return host, is
		},
		Denied: func(host string) bool { return slices.Contains(withheld, strings.TrimPrefix(host, "ref-")) },
		Keep: func(stream, ref, id, typ string) (component.Encoded, bool, error) {
			host, _, _ := strings.Cut(id, "/")
			for _, text := range n[stream] {
				if head, access := split(text); strings.HasPrefix(head, host+" ") {
					e := encoded(stream, id+" kept: "+access)
					e.Type = typ
					return e, true, nil
				}
			}
			return component.Encoded{}, false, nil
		},
	}
}

// TestTightenAttached: after a tightening no one finds an attached document who does not find its
// host, whether the run has the document or not, and no document is found by more people than
// before (invariants 2 and 5).
func TestTightenAttached(t *testing.T) {
	docs := func(texts ...string) night { return night{"documents": texts} }
	for name, tc := range map[string]struct {
		before, now night
		withheld    []string
		most        int // how many documents may be deleted
		want        []string
		out         changes.Tightened
	}{
		"both read": {docs("d 1: A B", "d/1 1: A B"), docs("d 1: A", "d/1 1: A"), nil, 0,
			[]string{"narrow documents d: A .", "narrow documents d/1: A ."},
			changes.Tightened{Narrowed: []string{"ref-d", "ref-d/1"}}},
		"not in the run": {docs("d 1: A B", "d/1 1: A B"), docs("d 1: A"), nil, 0,
			[]string{"narrow documents d: A .", "narrow documents d/1: A ."},
			changes.Tightened{Narrowed: []string{"ref-d", "ref-d/1"}}},
		"not in the run, from all": {docs("d 1: all", "d/1 1: all"), docs("d 1: A B+C"), nil, 0,
			[]string{"narrow documents d: A B+C .", "narrow documents d/1: A B+C ."},
			changes.Tightened{Narrowed: []string{"ref-d", "ref-d/1"}}},
		"not in the run, host is not narrower": {docs("d 1: A B", "d/1 1: A B"), docs("d 1: A B"), nil, 9, nil,
			changes.Tightened{Unsure: 1}},
		"not in the run, host has more people": {docs("d 1: A", "d/1 1: A"), docs("d 1: A B"), nil, 9, nil,
			changes.Tightened{Unsure: 1}},
		"not in the run, host has other people": {docs("d 1: A B", "d/1 1: A B"), docs("d 1: B C"), nil, 9, nil,
			changes.Tightened{Unsure: 2}},
		"not in the run, host is missing": {docs("d 1: A", "d/1 1: A"), docs(), nil, 9, nil, changes.Tightened{Unsure: 2}},
		"not in the run, host is for unknown people": {docs("d 1: A", "d/1 1: A"), docs(), []string{"?d"}, 9, nil,
			changes.Tightened{Unsure: 2}},
		"not in the run, host is for no one": {docs("d 1: A", "d/1 1: A"), docs(), []string{"d"}, 2,
			[]string{"narrow documents d removed at once .", "narrow documents d/1 removed at once ."},
			changes.Tightened{Removed: []string{"ref-d", "ref-d/1"}}},
		"too many to remove": {docs("d 1: A", "d/1 1: A", "d/2 1: A"), docs(), []string{"d"}, 2, nil,
			changes.Tightened{TooMany: 3}},
		"wider than its host": {docs("d 1: A", "d/1 1: A B"), docs("d 1: A", "d/1 1: A"), nil, 0,
			[]string{"narrow documents d/1: A ."}, changes.Tightened{Narrowed: []string{"ref-d/1"}}},
		"wider than its host, which has other people": {docs("d 1: A", "d/1 1: A B"), docs("d 1: C", "d/1 1: C"), nil, 9,
			nil, changes.Tightened{Unsure: 2}},
		"wider than its host, which becomes open": {docs("d 1: A", "d/1 1: A B"), docs("d 1: all", "d/1 1: all"), nil, 9,
			nil, changes.Tightened{Unsure: 1}},
		"its people do not find the host": {docs("d 1: A B", "d/1 1: A"), docs("d 1: B", "d/1 1: B"), nil, 1,
			[]string{"narrow documents d/1 removed at once .", "narrow documents d: B ."},
			changes.Tightened{Narrowed: []string{"ref-d"}, Removed: []string{"ref-d/1"}}},
		"its people do not find the host, too many to remove": {docs("d 1: A B", "d/1 1: A"),
			docs("d 1: B", "d/1 1: B"), nil, 0, []string{"narrow documents d: B ."},
			changes.Tightened{Narrowed: []string{"ref-d"}, TooMany: 1}},
		"it was narrower": {docs("d 1: A B C", "d/1 1: A C"), docs("d 1: A B"), nil, 0,
			[]string{"narrow documents d: A B .", "narrow documents d/1: A ."},
			changes.Tightened{Narrowed: []string{"ref-d", "ref-d/1"}}},
		"a person of the host is unknown now": {docs("d 1: A B", "d/1 1: A B"), docs("d 1: A ?", "d/1 1: A ?"), nil, 9,
			nil, changes.Tightened{Unsure: 2}},
		"another type": {docs("d 1: A B", "d/1 1: A B"), docs("d 1: A", "d/1 system: A"), nil, 9,
			[]string{"narrow documents d: A .", "narrow documents d/1: A ."},
			changes.Tightened{Narrowed: []string{"ref-d", "ref-d/1"}}},
		"host is not in the sink": {docs("d/1 1: A B"), docs("d 1: A", "d/1 1: A"), nil, 0,
			[]string{"narrow documents d/1: A ."}, changes.Tightened{Narrowed: []string{"ref-d/1"}}},
		"another document goes": {docs("d 1: A B", "e 1: A B", "d/1 1: A B"), docs("d 1: A"), nil, 0,
			[]string{"narrow documents d: A .", "narrow documents d/1: A ."},
			changes.Tightened{Narrowed: []string{"ref-d", "ref-d/1"}, Unsure: 1}},
		"nothing changes": {docs("d 1: A", "d/1 1: A"), docs("d 1: A", "d/1 2: A"), nil, 0, nil, changes.Tightened{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.good(tc.before)
			in := w.input(tc.now, tc.withheld...)
			in.Attached = attached(tc.now, tc.withheld)
			c, out, err := changes.Tighten(in, func(_ string, byType map[string]int) bool {
				n := 0
				for _, k := range byType {
					n += k
				}
				return n <= tc.most
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the changes may be read again
				if got := texts(t, c, "A", "B", "C", "B+C"); !slices.Equal(got, tc.want) {
					t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
				}
			}
			if fmt.Sprint(*out) != fmt.Sprint(tc.out) || c.Count(component.Narrow) != len(tc.want) {
				t.Errorf("%+v, want %+v; %v", *out, tc.out, c.Counts)
			}
		})
	}
}

// TestTightenSentByAnInterruptedRun: an attached document that only the journal has follows its
// host.
func TestTightenSentByAnInterruptedRun(t *testing.T) {
	w := newWorld(t)
	w.good(night{"documents": {"d 1: A B"}})
	w.interrupted(night{"documents": {"d 1: A B", "d/1 1: A B"}}, 9)
	now := night{"documents": {"d 1: A"}}
	in := w.input(now)
	in.Attached = attached(now, nil)
	c, _, err := changes.Tighten(in, func(string, map[string]int) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"narrow documents d: A .", "narrow documents d/1: A ."}
	if got := texts(t, c, "A", "B"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestTightenCannotKeep: an error of Keep ends the tightening before anything is sent.
func TestTightenCannotKeep(t *testing.T) {
	w := newWorld(t)
	w.good(night{"documents": {"d 1: A B", "d/1 1: A B"}})
	in := w.input(night{"documents": {"d 1: A"}})
	in.Attached = attached(nil, nil)
	failed := errors.New("it cannot be encoded")
	in.Attached.Keep = func(string, string, string, string) (component.Encoded, bool, error) {
		return component.Encoded{}, false, failed
	}
	if _, _, err := changes.Tighten(in, func(string, map[string]int) bool { return true }); !errors.Is(err, failed) {
		t.Error(err)
	}
}
