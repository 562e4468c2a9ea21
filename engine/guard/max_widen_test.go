package guard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// numbered returns n refs.
func numbered(prefix string, n int) (refs []string) {
	for i := range n {
		refs = append(refs, fmt.Sprintf("%s%03d", prefix, i))
	}
	return refs
}

// widening describes a run in which documents get another audience.
type widening struct {
	from, to access.Audience
	n        int // number of documents that change
	same     int // number of documents that stay the same
	newcomer string
}

func (w widening) compare(t *testing.T) *baseline.Comparison {
	t.Helper()
	c := fake.Comparison{Staged: map[string][]component.Encoded{}}
	add := func(ref string, from, to access.Audience, before, now []string) {
		c.Before = append(c.Before, fake.Document(ref, from, before...))
		c.Staged["documents"] = append(c.Staged["documents"], fake.Staged(ref, "rule", to, now...))
	}
	names := func(a access.Audience, more ...string) []string {
		if a != access.Listed {
			return nil
		}
		return append([]string{"sam"}, more...)
	}
	for _, ref := range numbered("changed", w.n) {
		more := []string(nil)
		if w.newcomer != "" {
			more = []string{w.newcomer}
		}
		add(ref, w.from, w.to, names(w.from), names(w.to, more...))
	}
	for _, ref := range numbered("same", w.same) {
		add(ref, access.Listed, access.Listed, []string{"sam"}, []string{"sam"})
	}
	return c.Compare(t)
}

// TestMaxWiden: the number of documents that more people find is limited, and so is, regardless
// of the share, the number of documents that everyone finds (invariant 5).
func TestMaxWiden(t *testing.T) {
	ten := component.Bound{Share: 0.1, Items: 2}
	all := component.Bound{Share: 1}
	for name, tc := range map[string]struct {
		widening
		limit   component.Bound
		refused string // part of the reason
	}{
		"nothing changed":  {widening{same: 10}, ten, ""},
		"within the share": {widening{access.Listed, access.DatasourceUsers, 4, 36, ""}, ten, ""},
		"beyond the share": {
			widening{access.Listed, access.DatasourceUsers, 5, 35, ""}, ten,
			"5 of 40 documents would be found by more people (12 %, limit 10 %)",
		},
		"within the count": {widening{access.Listed, access.DatasourceUsers, 2, 2, ""}, ten, ""},
		"beyond the count": {
			widening{access.Listed, access.DatasourceUsers, 3, 2, ""}, ten, "3 of 5 documents",
		},
		"none is allowed": {
			widening{access.Listed, access.DatasourceUsers, 1, 99, ""}, component.Bound{},
			"1 of 100 documents",
		},
		"a newcomer":                {widening{access.Listed, access.Listed, 3, 2, "eve"}, ten, "3 of 5 documents"},
		"withheld before":           {widening{access.Nobody, access.Listed, 3, 2, ""}, ten, "3 of 5 documents"},
		"narrower":                  {widening{access.AllUsers, access.Listed, 30, 0, ""}, component.Bound{}, ""},
		"to everyone, at the limit": {widening{access.Listed, access.AllUsers, TowardsAll, 0, ""}, all, ""},
		"to everyone, beyond the limit": {
			widening{access.Listed, access.AllUsers, TowardsAll + 1, 0, ""}, all,
			"21 of 21 documents would be found by more people (21 of them by everyone, limit 20)",
		},
		"to datasource users": {
			widening{access.Listed, access.DatasourceUsers, TowardsAll + 1, 0, ""}, all, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := &Review{Pipeline: &component.Pipeline{}, Comparison: tc.compare(t)}
			v.Pipeline.Limits.MaxWiden = tc.limit
			r := v.maxWiden(nil, component.Holdings{}, nil)
			switch {
			case r == nil && tc.refused == "":
				return
			case r == nil || tc.refused == "" || !strings.Contains(r.Reason, tc.refused):
				t.Fatalf("%+v", r)
			}
			if refs := fake.Refs(r.Changes); !slices.Equal(refs, numbered("changed", tc.n)) {
				t.Errorf("changes %v", refs)
			}
			if r := v.maxWiden(nil, component.Holdings{}, NewCoverage(r.Changes)); r != nil {
				t.Errorf("an approval of all changes does not cover them: %+v", r)
			}
		})
	}
	if r := (&Review{}).maxWiden(nil, component.Holdings{}, nil); r != nil {
		t.Errorf("without a comparison: %+v", r)
	}
}

// TestMaxWidenSwapped: restricted documents that are replaced by new ones for everyone count as
// widened, and an approval must show both.
func TestMaxWidenSwapped(t *testing.T) {
	c := fake.Comparison{
		Before: []baseline.Entry{fake.Document("old", access.Listed, "sam")},
		Staged: map[string][]component.Encoded{"documents": {fake.Staged("new", "rule", access.AllUsers)}},
	}
	v := &Review{Pipeline: &component.Pipeline{}, Comparison: c.Compare(t)}
	r := v.maxWiden(nil, component.Holdings{}, nil)
	if r == nil || !strings.Contains(r.Reason, "1 of 1 documents") ||
		!slices.Equal(fake.Refs(r.Changes), []string{"old", "new"}) {
		t.Fatalf("%+v", r)
	}
	for name, tc := range map[string]struct {
		shown   []fault.Change
		refused bool
	}{
		"both":  {r.Changes, false},
		"old":   {r.Changes[:1], true},
		"new":   {r.Changes[1:], true},
		"none":  {nil, true},
		"other": {fake.Gone("other"), true},
	} {
		if got := v.maxWiden(nil, component.Holdings{}, NewCoverage(tc.shown)); (got != nil) != tc.refused {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
