package mcp

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/pipe-engine/pipe/engine/check"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/config/schema"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

// addTools adds all tools.
func (s *server) addTools(p *mcp.Server) {
	add(s, p, "check", "Report every problem of a pipeline or test file, with its place and a hint. Reads no "+
		"secret.", s.check)
	add(s, p, "explain", "Show how one entity becomes a document, line by line, which permission rule decided, and "+
		"who finds it; with as, whether one person finds it and why.", s.explain)
	add(s, p, "eval", "Evaluate an expression on one entity, or on the first ten.", s.eval)
	add(s, p, "test", "Run the tests of a pipeline file, and name the permission rules that no test touches.", s.test)
	add(s, p, "diff", "Compare what a run would send with a folder that pipe run --output wrote: first who finds what, "+
		"then field by field.", s.diff)
	add(s, p, "functions", "List the functions of expressions, or explain one with examples.", s.functions)
	add(s, p, "components", "List the parts of a pipeline file, or explain every key of one.", s.components)
	add(s, p, "schema", "Give the JSON Schema of pipeline or test files, or of one key by its path.", s.schema)
	add(s, p, "sandbox_run", "Do a whole run against servers on this machine, and report what became of the records.",
		s.sandboxRun)
	add(s, p, "search_as", "Search the documents that a run would publish, as one person.", s.searchAs)
}

type checkIn struct {
	File string `json:"file" jsonschema:"the pipeline or test file, by its path from the served folder"`
}

func (s *server) check(ctx context.Context, in checkIn) (any, error) {
	text, err := s.files.read(in.File, maxPipeline)
	if err != nil {
		return nil, err
	}
	if suite.IsTestFile(in.File) {
		f, problems := suite.Parse(in.File, text)
		one, _ := check.Tests(in.File, f, problems, s.testOptions())
		return one, nil
	}
	o := s.options(in.File, text)
	o.Lenient = true
	return check.Pipeline(in.File, o.Parse(ctx)), nil
}

type testIn struct {
	File string `json:"file" jsonschema:"the pipeline file, tested by NAME.test.yaml in its folder, or a test file"`
	Run  string `json:"run,omitempty" jsonschema:"run only the tests whose names match this regular expression"`
}

// tested is the result of the tests of one file.
type tested struct {
	OK       bool           `json:"ok"`
	File     string         `json:"file"`
	Passed   int            `json:"passed"`
	Failed   int            `json:"failed"`
	Tests    []suite.Result `json:"tests"`
	Untested []string       `json:"untested_rules"`
	// Lines are the lines of the mapping that no test touches.
	Lines []string `json:"untested_lines"`
}

func (s *server) test(ctx context.Context, in testIn) (any, error) {
	o := s.testOptions()
	if !s.o.Inspect {
		o.Records = func(string, component.Model) ([]component.Recorded, error) { return nil, recordedRefused() }
	}
	if in.Run != "" {
		var err error
		if o.Run, err = regexp.Compile(in.Run); err != nil {
			return nil, &fault.Invalid{Reason: "run is not a regular expression: " + err.Error(),
				Remedy: "write a part of the names of the tests"}
		}
	}
	path := in.File
	if !suite.IsTestFile(path) {
		path = suite.TestPath(path)
	}
	text, err := s.files.read(path, maxPipeline)
	if err != nil {
		return nil, err
	}
	f, problems := suite.Parse(path, text)
	if problems.HasErrors() {
		return nil, problems.Errors()
	}
	tests, broken, problems := f.Prepare(o)
	switch {
	case broken != nil:
		return nil, broken.Problems.Errors()
	case problems.HasErrors():
		return nil, problems.Errors()
	case len(tests) == 0:
		return nil, &fault.Invalid{Reason: "no test was run", Remedy: "the names of the tests are under name in " + path}
	}
	out := tested{File: path, Tests: []suite.Result{}, Untested: []string{}, Lines: []string{}}
	coverage := &suite.Coverage{}
	for _, one := range tests {
		r, err := one.Run(ctx, coverage)
		if err != nil {
			return nil, fmt.Errorf("%s: test %q: %w", r.Pos, r.Name, err)
		}
		if r.OK {
			out.Passed++
		} else {
			out.Failed++
		}
		out.Tests = append(out.Tests, r)
	}
	if in.Run == "" {
		out.Untested = append(out.Untested, coverage.Untested()...)
		for _, l := range suite.Untouched(coverage.Mapping) {
			out.Lines = append(out.Lines, l.Pos.String()+": "+l.Name)
		}
	}
	out.OK = out.Failed == 0 && len(out.Untested) == 0
	return out, nil
}

type nameIn struct {
	Name string `json:"name,omitempty" jsonschema:"one of them; leave it out to list all"`
}

func (s *server) functions(_ context.Context, in nameIn) (any, error) {
	all := pipeline.Functions(s.o.Registry)
	if in.Name != "" {
		return named("function", in.Name, all, func(f pipeline.Function) string { return f.Name })
	}
	out := map[string]string{}
	for _, f := range all {
		first, _, _ := strings.Cut(f.Doc, ". ")
		out[f.Signature] = strings.TrimSuffix(first, ".")
	}
	return out, nil
}

func (s *server) components(_ context.Context, in nameIn) (any, error) {
	all := pipeline.Components(s.o.Registry)
	if in.Name != "" {
		c, err := named("component", in.Name, all, func(c pipeline.Component) string { return c.Name })
		if err != nil {
			return nil, err
		}
		keys := []string{}
		addKeys(&keys, c.Fields)
		return map[string]any{"name": c.Name, "role": c.Role, "doc": c.Doc, "keys": keys}, nil
	}
	out := []map[string]string{}
	for _, c := range all {
		out = append(out, map[string]string{"name": c.Name, "role": c.Role, "doc": c.Doc})
	}
	return out, nil
}

// addKeys adds a line for each key and those below it.
func addKeys(lines *[]string, fields []config.Field) {
	for _, f := range fields {
		*lines = append(*lines, f.Path+" ("+strings.Join(pipeline.Facts(f), ", ")+"): "+f.Doc)
		addKeys(lines, f.Fields)
	}
}

// named returns the element with a name.
func named[T any](noun, asked string, all []T, name func(T) string) (out T, err error) {
	known := make([]string, len(all))
	for i, one := range all {
		known[i] = name(one)
	}
	if i := slices.Index(known, asked); i >= 0 {
		return all[i], nil
	}
	hint := "leave name out to list them"
	if near := config.Nearest(asked, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return out, &fault.Invalid{Reason: fmt.Sprintf("there is no %s %q", noun, asked), Remedy: hint}
}

type schemaIn struct {
	Tests bool   `json:"tests,omitempty" jsonschema:"that of test files"`
	Path  string `json:"path,omitempty" jsonschema:"the part for one key, such as permissions or sink.glean; without it the keys below the top are listed"`
}

func (s *server) schema(_ context.Context, in schemaIn) (any, error) {
	root := pipeline.Describe(s.o.Registry)
	if in.Tests {
		root = suite.Describe(s.o.Registry)
	}
	at := root
	for key := range strings.SplitSeq(in.Path, ".") {
		if key == "" {
			continue
		}
		below, err := named("key", key, at.Fields, func(f config.Field) string { return f.Name })
		if err != nil {
			return nil, err
		}
		at = below
	}
	if in.Path != "" {
		return schema.Of(at), nil
	}
	keys := map[string]any{}
	for _, f := range at.Fields {
		one := map[string]any{"type": f.Type, "doc": f.Doc}
		var below []string
		for _, inner := range f.Fields {
			below = append(below, inner.Name)
		}
		if len(below) > 0 {
			one["keys"] = below
		}
		keys[f.Name] = one
	}
	return map[string]any{"keys": keys,
		"more": "name a key with path for its JSON Schema; pipe schema prints all of it"}, nil
}
