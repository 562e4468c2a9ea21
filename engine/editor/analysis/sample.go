package analysis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Sample is the record that values are shown for. The zero value is the first record of the
// tests' fixtures, or of the sandbox when there are no tests.
type Sample struct {
	// File is a file of records, or "tests" or "sandbox"; "" chooses.
	File string
	// Ref is the ref of the record or a part of it; "" takes the first with a document.
	Ref string
}

// sampleTime bounds a run over the sample's records.
const sampleTime = 3 * time.Second

// mostSamples bounds the records of a sample.
const mostSamples = 2000

// Choose makes a sample that of a pipeline file.
func (w *Workspace) Choose(path string, s Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples[w.key(path)] = s
}

func (w *Workspace) key(path string) string { return filepath.Clean(path) }

var sampleComment = regexp.MustCompile(`(?m)^\s*# sample: *(?:(\S+\.\w+|tests|sandbox) +)?(\S*) *$`)

// sample returns the sample of a file: that of its comment `# sample: [FILE] REF`, or the chosen
// one.
func (w *Workspace) sample(path string) Sample {
	if m := sampleComment.FindStringSubmatch(w.Document(path).Text()); m != nil {
		return Sample{File: m[1], Ref: m[2]}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.samples[w.key(path)]
}

// given returns the records of a pipeline file's sample.
func (w *Workspace) given(path string, m component.Model, source string) ([]component.Recorded, map[string]string,
	error) {
	s := w.sample(path)
	tests := suite.TestPath(path)
	f, _ := suite.Parse(tests, []byte(w.Document(tests).Text()))
	all := f.Samples()
	var err error
	switch {
	case s.File == "tests", s.File == "" && len(all) > 0:
	case s.File == "" || s.File == "sandbox":
		all = w.bundled(source)
	default:
		all, err = w.records(recordedPath(path, s.File), m)
	}
	return all[:min(len(all), mostSamples)], f.Variables, err
}

// inputs identifies the records of a pipeline file's sample.
func (w *Workspace) inputs(path string) string {
	s := w.sample(path)
	all := []string{s.File, w.Document(suite.TestPath(path)).Text()}
	if s.File != "" && s.File != "tests" && s.File != "sandbox" {
		all = append(all, w.Document(recordedPath(path, s.File)).Text())
	}
	return strings.Join(all, "\x00")
}

// recordedPath returns the path of a file of records that a sample of a pipeline file names.
func recordedPath(path, file string) string {
	return filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
}

func (w *Workspace) bundled(source string) (out []component.Recorded) {
	for _, s := range w.Registry.Sources {
		if s.Sample != nil && (s.Name == source || source == "") {
			for _, raw := range s.Sample() {
				out = append(out, component.Recorded{Raw: raw})
			}
		}
	}
	return out
}

// decoded returns the records of the sample as they are before a run.
func (w *Workspace) decoded(path string) (out []map[string]any) {
	d := w.language(path)
	if d == nil {
		return nil
	}
	all, _, err := w.given(path, d.Model, d.Source.Name)
	if err != nil {
		return nil
	}
	for _, one := range all {
		if record, err := codec.Decode(one.Raw); err == nil {
			out = append(out, record)
		}
	}
	return out
}

// sampleRun is what a run would make of the sample's records.
type sampleRun struct {
	*explain.Trace
	definition *pipeline.Definition
	sink       component.Sink
	streams    []component.Stream
	text       string
	inputs     string // of the sample
	ref        string
	values     map[string]map[string]value // by expression and ref
	notes      []string
}

type value struct {
	v   any
	err error
}

// evaluating evaluates expressions at the same point as a run.
type evaluating struct {
	*explain.Trace
	programs map[string]*expression.Program
	mu       sync.Mutex
	values   map[string]map[string]value
}

// Mapping evaluates the expressions.
func (e *evaluating) Mapping(w *component.Worker, r *component.Record) {
	for text, p := range e.programs {
		v, err := w.Run.Eval(p)
		e.mu.Lock()
		if e.values[text] == nil {
			e.values[text] = map[string]value{}
		}
		e.values[text][r.Ref] = value{v, err}
		e.mu.Unlock()
	}
}

var errProblems = errors.New("the file has problems")

// try runs the sample's records up to where something would be sent, and evaluates expressions
// on each. Plugins are left out, and the state folder and the environment are not read.
func (w *Workspace) try(ctx context.Context, path string, expressions ...string) (*sampleRun, error) {
	content, inputs := w.Document(path).Text(), w.inputs(path)
	w.mu.Lock()
	last := w.runs[path]
	w.mu.Unlock()
	if last != nil && (last.text != content || last.inputs != inputs) {
		last = nil
	}
	if last != nil && !slices.ContainsFunc(expressions, func(e string) bool {
		_, known := last.values[e]
		return !known
	}) {
		again := *last
		again.ref = w.pick(path, last.definition.Model, last.Trace)
		return &again, nil
	}
	first := w.load(path).definition
	if first == nil || first.Model == nil || first.Problems.HasErrors() {
		return nil, errProblems
	}
	given, variables, err := w.given(path, first.Model, first.Source.Name)
	if err != nil {
		return nil, err
	}
	o := w.options(path, []byte(content)).ForTests(variables)
	o.Unpinned, o.State = true, state.None{}
	d := o.Parse(ctx)
	if d.Problems.HasErrors() {
		return nil, errProblems
	}
	source, err := w.Source(given, d.Model)
	if err != nil {
		return nil, err
	}
	p, closePipeline, err := d.OpenWith(source, component.Settings{Loopback: true, Folder: filepath.Dir(path)})
	if err != nil {
		return nil, err
	}
	defer closePipeline()
	out := &sampleRun{text: content, inputs: inputs, definition: d, sink: p.Sink, streams: p.Streams}
	p.Transforms = slices.DeleteFunc(slices.Clone(p.Transforms), func(t component.Transform) bool {
		_, runs := component.Capability[component.Programmed](t)
		if runs {
			out.notes = append(out.notes, fmt.Sprintf("without the plugin %q, which an editor does not start", t.Name()))
		}
		return runs
	})
	e := &evaluating{Trace: explain.New(p, func(string) bool { return true }),
		programs: map[string]*expression.Program{}, values: map[string]map[string]value{}}
	for _, one := range expressions {
		if program, wrong := d.Language.Compile(one, expression.WantAny); wrong == nil {
			e.programs[one] = program
		}
		e.values[one] = map[string]value{}
	}
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	if _, err := explain.Watch(ctx, p, nil, e); err != nil {
		return nil, err
	}
	out.Trace, out.values, out.ref = e.Trace, e.values, w.pick(path, p.Model, e.Trace)
	if last != nil {
		maps.Copy(out.values, last.values)
	}
	w.mu.Lock()
	w.runs[path] = out
	w.mu.Unlock()
	return out, nil
}

// pick returns the ref of the sample.
func (w *Workspace) pick(path string, m component.Model, t *explain.Trace) string {
	refs := t.Refs()
	if asked := w.sample(path).Ref; asked != "" {
		ref, _ := explain.NewMatcher(m, asked).Pick(refs)
		return ref
	}
	for _, ref := range refs {
		if j := t.Journey(ref); j != nil && j.Decision != nil && !t.IsIdentity(ref) {
			return ref
		}
	}
	return cmp.Or(append(refs, "")...)
}

// Refs returns the refs that may be chosen as a sample of a file.
func (w *Workspace) Refs(ctx context.Context, path string) ([]string, error) {
	r, err := w.try(ctx, w.pipelineOf(path))
	if err != nil {
		return nil, err
	}
	return r.Trace.Refs(), nil
}

// Explain returns, as Markdown, what becomes of the sample: its document and who finds it.
func (w *Workspace) Explain(ctx context.Context, path string) (string, error) {
	r, err := w.try(ctx, path)
	if err != nil {
		return "", err
	}
	if r.ref == "" {
		return "", errors.New("the sample has no such record")
	}
	j := r.Journey(r.ref)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", inline(r.ref))
	for _, note := range r.notes {
		fmt.Fprintf(&b, "%s\n\n", inline(note))
	}
	if j.Decision != nil {
		fmt.Fprintf(&b, "Found by: rule **%s**: %s\n\n", inline(j.Decision.Rule), inline(fmt.Sprint(j.Decision.Audience)))
		if len(j.Decision.Principals) > 0 {
			fmt.Fprintf(&b, "%s\n\n", inline(strings.Join(j.Decision.Principals, ", ")))
		}
	}
	for _, i := range j.Items {
		fmt.Fprintf(&b, "## %s\n\n", inline(i.Stream))
		for _, f := range i.Fields {
			properties, ok := f.Value.([]component.Field)
			if !ok {
				fmt.Fprintf(&b, "- %s: %s\n", inline(f.Name), shown(f.Value))
				continue
			}
			fmt.Fprintf(&b, "- %s:\n", inline(f.Name))
			for _, p := range properties {
				fmt.Fprintf(&b, "  - %s: %s\n", inline(p.Name), shown(p.Value))
			}
		}
		b.WriteByte('\n')
	}
	if end := j.Ending(); len(j.Items) == 0 || end.Why.Reason != "" {
		fmt.Fprintf(&b, "%s\n", inline(end.Because()))
	}
	return b.String(), nil
}

// Outcome is the result of a test.
type Outcome struct {
	Name     string
	OK       bool
	Line     int // of the test, from 1
	Failures []suite.Failure
}

// Test runs the tests of a file whose name is given, or all with "". Tests whose pipeline has a
// plugin are not run.
func (w *Workspace) Test(ctx context.Context, path, name string) ([]Outcome, error) {
	f, problems := suite.Parse(path, []byte(w.Document(path).Text()))
	if problems.HasErrors() {
		return nil, problems.Errors()
	}
	o := w.suiteOptions()
	if name != "" {
		o.Run = regexp.MustCompile("^" + regexp.QuoteMeta(name) + "$")
	}
	tests, broken, problems := f.Prepare(o)
	if broken != nil {
		return nil, fmt.Errorf("%s: %w", f.PipelinePath(), broken.Problems.Errors())
	}
	if problems.HasErrors() {
		return nil, problems.Errors()
	}
	if d := w.load(f.PipelinePath()).definition; d != nil {
		for _, t := range d.Transforms() {
			if _, runs := component.Capability[component.Programmed](t); runs {
				return nil, fmt.Errorf("the pipeline starts the plugin %q, which an editor does not: use pipe test", t.Name())
			}
		}
	}
	var out []Outcome
	for _, t := range tests {
		limited, cancel := context.WithTimeout(ctx, sampleTime)
		r, err := t.Run(limited, &suite.Coverage{})
		cancel()
		if err != nil {
			return out, err
		}
		out = append(out, Outcome{r.Name, r.OK, r.Line, r.Failures})
	}
	return out, nil
}
