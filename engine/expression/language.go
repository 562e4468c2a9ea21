package expression

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Language is a model with its defines. It and its Programs may be used by many
// goroutines.
type Language struct {
	names     map[string]Type
	functions map[string]*Function
	vars      map[string]any
	defines   []define
	byName    map[string]int // of a define

	needs func(define int) (cycle string) // while New compiles the defines
	used  map[string]bool                 // the defines and vars that a program reads, a var as vars.NAME

	compiling sync.Mutex   // guards config and used
	config    *conf.Config // expr caches types in it while it compiles
}

// Program is a compiled expression.
type Program struct {
	code    *vm.Program
	closure closure // gives what code gives where that is no error; nil where there is none
	start   place
	kind    Kind
	reads   []string
	uses    []string // defines and vars, a var as vars.NAME
	// members is the type of a list or an object, nil of anything else.
	members  *nature.Nature
	known    known
	warnings []*Error
}

// Warnings are what the program does and most likely should not, such as a text
// as a condition where a record may have another value.
func (p *Program) Warnings() []*Error { return p.warnings }

// Reads lists the dotted paths of the record that the program can read, sorted,
// none within another: `metadata.annotations`, `spec.type`. Where it is not
// known which members are read, the path of what holds them stands.
func (p *Program) Reads() []string { return slices.Clone(p.reads) }

// New makes a language and compiles the defines. With errors, sorted by define
// and position, the language is good for finding more of them by Compile, and
// not for running. A function of the model replaces a general one of its name.
func New(model Model, defines []Define, vars map[string]any) (*Language, []*Error) {
	l := &Language{
		names:     model.Names,
		functions: make(map[string]*Function),
		vars:      maps.Clone(vars),
		byName:    make(map[string]int),
		used:      make(map[string]bool),
	}
	for _, group := range [][]Function{generalFunctions(), model.Functions} {
		for _, f := range group {
			l.functions[f.Name] = &f
		}
	}
	l.config = newConfig(model.Names, l.vars)
	return l, l.compileDefines(defines)
}

// Warnings are those of the defines, see Program.Warnings.
func (l *Language) Warnings() []*Error {
	var out []*Error
	for _, d := range l.defines {
		if d.program != nil {
			out = append(out, d.program.warnings...)
		}
	}
	return out
}

// ReadsRecord tells whether a text is an expression that reads the record.
func (l *Language) ReadsRecord(text string) bool {
	l.compiling.Lock()
	defer l.compiling.Unlock()
	p, err := l.compile(&source{text: text}, WantAny)
	return err == nil && (len(p.reads) > 0 || text == "ref")
}

// Functions lists every function, sorted by name. Call is nil in those that
// take a predicate, as map: the language evaluates them itself.
func (l *Language) Functions() []Function {
	all := predicateFunctions()
	for _, f := range l.functions {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Function is the function of a name.
func (l *Language) Function(name string) (Function, bool) {
	f, ok := l.functions[name]
	if !ok {
		return Function{}, false
	}
	return *f, true
}

// Uses tells whether anything that Compile made a program of reads a define, or a
// var as vars.NAME, be it through other defines.
func (l *Language) Uses(name string) bool {
	l.compiling.Lock()
	defer l.compiling.Unlock()
	return l.used[name] || l.used[allVars] && strings.HasPrefix(name, "vars.")
}

// allVars stands for all of them, where it is not known which is read.
const allVars = "vars"

// words lists every name that may stand without parentheses.
func (l *Language) words() iter.Seq[string] {
	return func(yield func(string) bool) {
		_ = yield("ref") && yield("vars") && each(maps.Keys(l.names), yield) && each(maps.Keys(l.byName), yield)
	}
}

// calledNames lists every name that may stand before parentheses.
func (l *Language) calledNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		_ = each(maps.Keys(l.functions), yield) && each(maps.Keys(predicates), yield)
	}
}

func each(names iter.Seq[string], yield func(string) bool) bool {
	for name := range names {
		if !yield(name) {
			return false
		}
	}
	return true
}

// newConfig describes the model to expr's parser and checker. No built-in is
// left on: functions are this package's own, predicates are chosen by resolve.
func newConfig(names map[string]Type, vars map[string]any) *conf.Config {
	env := types.Map{"vars": exprVars(vars)}
	for name, t := range names {
		env[name] = exprType(t)
	}
	c := conf.CreateNew()
	c.WithEnv(env)
	c.MaxNodes = maxNodes
	c.Optimize = false
	for name := range c.Builtins {
		c.Disabled[name] = true
		delete(c.Builtins, name)
	}
	return c
}

func exprType(t Type) types.Type {
	switch {
	case t.element != nil:
		return types.Array(exprType(*t.element))
	case !t.object:
		return types.Any
	}
	m := make(types.Map, len(t.members)+1)
	for name, member := range t.members {
		m[name] = exprType(member)
	}
	if t.open {
		m[types.Extra] = types.Any
	}
	return m
}

func exprVars(vars map[string]any) types.Type {
	m := make(types.Map, len(vars))
	for name, v := range vars {
		if m[name] = types.Any; kindOfValue(v) == BoolKind || kindOfValue(v) == NumberKind || kindOfValue(v) == TextKind {
			m[name] = types.TypeOf(v)
		}
	}
	return m
}
