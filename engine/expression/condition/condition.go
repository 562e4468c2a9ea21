package condition

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/pipe-engine/pipe/engine/expression"
)

// Condition is a parsed condition. Nothing is certain about the zero value.
type Condition struct{ node ast.Node }

// Parse parses a condition. It returns the zero value for an invalid one.
func Parse(text string) Condition {
	tree, err := parser.Parse(text)
	if err != nil {
		return Condition{}
	}
	return Condition{tree.Node}
}

// MayHold is the function MayHold for a parsed condition.
func (c Condition) MayHold(name, value string) bool {
	return c.node == nil || member{name, value}.holds(c.node) != no
}

// MustHold reports whether the condition is true for every record whose member `name` is
// `value`. It returns false when that is uncertain.
func (c Condition) MustHold(name, value string) bool {
	return c.node != nil && member{name, value}.holds(c.node) == yes
}

// Implies reports whether the other condition is true for every record for which this one is
// true. It compares their syntax and returns false when that is uncertain.
func (c Condition) Implies(other Condition) bool {
	i := implication{steps: maxSteps}
	return c.node != nil && other.node != nil && i.holds(c.node, other.node)
}

// maxSteps bounds the comparisons of parts, whose number multiplies with every and and or.
const maxSteps = 10_000

type implication struct{ steps int }

func (i *implication) holds(a, b ast.Node) bool {
	if i.steps--; i.steps < 0 {
		return false
	}
	if constant, ok := b.(*ast.BoolNode); ok && constant.Value || a.String() == b.String() {
		return true
	}
	if left, right, ok := operands(b, "and", "&&"); ok && i.holds(a, left) && i.holds(a, right) {
		return true
	}
	if left, right, ok := operands(a, "or", "||"); ok && i.holds(left, b) && i.holds(right, b) {
		return true
	}
	if left, right, ok := operands(b, "or", "||"); ok && (i.holds(a, left) || i.holds(a, right)) {
		return true
	}
	if left, right, ok := operands(a, "and", "&&"); ok && (i.holds(left, b) || i.holds(right, b)) {
		return true
	}
	return amongMore(a, b)
}

func operands(n ast.Node, operators ...string) (left, right ast.Node, ok bool) {
	binary, ok := n.(*ast.BinaryNode)
	if !ok || !slices.Contains(operators, binary.Operator) {
		return nil, nil, false
	}
	return binary.Left, binary.Right, true
}

// amongMore reports whether both conditions compare the same value with constants, and b
// accepts all constants that a accepts.
func amongMore(a, b ast.Node) bool {
	x, less, ok := comparison(a)
	if !ok {
		return false
	}
	y, more, ok := comparison(b)
	return ok && x.String() == y.String() &&
		!slices.ContainsFunc(less, func(text string) bool { return !slices.Contains(more, text) })
}

// comparison returns the constants that a condition compares a value with.
func comparison(n ast.Node) (value ast.Node, constants []string, ok bool) {
	value, list, ok := operands(n, "==", "in")
	if !ok {
		return nil, nil, false
	}
	constants, ok = texts(list)
	return value, constants, ok
}

// Constant is a text in an expression at a place where only some texts have a meaning.
type Constant struct {
	Text string
	// Of is the member that it is compared with, or the function that it is an argument of.
	Of       string
	Argument int // of the function; -1 for a comparison
	// Line, Col and Width are the position of the text with its quotation marks, as in an
	// Error.
	Line, Col, Width int
}

// Constants returns the texts that an expression compares with a member of the record or passes
// to a function.
func Constants(text string) []Constant {
	tree, err := parser.Parse(text)
	if err != nil {
		return nil
	}
	v := &constants{source: text}
	ast.Walk(&tree.Node, v)
	return v.found
}

type constants struct {
	source string
	found  []Constant
}

func (v *constants) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			for i, argument := range n.Arguments {
				v.add(argument, callee.Value, i)
			}
		}
	case *ast.BinaryNode:
		if !slices.Contains([]string{"==", "!=", "in"}, n.Operator) {
			return
		}
		for _, pair := range [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
			if name, ok := pair[0].(*ast.IdentifierNode); ok {
				v.add(pair[1], name.Value, -1)
			}
		}
	}
}

func (v *constants) add(node ast.Node, of string, argument int) {
	switch n := node.(type) {
	case *ast.StringNode:
		line, col := expression.Position(v.source, n.Location().From)
		v.found = append(v.found, Constant{n.Value, of, argument, line, col, max(1, n.Location().To-n.Location().From)})
	case *ast.ArrayNode:
		for _, element := range n.Nodes {
			v.add(element, of, argument)
		}
	}
}
