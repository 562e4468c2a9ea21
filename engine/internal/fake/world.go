package fake

import (
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
)

// World is a pipeline of a company, fates and a store. P may be changed before a run.
type World struct {
	*Company
	*Fates
	*Store
	P *component.Pipeline
}

// NewWorld returns a pipeline whose company has no records.
func NewWorld(t *testing.T) *World {
	t.Helper()
	w := &World{
		Company: NewCompany(),
		Fates:   &Fates{Display: map[string]string{}},
		Store:   &Store{Fail: map[string]error{}, Refusals: map[string]string{}},
	}
	language, errs := expression.New(w.Company.Language(), nil, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	w.Present = func(w *component.Worker, ref string) (bool, error) {
		program, err := language.Compile(fmt.Sprintf("there(%q)", ref), expression.WantAny)
		if err != nil {
			return false, err
		}
		return w.Run.True(program)
	}
	limits := component.DefaultLimits()
	limits.BatchCount = 5
	w.P = &component.Pipeline{
		Name: "test", Language: language, Model: w.Company, Source: w.Company,
		Transforms: []component.Transform{w.Fates}, Mapper: w.Fates, Decider: w.Fates, Sink: w.Store, Limits: limits,
		Streams: []component.Stream{
			{Name: "users", Identities: true},
			{Name: "documents", Permissions: true},
		},
		Unwritten: func(string) string { return "" },
	}
	return w
}

// Components adds n components c000, c001, ... with the same fate.
func (c *Company) Components(n int, fate string) {
	for i := range n {
		c.Add("catalog", "component", fmt.Sprintf("c%03d", i), fate)
	}
}
