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

// Language is a model with its defines. It and its Programs may be used from many goroutines.
type Language struct {
	names     map[string]Type
	functions map[string]*Function
	vars      map[string]any
	defines   []define
	byName    map[string]int // of a define

	needs func(define int) (cycle string) // while New compiles the defines
	used  map[string]bool                 // the defines and vars that a program reads; vars as vars.NAME

	compiling sync.Mutex   // guards config and used
	config    *conf.Config // expr caches types in it while compiling
}

// Program is a compiled expression.
type Program struct {
	code    *vm.Program
	closure closure // returns what code returns unless that is an error; nil when there is none
	start   place
	kind    Kind
	reads   []string
	uses    []string // defines and vars; vars as vars.NAME
	// members is the type of a list or an object; nil for anything else.
	members  *nature.Nature
	known    known
	warnings []*Error
}

// Warnings returns what the program probably should not do, such as using a text as a condition
// where a record may have another value.
func (p *Program) Warnings() []*Error { return p.warnings }

// Reads returns the dotted paths of the record that the program can read, sorted, without paths
// inside others: `metadata.annotations`, `spec.type`. When the members are not known, it
// contains the path of the object that holds them.
func (p *Program) Reads() []string { return slices.Clone(p.reads) }

// New returns a language and compiles the defines. The errors are sorted by define and
// position. With errors, the language can be used to find more errors with Compile, but not to
// run programs. A function of the model replaces a general function with its name.
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

// Warnings returns the warnings of the defines; see Program.Warnings.
func (l *Language) Warnings() []*Error {
	var out []*Error
	for _, d := range l.defines {
		if d.program != nil {
			out = append(out, d.program.warnings...)
		}
	}
	return out
}

// ReadsRecord reports whether a text is an expression that reads the record.
func (l *Language) ReadsRecord(text string) bool {
	l.compiling.Lock()
	defer l.compiling.Unlock()
	p, err := l.compile(&source{text: text}, WantAny)
	return err == nil && (len(p.reads) > 0 || text == "ref")
}

// Functions returns all functions, sorted by name. Call is nil for functions that take a
// predicate, such as map: the language evaluates them itself.
func (l *Language) Functions() []Function {
	all := predicateFunctions()
	for _, f := range l.functions {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Function returns a function by name.
func (l *Language) Function(name string) (Function, bool) {
	f, ok := l.functions[name]
	if !ok {
		return Function{}, false
	}
	return *f, true
}

// Uses reports whether any program that Compile returned reads a define, or a var given as
// vars.NAME, directly or through defines.
func (l *Language) Uses(name string) bool {
	l.compiling.Lock()
	defer l.compiling.Unlock()
	return l.used[name] || l.used[allVars] && strings.HasPrefix(name, "vars.")
}

// allVars represents all vars when it is not known which one is read.
const allVars = "vars"

// words returns every name that may be used without parentheses.
func (l *Language) words() iter.Seq[string] {
	return func(yield func(string) bool) {
		_ = yield("ref") && yield("vars") && each(maps.Keys(l.names), yield) && each(maps.Keys(l.byName), yield)
	}
}

// calledNames returns every name that may be used before parentheses.
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

// newConfig describes the model to expr's parser and checker. It disables all built-in
// functions of expr: functions are those of this package, and resolve enables predicates.
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
