package operate

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/read"
)

// readPhases reads the first n phases of a company through a subset, and returns the emitted
// refs.
func readPhases(t *testing.T, c *fake.Company, f *subset, n int) []string {
	t.Helper()
	var refs []string
	for _, ph := range c.Order[:n] {
		err := f.Read(t.Context(), ph, func(_ context.Context, records []*component.Record) error {
			for _, r := range records {
				refs = append(refs, r.Ref)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return refs
}

// TestSubsetReads: all users and groups are read, other records only when they are wanted, and
// at most 20 of the refs that were read are the control.
func TestSubsetReads(t *testing.T) {
	c := fake.NewCompany()
	c.Order = slices.Delete(c.Order, 1, 2) // users and groups, and components
	for i := range read.Controls + 5 {
		c.Add("identities", "user", fmt.Sprint("u", i), "plain")
	}
	c.Add("catalog", "component", "other", "plain")
	c.AddUnread("component", "wanted")
	f := newSubset(t.Context(), &component.Pipeline{Source: c, Model: c}, c, []string{"component:default/wanted"})

	refs := readPhases(t, c, f, 2)
	if len(refs) != read.Controls+6 || refs[read.Controls+5] != "component:default/wanted" {
		t.Errorf("read %v", refs)
	}
	if !slices.Equal(c.Asked, []string{"component:default/wanted"}) {
		t.Errorf("asked for %v", c.Asked)
	}
	if len(c.Control) != read.Controls || c.Control[0] != "user:default/u0" {
		t.Errorf("control of %d refs: %v", len(c.Control), c.Control)
	}
}

// TestSubsetFinds: a look-up queries the source only for records of the phases that a run would
// have read by then, and only once.
func TestSubsetFinds(t *testing.T) {
	for name, tc := range map[string]struct {
		ref    string
		phases int // read before the look-up
		off    bool
		found  bool
		asked  int
	}{
		"of the phase that is read":      {ref: "system:default/pay", phases: 2, found: true, asked: 1},
		"of an earlier phase":            {ref: "system:default/pay", phases: 3, found: true, asked: 1},
		"of the last phase":              {ref: "component:default/api", phases: 3, found: true, asked: 1},
		"of a later phase":               {ref: "component:default/api", phases: 2},
		"the kind in another case":       {ref: "System:default/upper", phases: 2, found: true, asked: 1},
		"not in the source":              {ref: "system:default/none", phases: 2, asked: 1},
		"users are known from reading":   {ref: "user:default/sam", phases: 3},
		"of a kind that is not read":     {ref: "domain:default/all", phases: 3},
		"of a kind that is switched off": {ref: "system:default/pay", phases: 3, off: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := fake.NewCompany()
			c.Order[1].Kinds[0].Off = tc.off
			c.Add("identities", "user", "ann", "plain")
			c.Add("identities", "user", "bob", "plain")
			c.AddUnread("system", "pay")
			c.AddUnread("System", "upper")
			c.AddUnread("component", "api")
			c.AddUnread("user", "sam")
			f := newSubset(t.Context(), &component.Pipeline{Source: c, Model: c}, c, nil)
			readPhases(t, c, f, tc.phases)
			c.Asked, c.Control = nil, nil

			for range 2 {
				e, found := f.find(tc.ref)
				if found != tc.found || found && e.Ref != tc.ref || !found && e.Ref != "" {
					t.Errorf("found %v: %+v", found, e)
				}
			}
			if len(c.Asked) != tc.asked || tc.asked > 0 && !slices.Equal(c.Control, []string{"user:default/ann"}) {
				t.Errorf("asked for %v with the control %v", c.Asked, c.Control)
			}
			if err := f.failed(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSubsetFails: the error of a look-up is the error of the selection, and no further query
// is made.
func TestSubsetFails(t *testing.T) {
	c := fake.NewCompany()
	c.Add("identities", "user", "ann", "plain")
	c.AddUnread("system", "pay")
	f := newSubset(t.Context(), &component.Pipeline{Source: c, Model: c}, c, nil)
	readPhases(t, c, f, 2)
	c.Asked, c.Blind = nil, true
	if _, found := f.find("system:default/none"); found || f.failed() == nil {
		t.Errorf("found %v, %v", found, f.failed())
	}
	c.Blind = false
	if _, found := f.find("system:default/pay"); found || f.failed() == nil || len(c.Asked) != 1 {
		t.Errorf("found %v, %v, asked for %v", found, f.failed(), c.Asked)
	}
}
