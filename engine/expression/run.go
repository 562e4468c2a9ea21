package expression

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Run evaluates programs for one record after another. It belongs to one
// goroutine, and to the Language that made it.
type Run struct {
	language *Language
	ref      string
	record   map[string]any
	lookup   Lookup
	unseen   string // a ref that was looked up since begin and is Unseen, or ""

	generation uint64
	memo       []memo // by define
	machines   []*vm.VM
	depth      int
	budget     budget
	argument   [1]any // of calls with one argument
}

// memo is what a define gave in a generation.
type memo struct {
	generation uint64
	value      any
	err        error
	unseen     string
}

// NewRun makes a Run, one for each worker goroutine. Start comes before Eval.
func (l *Language) NewRun() *Run {
	return &Run{language: l, memo: make([]memo, len(l.defines))}
}

// Start begins with a new record; what was remembered of the last is forgotten.
// A nil lookup finds nothing.
func (r *Run) Start(ref string, record map[string]any, lookup Lookup) {
	r.ref, r.record, r.lookup = ref, record, lookup
	r.Forget()
}

// Forget makes the defines be evaluated anew, after the record was changed.
func (r *Run) Forget() { r.generation++ }

// Record is the record that was started.
func (r *Run) Record() map[string]any { return r.record }

// Ref is the ref of the record that was started.
func (r *Run) Ref() string { return r.ref }

// Lookup finds another record by its ref.
func (r *Run) Lookup(ref string) (Entry, bool) {
	if r.lookup == nil {
		return Entry{}, false
	}
	e, presence := r.lookup(ref)
	if presence == Unseen {
		r.unseen = ref
	}
	return e, presence == Present
}

// UnseenError is a decision that looks up a ref which cannot be seen yet.
type UnseenError struct{ Ref string }

// Error names the ref and what to change.
func (e *UnseenError) Error() string {
	return "it looks up " + e.Ref + ", which is read in the same phase and cannot be seen: raise limits.hold above the size of the catalog, or decide by what the record itself says"
}

// begin begins an evaluation.
func (r *Run) begin() { r.budget, r.unseen = budget{}, "" }

// sure is the error of an evaluation that did not see all that it looked up.
func (r *Run) sure() error {
	if r.unseen == "" {
		return nil
	}
	return &UnseenError{r.unseen}
}

// Eval gives the program's value for the record: nil, bool, string, a finite
// int or float64, []any or map[string]any. It may share memory with the record.
// What is looked up and Unseen counts as absent. An error is a *RuntimeError.
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

// Decide is Eval for a value that decides what becomes of a record, or who finds
// it: a look-up that is Unseen makes it an *UnseenError (invariant 2).
func (r *Run) Decide(p *Program) (any, error) {
	v, err := r.Eval(p)
	if err == nil {
		err = r.sure()
	}
	return v, err
}

// True evaluates a condition. A value that is neither true nor false is an error,
// never false, and so is a look-up that is Unseen.
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

func (r *Run) run(p *Program) (any, error) {
	if r.depth == len(r.machines) {
		r.machines = append(r.machines, &vm.VM{})
	}
	before := r.budget.elements
	r.depth++
	v, err := r.machines[r.depth-1].Run(p.code, r)
	r.depth--
	if r.budget.elements-before > manyScopes {
		r.machines[r.depth] = &vm.VM{} // a machine never gives its scopes back
	}
	if err != nil {
		return nil, runtimeError(err, p)
	}
	return v, nil
}

// define is the value of a define, evaluated once per generation.
func (r *Run) define(i int) any {
	m := &r.memo[i]
	if m.generation != r.generation {
		outer, unseen := r.budget, r.unseen
		r.begin()
		v, err := r.run(r.language.defines[i].program)
		m.generation, m.value, m.err, m.unseen = r.generation, v, err, r.unseen
		r.budget, r.unseen = outer, unseen
	}
	if m.unseen != "" {
		r.unseen = m.unseen
	}
	if m.err != nil {
		panic(m.err)
	}
	return m.value
}

// runtimeError finds this package's own error in what the machine gives, or
// says in words what the machine ran into.
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
