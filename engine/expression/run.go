package expression

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Run evaluates programs for one record after another. It belongs to one goroutine, and to the
// Language that created it.
type Run struct {
	language *Language
	ref      string
	record   map[string]any
	lookup   Lookup
	pending  string // a pending ref that was looked up since begin; "" for none

	generation uint64
	memo       []memo // by define
	remembered []remembered
	machines   []*vm.VM
	depth      int
	budget     budget
	argument   [1]any // of calls with one argument

	// The state of the current closure.
	stack []any // arguments of calls
	item  any   // the current element of the innermost predicate
	grown int   // number of created elements
}

// memo is the result of a define in a generation.
type memo struct {
	generation uint64
	value      any
	err        error
	pending    string
}

// remembered is a cached value of functions in a generation.
type remembered struct {
	generation uint64
	key, value any
}

// Remember returns the cached value of a key in this generation, or makes it.
func (r *Run) Remember(key any, make func(Context) any) any {
	for i := range r.remembered {
		m := &r.remembered[i]
		if m.key != key {
			continue
		}
		if m.generation != r.generation {
			m.generation, m.value = r.generation, make(r)
		}
		return m.value
	}
	r.remembered = append(r.remembered, remembered{r.generation, key, make(r)})
	return r.remembered[len(r.remembered)-1].value
}

// NewRun returns a Run; use one for each worker goroutine. Call Start before Eval.
func (l *Language) NewRun() *Run {
	return &Run{language: l, memo: make([]memo, len(l.defines))}
}

// Start makes a record the current one and drops what is cached of the last one. A nil lookup
// finds nothing.
func (r *Run) Start(ref string, record map[string]any, lookup Lookup) {
	r.ref, r.record, r.lookup = ref, record, lookup
	r.Forget()
}

// Forget drops the results of defines, for use after the record was changed.
func (r *Run) Forget() { r.generation++ }

// Record returns the current record.
func (r *Run) Record() map[string]any { return r.record }

// Ref returns the ref of the current record.
func (r *Run) Ref() string { return r.ref }

// Lookup finds another record by its ref.
func (r *Run) Lookup(ref string) (Entry, bool) {
	if r.lookup == nil {
		return Entry{}, false
	}
	e, presence := r.lookup(ref)
	if presence == Pending {
		r.pending = ref
	}
	return e, presence == Present
}

// PendingError is the error of a decision that looks up a pending ref.
type PendingError struct{ Ref string }

// Error returns the ref and what to change.
func (e *PendingError) Error() string {
	return "it looks up " + e.Ref +
		", which is read in the same phase and is not available: raise limits.hold above the size of the " +
		"catalog, or decide from the record itself"
}

// begin starts an evaluation.
func (r *Run) begin() { r.budget, r.pending = budget{}, "" }

// sure returns the error of an evaluation that looked up a pending ref.
func (r *Run) sure() error {
	if r.pending == "" {
		return nil
	}
	return &PendingError{r.pending}
}

// Eval returns the program's value for the record: nil, bool, string, a finite int or float64,
// []any or map[string]any. The value may share memory with the record. A pending ref counts as
// absent. An error is a *RuntimeError.
func (r *Run) Eval(p *Program) (any, error) {
	r.begin()
	v, err := r.run(p)
	if err != nil {
		return nil, err
	}
	text := 0
	if err := checkResult(v, &text); err != nil {
		return nil, p.start.errorf("%v", err)
	}
	return v, nil
}

// Decide is Eval for a value that decides what becomes of a record, or who finds it: looking up
// a pending ref gives a *PendingError (invariant 2).
func (r *Run) Decide(p *Program) (any, error) {
	v, err := r.Eval(p)
	if err == nil {
		err = r.sure()
	}
	return v, err
}

// True evaluates a condition. A value that is neither true nor false is an error, never false,
// and so is looking up a pending ref.
func (r *Run) True(p *Program) (bool, error) {
	r.begin()
	v, err := r.run(p)
	if err == nil {
		err = r.sure()
	}
	if err != nil {
		return false, err
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	return false, p.start.errorf("%s", needBool.problem("the condition", v))
}

// run evaluates a program with its closure. A program without a closure, and one whose closure
// fails, is evaluated by the machine, which provides the error. Evaluating it twice is safe:
// functions return the same for the same arguments, and results of defines are cached.
func (r *Run) run(p *Program) (any, error) {
	if p.closure != nil {
		if v, ok := r.direct(p.closure); ok {
			return v, nil
		}
	}
	return r.machine(p)
}

func (r *Run) machine(p *Program) (any, error) {
	if r.depth == len(r.machines) {
		r.machines = append(r.machines, &vm.VM{})
	}
	before := r.budget.elements
	r.depth++
	v, err := r.machines[r.depth-1].Run(p.code, r)
	r.depth--
	if r.budget.elements-before > manyScopes {
		r.machines[r.depth] = &vm.VM{} // a machine never releases its scopes
	}
	if err != nil {
		return nil, runtimeError(err, p)
	}
	return v, nil
}

// define returns the value of a define, evaluated once per generation.
func (r *Run) define(i int) any {
	m := &r.memo[i]
	if m.generation != r.generation {
		outer, pending := r.budget, r.pending
		r.begin()
		v, err := r.run(r.language.defines[i].program)
		m.generation, m.value, m.err, m.pending = r.generation, v, err, r.pending
		r.budget, r.pending = outer, pending
	}
	if m.pending != "" {
		r.pending = m.pending
	}
	if m.err != nil {
		panic(m.err)
	}
	return m.value
}

// runtimeError returns this package's own error in an error of the machine, or describes the
// machine's error in words.
func runtimeError(err error, p *Program) error {
	var own *RuntimeError
	if errors.As(err, &own) {
		return own
	}
	var located *file.Error
	if !errors.As(err, &located) {
		return p.start.errorf("%s", plainWords(err.Error()))
	}
	if strings.Contains(located.Message, "memory budget exceeded") {
		return place{p.start.src, located.From}.errorf("%v", errElements)
	}
	return place{p.start.src, located.From}.errorf("%s", plainWords(located.Message))
}
