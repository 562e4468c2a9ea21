package explain

import (
	"fmt"
	"slices"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Evaluated is the result of an expression for one record.
type Evaluated struct {
	Ref   string `json:"ref"`
	Value any    `json:"value"`
	Error string `json:"error,omitempty"`
	// Note means that no mapping takes the record.
	Note string `json:"note,omitempty"`
	Err  error  `json:"-"`
}

// Evaluator is an observer that evaluates an expression at the same point as a run.
type Evaluator struct {
	*Trace
	// Keep returns what is kept of a value; nil keeps all of it.
	Keep func(value any) any
	// Alone evaluates on the record alone: no other record is found by its ref.
	Alone bool

	program *expression.Program
	most    int
	mu      sync.Mutex
	seen    map[string]bool
	results map[string]Evaluated
	refs    []string // of results, sorted
}

var _ component.Observer = (*Evaluator)(nil)

// NewEvaluator returns an evaluator for a run of the pipeline. It evaluates the program for the
// records that want chooses and keeps the results of the first most of them by ref; 0 keeps all.
func NewEvaluator(p *component.Pipeline, program *expression.Program, most int, want func(ref string) bool) *Evaluator {
	return &Evaluator{Trace: New(p, want), program: program, most: most, seen: map[string]bool{},
		results: map[string]Evaluated{}}
}

// Mapping evaluates the expression for a record that a mapping takes.
func (e *Evaluator) Mapping(w *component.Worker, r *component.Record) {
	if e.want(r.Ref) {
		e.evaluate(w, r, "")
	}
}

// Transformed evaluates it for a record that a transform drops.
func (e *Evaluator) Transformed(w *component.Worker, t component.Transform, before map[string]any, r *component.Record,
	o component.Outcome) {
	e.Trace.Transformed(w, t, before, r, o)
	if o.Dropped != "" && e.want(r.Ref) {
		w.Begin(r)
		e.evaluate(w, r, fmt.Sprintf("the transform %[2]q drops %[1]s, so a run never maps it", r.Ref, t.Name()))
	}
}

func (e *Evaluator) evaluate(w *component.Worker, r *component.Record, note string) {
	if e.Alone {
		w.Run.Start(r.Ref, r.Value, nil)
		defer w.Begin(r)
	}
	v, err := w.Run.Eval(e.program)
	one := Evaluated{Ref: r.Ref, Value: v, Note: note, Err: err}
	if err != nil {
		one.Error = err.Error()
	} else if e.Keep != nil {
		one.Value = e.Keep(v)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[r.Ref] = true
	at, again := slices.BinarySearch(e.refs, r.Ref)
	if !again {
		e.refs = slices.Insert(e.refs, at, r.Ref)
	}
	e.results[r.Ref] = one
	if e.most > 0 && len(e.refs) > e.most {
		delete(e.results, e.refs[e.most])
		e.refs = e.refs[:e.most]
	}
}

// Results returns the results that are kept, by ref, and for how many records there was one.
func (e *Evaluator) Results() (first []Evaluated, total int) {
	first = []Evaluated{}
	for _, ref := range e.refs {
		first = append(first, e.results[ref])
	}
	return first, len(e.seen)
}

// Result returns the result of a record that was read. It has an error when the record was rejected
// before its mapping.
func (e *Evaluator) Result(ref string) Evaluated {
	if one, ok := e.results[ref]; ok {
		return one
	}
	err := fmt.Errorf("%s is rejected before its mapping: %s", ref, e.Journey(ref).Ending().Because())
	return Evaluated{Ref: ref, Error: err.Error(), Err: err}
}
