package suite

import (
	"context"
	"maps"
	"regexp"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Options are the options for running test files.
type Options struct {
	// Pipeline loads a pipeline file with only these variables.
	Pipeline func(path string, variables map[string]string) *pipeline.Definition
	// Records reads a file of records for a source with this model.
	Records func(path string, m component.Model) ([]component.Recorded, error)
	// Source returns a source of records.
	Source func(records []component.Recorded, m component.Model) (component.Source, error)
	// Settings are passed to components when they are opened.
	Settings component.Settings
	// Run selects tests by name; nil selects all.
	Run *regexp.Regexp
	// Golden reads a golden file; nil reads it from the file system.
	Golden func(path string) ([]byte, error)
	// Update writes golden files instead of comparing with them.
	Update bool
}

// Result is the result of one test.
type Result struct {
	config.Pos
	Name     string    `json:"name"`
	OK       bool      `json:"ok"`
	Failures []Failure `json:"failures,omitempty"`
	// Updated is the golden file that was written.
	Updated string `json:"updated,omitempty"`
}

// Prepared is a test that is ready to run.
type Prepared struct {
	file    *File
	test    *Test
	d       *pipeline.Definition
	records []component.Recorded
	o       Options
}

// Prepare loads the pipeline for each selected test and checks its records and expectations.
// broken is the pipeline when the pipeline file itself is invalid.
func (f *File) Prepare(o Options) (tests []*Prepared, broken *pipeline.Definition, problems config.Problems) {
	for i := range f.Tests {
		t := &f.Tests[i]
		if o.Run != nil && !o.Run.MatchString(t.Name) {
			continue
		}
		variables := maps.Clone(f.Variables)
		if variables == nil {
			variables = map[string]string{}
		}
		maps.Copy(variables, t.Variables)
		d := o.Pipeline(f.PipelinePath(), variables)
		if d.Problems.HasErrors() {
			return nil, d, problems.Sorted()
		}
		records, wrong := f.given(t, func(path string) ([]component.Recorded, error) { return o.Records(path, d.Model) })
		problems = append(problems, wrong...)
		c := &checker{d: d}
		for _, e := range t.Expect {
			if e.Value.node != nil {
				c.check(e.Value.node)
			}
		}
		if len(t.Expect) == 0 && t.Golden == "" {
			c.problem(t.node, "required", "the test expects nothing",
				"add expect: with the outcome of a record, or golden: FILE")
		}
		problems = append(problems, c.problems...)
		tests = append(tests, &Prepared{f, t, d, records, o})
	}
	return tests, nil, problems.Sorted()
}

// Run runs a test and records in the coverage what it touched. It returns an error when the run
// itself fails, for example because a plugin does not start; a failed test is no error.
func (p *Prepared) Run(ctx context.Context, c *Coverage) (Result, error) {
	r := Result{Pos: p.test.node.Pos(), Name: p.test.Name}
	c.enter(p.d)
	source, err := p.o.Source(p.records, p.d.Model)
	if err != nil {
		return r, err
	}
	pipe, closePipeline, err := p.d.OpenWith(source, p.o.Settings)
	if err != nil {
		return r, err
	}
	defer closePipeline()
	t := explain.New(pipe, func(string) bool { return true })
	if _, err := explain.Watch(ctx, pipe, nil, t); err != nil {
		return r, err
	}
	records := t.Refs()
	for _, e := range p.test.Expect {
		ref, near := explain.NewMatcher(p.d.Model, e.Key).Pick(records)
		if ref == "" {
			r.Failures = append(r.Failures, Failure{Pos: e.KeyPos, Message: notRead(e.Key, near)})
			continue
		}
		j := t.Journey(ref)
		c.note(p.d, j, func(key string) bool { return e.Value.node.Get(key) != nil })
		g := &judge{d: p.d, t: t, j: j}
		g.expect(e.Value.node)
		r.Failures = append(r.Failures, g.failures...)
	}
	if p.test.Golden != "" {
		for _, ref := range records {
			c.note(p.d, t.Journey(ref), func(string) bool { return true })
		}
		if err := p.golden(&r, t); err != nil {
			return r, err
		}
	}
	r.OK = len(r.Failures) == 0
	return r, nil
}

func notRead(ref string, near []string) string {
	text := ref + " is not among the records that were read"
	if len(near) > 0 {
		text += "; similar: " + display.List(near, mostListed, ", ")
	}
	return text
}
