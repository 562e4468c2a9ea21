package expression

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm/runtime"
)

// lowerComparison adds checks to operands of a comparison whose kind is unknown before the
// record is read. A value of another kind is an error of the record, never just unequal
// (invariant 2: a rule that fails because of a mistake in the record must not fall through to a
// wider rule). Nil is comparable with everything. lowerComparison reports whether it has
// replaced the node.
func (c *compilation) lowerComparison(node *ast.Node, n *ast.BinaryNode) bool {
	left, right := c.kindOf(n.Left), c.kindOf(n.Right)
	switch {
	case left == AnyKind && right == AnyKind:
		return c.compareOpen(node, n)
	case left == AnyKind:
		c.comparable(&n.Left, right)
	case right == AnyKind:
		c.comparable(&n.Right, left)
	}
	return false
}

// comparable makes an operand of unknown kind an error of the record when its kind differs from
// that of the other operand.
func (c *compilation) comparable(node *ast.Node, with Kind) {
	switch with {
	case BoolKind, NumberKind, TextKind, ListKind, ObjectKind:
	default:
		return
	}
	if c.kindOf(*node) == AnyKind {
		c.guard(node, need{kinds: kinds(with, NilKind), phrase: with.String()})
	}
}

// compareOpen compares two values of unknown kind.
func (c *compilation) compareOpen(node *ast.Node, n *ast.BinaryNode) bool {
	name, other, at := c.operand(n.Left), c.operand(n.Right), c.src.at(n.Left)
	negated := n.Operator == "!="
	opaque(c.replace(node, call{name: thisValue, gives: BoolKind}, func(l, r any) any {
		a, b := kindOfValue(l), kindOfValue(r)
		if a != b && a != NilKind && b != NilKind {
			panic(at.errorf("%s is %s and %s is %s: they cannot be compared", name, a, other, b))
		}
		return runtime.Equal(l, r) != negated
	}, n.Left, n.Right))
	return true
}

// elementKind returns the kind of all elements of a literal list; ok is false when the list is
// empty, mixed or not a literal.
func elementKind(node ast.Node) (kind Kind, ok bool) {
	list, written := node.(*ast.ConstantNode)
	if !written {
		return 0, false
	}
	elements, _ := list.Value.([]any)
	for i, e := range elements {
		k := kindOfValue(e)
		if i > 0 && k != kind {
			return 0, false
		}
		kind = k
	}
	return kind, len(elements) > 0
}
