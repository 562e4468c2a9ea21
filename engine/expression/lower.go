package expression

import (
	"github.com/expr-lang/expr/ast"
)

// lower replaces member access by closures that read without reflection, and adds checks to the
// operands of operators. It runs after the checker, because the machine's compiler relies on
// the types that the checker found.
func (c *compilation) lower(node *ast.Node) {
	if became, ok := c.visited[*node]; ok {
		*node = became
		return
	}
	was := *node
	c.lowerNode(node)
	c.visited[was], c.visited[*node] = *node, *node
}

func (c *compilation) lowerNode(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		c.lowerName(node, n)
	case *ast.MemberNode:
		c.lowerMember(node, n)
	case *ast.CallNode:
		for i := range n.Arguments {
			c.lower(&n.Arguments[i])
		}
		opaque(n)
	case *ast.BuiltinNode:
		c.lowerPredicate(n)
	case *ast.UnaryNode:
		c.lower(&n.Node)
		if n.Operator == "not" || n.Operator == "!" {
			c.guard(&n.Node, needBool)
		} else {
			c.guard(&n.Node, needNumber)
		}
	case *ast.BinaryNode:
		c.lower(&n.Left)
		c.lower(&n.Right)
		c.lowerOperator(node, n)
	case *ast.ConditionalNode:
		c.lower(&n.Cond)
		c.lower(&n.Exp1)
		c.lower(&n.Exp2)
		c.guard(&n.Cond, needBool)
	case *ast.ArrayNode:
		c.lowerAll(n.Nodes)
		foldList(node, n)
	case *ast.MapNode:
		c.lowerAll(n.Pairs)
	case *ast.PairNode:
		c.lower(&n.Key)
		c.lower(&n.Value)
		c.guard(&n.Key, needText)
	case *ast.PredicateNode:
		c.lower(&n.Node)
	case *ast.VariableDeclaratorNode:
		c.lower(&n.Value)
		c.lower(&n.Expr)
	}
}

func (c *compilation) lowerAll(nodes []ast.Node) {
	for i := range nodes {
		c.lower(&nodes[i])
	}
}

func (c *compilation) lowerName(node *ast.Node, n *ast.IdentifierNode) {
	switch {
	case n.Value == "$env":
	case n.Value == "vars":
		constant(node, c.vars)
	case c.isMember(n.Value):
		c.reads.add(n.Value)
		opaque(c.replace(node, call{name: n.Value, gives: c.kindOf(n)}, (&access{}).fromRecord(n.Value)))
	}
}

// isMember distinguishes a member of the record from a name bound by let, which cannot be that
// of a member.
func (c *compilation) isMember(name string) bool {
	_, ok := c.names[name]
	return ok
}

func (c *compilation) lowerMember(node *ast.Node, n *ast.MemberNode) {
	if name, ok := c.constantVar(n); ok {
		constant(node, c.vars[name])
		return
	}
	what := call{name: c.describe(n), gives: c.kindOf(n)}
	root, a := c.chain(n)
	if len(a.steps) == 0 {
		at, base := c.src.at(n), c.describe(n.Node)
		c.lower(&n.Node)
		c.lower(&n.Property)
		opaque(c.replace(node, what, dynamic(base, at), n.Node, n.Property))
		return
	}
	if name, ok := root.(*ast.IdentifierNode); ok && c.isMember(name.Value) {
		c.reads.add(pathOf(name.Value, a.steps))
		opaque(c.replace(node, what, a.fromRecord(name.Value)))
		return
	}
	c.lower(&root)
	opaque(c.replace(node, what, a.walk, root))
}

func (c *compilation) lowerPredicate(n *ast.BuiltinNode) {
	c.lowerAll(n.Arguments)
	c.collection(&n.Arguments[0])
	predicate := n.Arguments[1].(*ast.PredicateNode)
	switch n.Name {
	case "map":
		c.each(&predicate.Node, needAny)
	case "sum":
		c.each(&predicate.Node, needNumber)
	case "sortBy":
		c.each(&predicate.Node, needAddend)
		if len(n.Arguments) == 3 {
			c.guard(&n.Arguments[2], needText)
		}
	default:
		c.each(&predicate.Node, needBool)
	}
}

// collection converts nil to an empty list and refuses values that are not lists.
func (c *compilation) collection(node *ast.Node) {
	operand, at := c.operand(*node), c.src.at(*node)
	opaque(c.replace(node, call{name: c.describe(*node), gives: ListKind}, func(v any) any {
		switch v.(type) {
		case []any:
			return v
		case nil:
			return emptyList
		}
		panic(at.errorf("%s", needList.problem(operand, v)))
	}, *node))
}

func (c *compilation) lowerOperator(node *ast.Node, n *ast.BinaryNode) {
	var left, right need
	switch n.Operator {
	case "==", "!=":
		if c.lowerComparison(node, n) {
			return
		}
		// An operand that seems to be text may still be nil.
		for _, operand := range []ast.Node{n.Left, n.Right} {
			if !certain(operand) {
				opaque(operand)
			}
		}
		return
	case "??":
		return
	case "in":
		if k, ok := elementKind(n.Right); ok {
			c.comparable(&n.Left, k)
		}
		c.guard(&n.Right, needHolder)
		return
	case "and", "&&", "or", "||":
		left, right = needBool, needBool
	case "startsWith", "endsWith", "contains", "matches":
		if n.Operator == "matches" && !isText(n.Right) {
			c.failAt(n.Right, CodeForbidden, `write it out: matches "^web-"`,
				"the pattern of matches must be a literal in the expression, because one from a record could run "+
					"forever")
			return
		}
		left, right = needText, needText
	case "<", ">", "<=", ">=", "+":
		left, right = needAddend, needAddend
		if c.kindOf(n.Left) == NumberKind || c.kindOf(n.Right) == NumberKind {
			left, right = needSummand, needSummand
		}
	default:
		left, right = needNumber, needNumber
	}
	c.guard(&n.Left, left)
	c.guard(&n.Right, right)
	if n.Operator == "+" {
		c.account(node)
	}
}

// isText reports whether a node is a literal text.
func isText(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.StringNode:
		return true
	case *ast.ConstantNode:
		_, ok := n.Value.(string)
		return ok
	}
	return false
}

// constant replaces a node by a value.
func constant(node *ast.Node, v any) {
	n := &ast.ConstantNode{Value: v}
	n.SetLocation((*node).Location())
	n.SetNature(*(*node).Nature())
	*node = n
}

// foldList converts a list of literals to one constant.
func foldList(node *ast.Node, n *ast.ArrayNode) {
	list := make([]any, len(n.Nodes))
	for i, element := range n.Nodes {
		switch e := element.(type) {
		case *ast.StringNode:
			list[i] = e.Value
		case *ast.IntegerNode:
			list[i] = e.Value
		case *ast.FloatNode:
			list[i] = e.Value
		case *ast.BoolNode:
			list[i] = e.Value
		default:
			return
		}
	}
	constant(node, list)
}
