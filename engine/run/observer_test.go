package run

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
)

// eyes records the steps of one record.
type eyes struct {
	ref string
	mu  sync.Mutex
	saw []string
}

func (e *eyes) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.saw = append(e.saw, fmt.Sprintf(format, args...))
}

func (e *eyes) Wants(ref string) bool       { return ref == e.ref }
func (e *eyes) Decoded(r *component.Record) { e.note("decoded %s", r.Ref) }
func (e *eyes) Transformed(_ *component.Worker, t component.Transform, _ map[string]any, r *component.Record,
	o component.Outcome) {
	e.note("transformed %s by %s, dropped %q", r.Ref, t.Name(), o.Dropped)
}
func (e *eyes) Mapping(_ *component.Worker, r *component.Record) { e.note("mapping %s", r.Ref) }
func (e *eyes) Mapped(r *component.Record, m component.Mapped) {
	e.note("mapped %s, %d", r.Ref, len(m.Items))
}
func (e *eyes) Decided(r *component.Record, p access.Permissions) {
	e.note("decided %s, %s", r.Ref, p.Audience)
}
func (e *eyes) Named(ref, principal string) { e.note("named %s %s", ref, principal) }
func (e *eyes) Staged(stream string, item component.Encoded) {
	e.note("staged %s %s", stream, item.Ref)
}
func (e *eyes) Ended(stream string, end component.Ending, why component.DeadLetter) {
	e.note("ended %s %s %s %s", stream, why.Ref, end, why.Reason)
}

// TestObserver: each step of the wanted record is reported once, in order, with its ending, and
// no step of any other record; the run is unchanged.
func TestObserver(t *testing.T) {
	for fate, want := range map[string][]string{
		"fine": {"decoded", `transformed component:default/it by fates, dropped ""`, "mapping", "mapped component:default/it, 1",
			"decided component:default/it, all-users", "staged documents", "ended documents component:default/it delivered"},
		"dropped": {"decoded", `dropped "unwanted"`, "ended  component:default/it filtered unwanted"},
		"broken":  {"decoded", "transformed", "ended  component:default/it rejected cannot be transformed"},
		"unmapped": {"decoded", "transformed", "mapping", "mapped component:default/it, 0",
			"ended  component:default/it filtered no mapping"},
		"mapping error": {"decoded", "transformed", "mapping", "ended  component:default/it rejected cannot be mapped"},
		"rule error": {"decoded", "transformed", "mapping", "mapped",
			"ended documents component:default/it rejected the rule cannot be decided"},
		"private": {"decoded", "transformed", "mapping", "mapped", "decided component:default/it, nobody",
			`ended documents component:default/it withheld rule "private" grants access to no one`},
		"of strangers": {"decoded", "transformed", "mapping", "mapped", "decided",
			"ended documents component:default/it withheld"},
	} {
		var reports [2]read.Counts
		for i, e := range []*eyes{nil, {ref: "component:default/it"}} {
			w := newWorld(t)
			w.P.Limits.MaxRejected = component.Bound{Items: 10}
			w.Add("identities", "user", "ann", "fine")
			w.Add("catalog", "component", "it", fate)
			for n := range 20 {
				w.Add("catalog", "component", fmt.Sprintf("other%d", n), "fine")
			}
			w.o.Until = Reviewed
			if e != nil {
				w.o.Observer = e
			}
			r, err := w.run(t)
			if err != nil {
				t.Fatal(err)
			}
			reports[i] = r.Endings
			if e == nil {
				continue
			}
			if len(e.saw) != len(want) || slices.ContainsFunc(want, func(s string) bool {
				return !strings.Contains(e.saw[slices.Index(want, s)], s)
			}) {
				t.Errorf("%s: told\n%s\nwant\n%s", fate, strings.Join(e.saw, "\n"), strings.Join(want, "\n"))
			}
		}
		if fmt.Sprint(reports[0]) != fmt.Sprint(reports[1]) {
			t.Errorf("%s: %v with an observer, %v without", fate, reports[1], reports[0])
		}
	}
}
