package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
)

// readPhases reads the first n phases of a company through a few, and returns the
// refs that were emitted.
func (c *company) readPhases(t *testing.T, f *few, n int) []string {
	t.Helper()
	var refs []string
	for _, ph := range c.phases[:n] {
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

// addUnread adds a record that the company returns only when it is asked for it.
func (c *company) addUnread(kind, name string) {
	other := newCompany()
	other.add("", kind, name, "plain")
	c.hidden = append(c.hidden, other.records[""]...)
}

// TestFewReads: users and groups are all read, other records only where they are
// wanted, and at most 20 of the refs that were read are the control.
func TestFewReads(t *testing.T) {
	c := newCompany()
	c.phases = slices.Delete(c.phases, 1, 2) // users and groups, and components
	for i := range read.Controls + 5 {
		c.add("identities", "user", fmt.Sprint("u", i), "plain")
	}
	c.add("catalog", "component", "other", "plain")
	c.addUnread("component", "wanted")
	f := newFew(t.Context(), &component.Pipeline{Source: c, Model: c}, c, []string{"component:default/wanted"})

	refs := c.readPhases(t, f, 2)
	if len(refs) != read.Controls+6 || refs[read.Controls+5] != "component:default/wanted" {
		t.Errorf("read %v", refs)
	}
	if !slices.Equal(c.asked, []string{"component:default/wanted"}) {
		t.Errorf("asked for %v", c.asked)
	}
	if len(c.control) != read.Controls || c.control[0] != "user:default/u0" {
		t.Errorf("control of %d refs: %v", len(c.control), c.control)
	}
}

// TestFewFinds: a look-up asks the source only for records of the phases that a run
// would have read by then, and only once.
func TestFewFinds(t *testing.T) {
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
			c := newCompany()
			c.phases[1].Kinds[0].Off = tc.off
			c.add("identities", "user", "ann", "plain")
			c.add("identities", "user", "bob", "plain")
			c.addUnread("system", "pay")
			c.addUnread("System", "upper")
			c.addUnread("component", "api")
			c.addUnread("user", "sam")
			f := newFew(t.Context(), &component.Pipeline{Source: c, Model: c}, c, nil)
			c.readPhases(t, f, tc.phases)
			c.asked, c.control = nil, nil

			for range 2 {
				e, found := f.find(tc.ref)
				if found != tc.found || found && e.Ref != tc.ref || !found && e.Ref != "" {
					t.Errorf("found %v: %+v", found, e)
				}
			}
			if len(c.asked) != tc.asked || tc.asked > 0 && !slices.Equal(c.control, []string{"user:default/ann"}) {
				t.Errorf("asked for %v with the control %v", c.asked, c.control)
			}
			if err := f.failed(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFewFails: a look-up that fails is the error of the selection, and nothing else
// is asked for.
func TestFewFails(t *testing.T) {
	c := newCompany()
	c.add("identities", "user", "ann", "plain")
	c.addUnread("system", "pay")
	f := newFew(t.Context(), &component.Pipeline{Source: c, Model: c}, c, nil)
	c.readPhases(t, f, 2)
	c.asked, c.blind = nil, true
	if _, found := f.find("system:default/none"); found || f.failed() == nil {
		t.Errorf("found %v, %v", found, f.failed())
	}
	c.blind = false
	if _, found := f.find("system:default/pay"); found || f.failed() == nil || len(c.asked) != 1 {
		t.Errorf("found %v, %v, asked for %v", found, f.failed(), c.asked)
	}
}
