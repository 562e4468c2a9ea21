package run

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// night is a company with several runs of the same state folder.
type night struct{ fake.Folder }

func newNight(t *testing.T) night { return night{fake.Folder{T: t, Dir: t.TempDir()}} }

// run runs a world that fill adds to.
func (n night) run(fill func(w *world)) (*world, *Report, error) {
	n.T.Helper()
	w := newWorld(n.T)
	w.o.State = n.Store()
	fill(w)
	w.Add("identities", "user", "sam", "fine")
	w.Add("identities", "user", "ann", "fine")
	report, err := w.run(n.T)
	return w, report, err
}

// good runs a pipeline that must be delivered.
func (n night) good(fill func(w *world)) (*world, *Report) {
	n.T.Helper()
	w, report, err := n.run(fill)
	if err != nil {
		n.T.Fatal(err)
	}
	return w, report
}

// approved runs a pipeline, and when a guard refuses it, runs it again with the ID of the
// refusal.
func (n night) approved(fill func(w *world)) (*world, *Report) {
	n.T.Helper()
	w, report, err := n.run(fill)
	if id := idOf(err); id != "" {
		return n.good(func(w *world) { fill(w); w.o.Approve = []string{id} })
	}
	if err != nil {
		n.T.Fatal(err)
	}
	return w, report
}

// idOf returns the ID of a refused run; "" when it was not refused or has no ID.
func idOf(err error) string {
	var refused *fault.Refusal
	if errors.As(err, &refused) {
		return refused.ID
	}
	return ""
}

// age makes everything that is away older by a duration.
func (n night) age(by time.Duration) {
	n.T.Helper()
	s, err := baseline.Open(n.Store(), fake.Place)
	if err != nil {
		n.T.Fatal(err)
	}
	last, err := s.Load()
	if err != nil {
		n.T.Fatal(err)
	}
	defer last.Close()
	w, err := s.Create(last.Header)
	if err != nil {
		n.T.Fatal(err)
	}
	for e, err := range last.Entries() {
		if err != nil {
			n.T.Fatal(err)
		}
		if !e.Away.IsZero() {
			e.Away = e.Away.Add(-by)
		}
		w.Add(e)
	}
	if err := w.Commit(); err != nil {
		n.T.Fatal(err)
	}
}

func tableOf(err error) []string {
	var refused *fault.Refusal
	if errors.As(err, &refused) {
		return refused.Table
	}
	return nil
}

// fates1 gives the first n components another fate.
func fates1(w *world, n int, fate string) {
	all := w.Records["catalog"]
	w.Records["catalog"] = nil
	w.Components(n, fate)
	w.Records["catalog"] = append(w.Records["catalog"], all[n:]...)
	w.P.Limits.MaxRejected = component.Bound{Share: 1}
}

func renamed(w *world, n int) {
	for i := range n {
		w.Add("catalog", "component", fmt.Sprintf("other%d", i), "fine")
	}
}

func renamedFrom(w *world, from, to int) {
	w.Components(to, "fine")
	w.Records["catalog"] = w.Records["catalog"][from:]
}

func apis(w *world, n int) {
	for i := range n {
		w.Add("catalog", "api", fmt.Sprint("a", i), "fine")
	}
}

func team(w *world, members int) {
	g := []string{"group:default/team"}
	for i := range members {
		g = append(g, fmt.Sprint("user", i))
	}
	w.Teams = append(w.Teams, g)
}

func manyNames(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("user", i))
	}
	return out
}
