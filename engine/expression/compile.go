package expression

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// Compile compiles an expression. It may be called from many goroutines.
func (l *Language) Compile(text string, want Want) (*Program, *Error) {
	l.compiling.Lock()
	defer l.compiling.Unlock()
	p, err := l.compile(&source{text: text}, want)
	if p != nil {
		l.use(p.uses)
	}
	return p, err
}

// use marks what a program reads, directly and through defines.
func (l *Language) use(names []string) {
	for _, name := range names {
		if l.used[name] {
			continue
		}
		l.used[name] = true
		if i, ok := l.byName[name]; ok && l.defines[i].program != nil {
			l.use(l.defines[i].program.uses)
		}
	}
}

// compilation is the state of compiling one expression.
type compilation struct {
	*Language
	src    *source
	calls  map[*ast.CallNode]call // calls that resolve created
	locals []string               // names bound by let
	reads  reads
	uses   []string // see Program
	err    *Error
	// warnings are about what the program probably should not do.
	warnings []*Error
	// visited maps each node to its replacement: in `a < b < c` and `a ?: b`, expr lets two
	// parents share a node.
	visited map[ast.Node]ast.Node
	shared  int
}

// call is what is known about a node that resolve created.
type call struct {
	name  string
	gives Kind
	shape shape
	known known // set when more than the kind is known
}

func (l *Language) compile(src *source, want Want) (program *Program, err *Error) {
	defer func() {
		if r := recover(); r != nil { // expr panics on some malformed input
			program, err = nil, src.errorAt(file.Location{}, CodeSyntax, "", "the expression cannot be compiled: %s",
				firstLine(r))
		}
	}()
	if len(src.text) > maxSource {
		return nil,
			src.errorAt(file.Location{}, CodeTooComplex, "move parts of it to define", "the expression is longer than 16 KiB")
	}
	c := &compilation{Language: l, src: src, calls: make(map[*ast.CallNode]call), visited: make(map[ast.Node]ast.Node)}
	tree, parseErr := parser.ParseWithConfig(src.text, l.config)
	if parseErr != nil {
		return nil, c.syntaxError(parseErr)
	}
	start := src.at(tree.Node)
	if c.resolve(&tree.Node); c.err != nil {
		return nil, c.err
	}
	if err := c.check(tree); err != nil {
		return nil, err
	}
	if ast.Walk(&tree.Node, operandCheck{c}); c.err != nil {
		return nil, c.err
	}
	kind, whole := c.kindOf(tree.Node), c.know(tree.Node)
	if kind == AnyKind && want == WantCondition {
		if c.condition(tree.Node); c.err != nil {
			return nil, c.err
		}
	}
	if err := c.wanted(tree.Node, kind, want); err != nil {
		return nil, err
	}
	var members *nature.Nature
	if n := *tree.Node.Nature(); n.IsArray() || n.IsMap() {
		members = &n
	}
	clear(c.visited)
	if c.lower(&tree.Node); c.err != nil {
		return nil, c.err
	}
	code, compileErr := compiler.Compile(tree, l.config)
	if compileErr != nil {
		return nil,
			src.errorAt(file.Location{}, CodeSyntax, "", "the expression cannot be compiled: %s", firstLine(compileErr))
	}
	return &Program{code: code, closure: closureOf(tree.Node), start: start, kind: kind, reads: c.reads.minimal(),
		uses: c.uses, members: members, known: whole, warnings: c.warnings}, nil
}

// check lets expr find misspelt members and operands of wrong types. It runs a second time when
// functions return an element of their first argument, because their types are known only after
// the first run.
func (c *compilation) check(tree *parser.Tree) *Error {
	if _, err := checker.Check(tree, c.config); err != nil {
		return c.checkError(tree.Node, err)
	}
	v := &shapes{c: c}
	if ast.Walk(&tree.Node, v); !v.found {
		return nil
	}
	if _, err := checker.Check(tree, c.config); err != nil {
		return c.checkError(tree.Node, err)
	}
	return nil
}

// shapes sets the type of calls of functions such as first and sort from their argument.
type shapes struct {
	c     *compilation
	found bool
}

func (v *shapes) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.CallNode)
	if !ok || v.c.calls[n].shape == otherShape || len(n.Arguments) < 2 {
		return
	}
	argument := n.Arguments[1].Nature()
	if !argument.IsArray() {
		return
	}
	if v.c.calls[n].shape == sameShape {
		n.SetNature(*argument)
	} else {
		n.SetNature(argument.Elem(&v.c.config.NtCache))
	}
	v.found = true
}

// wanted refuses an expression that can never fit its purpose.
func (c *compilation) wanted(node ast.Node, kind Kind, want Want) *Error {
	loc := leftmost(node)
	switch {
	case want == WantCondition && kind != AnyKind && kind != BoolKind:
		return c.src.errorAt(loc, CodeNotACondition, "compare it, as in kind == \"Component\"",
			"a condition is true or false, but this is %s", kind)
	case want == WantText && (kind == BoolKind || kind == NumberKind):
		return c.src.errorAt(loc, CodeWrongType, "wrap it in text(…)", "text is expected here, but "+
			"this is %s", kind)
	case want == WantText && (kind == ListKind || kind == ObjectKind):
		return c.src.errorAt(loc, CodeWrongType, "take one element with first(…), or all with join(…, \", \")",
			"text is expected here, but this is %s", kind)
	case want == WantList && (kind == BoolKind || kind == NumberKind || kind == ObjectKind):
		return c.src.errorAt(loc, CodeWrongType, "", "a list is expected here, but this is %s", kind)
	}
	return nil
}

// kindOf returns the kind of a node's value as far as it is known before a record is read. The
// value may also be nil unless the node is a literal or a comparison.
func (c *compilation) kindOf(node ast.Node) Kind {
	switch n := node.(type) {
	case *ast.ConstantNode:
		return kindOfValue(n.Value)
	case *ast.CallNode:
		if known := c.calls[n].gives; known != AnyKind {
			return known
		}
	case *ast.ConditionalNode:
		if a, b := c.kindOf(n.Exp1), c.kindOf(n.Exp2); a == b || b == NilKind {
			return a
		} else if a == NilKind {
			return b
		}
		return AnyKind
	case *ast.BinaryNode:
		if n.Operator == "??" {
			if a, b := c.kindOf(n.Left), c.kindOf(n.Right); a == b {
				return a
			}
			return AnyKind
		}
	case *ast.VariableDeclaratorNode:
		return c.kindOf(n.Expr)
	}
	switch known := node.Nature(); {
	case known.Nil:
		return NilKind
	case known.IsBool():
		return BoolKind
	case known.IsNumber():
		return NumberKind
	case known.IsString():
		return TextKind
	case known.IsArray():
		return ListKind
	case known.IsMap():
		return ObjectKind
	}
	return AnyKind
}

func (c *compilation) fail(err *Error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *compilation) failAt(node ast.Node, code, hint, format string, args ...any) {
	c.fail(c.src.errorAt(node.Location(), code, hint, format, args...))
}

func firstLine(v any) string {
	text := fmt.Sprint(v)
	if err, ok := v.(error); ok {
		var located *file.Error
		if errors.As(err, &located) {
			text = located.Message
		}
	}
	for i, r := range text {
		if r == '\n' {
			return text[:i]
		}
	}
	return text
}
