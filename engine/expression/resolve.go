package expression

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// predicates are the functions of expr that the language uses unchanged, with their minimum
// number of arguments.
var predicates = map[string]int{
	"map": 2, "filter": 2, "find": 2, "count": 2, "sum": 1,
	"any": 2, "all": 2, "none": 2, "one": 2, "sortBy": 2,
}

// resolve gives names and functions their meaning and refuses what the language does not have.
// It leaves members to the checker, which knows their types.
func (c *compilation) resolve(node *ast.Node) {
	if became, ok := c.visited[*node]; ok {
		if c.shared++; c.shared > maxShared {
			c.failAt(*node, CodeTooComplex, "write a < b and b < c", "too many of a < b < c and a ?: b")
		}
		*node = became
		return
	}
	was := *node
	c.resolveNode(node)
	c.visited[was], c.visited[*node] = *node, *node
}

func (c *compilation) resolveNode(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		c.resolveName(node, n)
	case *ast.CallNode:
		c.resolveCall(node, n)
	case *ast.BuiltinNode:
		c.resolvePredicate(n)
	case *ast.ChainNode:
		c.resolve(&n.Node)
		*node = n.Node // every access is nil-safe
	case *ast.MemberNode:
		if name, ok := varOf(n); ok {
			c.use("vars." + name)
			return
		}
		if !c.memberOfBare(n) {
			c.resolve(&n.Node)
		}
		c.resolve(&n.Property)
	case *ast.SliceNode:
		c.resolveSlice(node, n)
	case *ast.UnaryNode:
		c.resolve(&n.Node)
	case *ast.BinaryNode:
		if n.Operator == ".." {
			c.failAt(n, CodeForbidden, "write x >= 1 and x <= 5, or list[1:5]", "ranges are not part of this language")
			return
		}
		c.resolve(&n.Left)
		c.resolve(&n.Right)
	case *ast.ConditionalNode:
		c.resolve(&n.Cond)
		c.resolve(&n.Exp1)
		c.resolve(&n.Exp2)
	case *ast.ArrayNode:
		c.resolveAll(n.Nodes)
	case *ast.MapNode:
		c.resolveAll(n.Pairs)
	case *ast.PairNode:
		c.resolve(&n.Key)
		c.resolve(&n.Value)
	case *ast.PredicateNode:
		c.resolve(&n.Node)
	case *ast.VariableDeclaratorNode:
		c.resolveLet(n)
	case *ast.SequenceNode:
		c.failAt(n, CodeForbidden, "", "an expression has one value: `;` is allowed only after let")
	case *ast.BytesNode:
		c.failAt(n, CodeForbidden, "", "bytes are not part of this language")
	}
}

// use records the name of a define or var that the expression reads.
func (c *compilation) use(name string) {
	if !slices.Contains(c.uses, name) {
		c.uses = append(c.uses, name)
	}
}

// memberOfBare reports whether an access reads a member of a name that is also a function, such
// as `page.title`. Without a member, the name means the function.
func (c *compilation) memberOfBare(n *ast.MemberNode) bool {
	id, isName := n.Node.(*ast.IdentifierNode)
	if !isName || slices.Contains(c.locals, id.Value) {
		return false
	}
	_, named := c.names[id.Value]
	f, called := c.functions[id.Value]
	return named && called && f.Bare
}

// varOf returns the var that a member access reads, if its name is constant.
func varOf(n *ast.MemberNode) (name string, ok bool) {
	id, isName := n.Node.(*ast.IdentifierNode)
	property, isText := n.Property.(*ast.StringNode)
	if !isName || !isText || id.Value != "vars" {
		return "", false
	}
	return property.Value, true
}

func (c *compilation) resolveAll(nodes []ast.Node) {
	for i := range nodes {
		c.resolve(&nodes[i])
	}
}

func (c *compilation) resolveName(node *ast.Node, n *ast.IdentifierNode) {
	if slices.Contains(c.locals, n.Value) {
		return
	}
	if n.Value == "vars" {
		c.use(allVars)
		return
	}
	if n.Value == "$env" {
		c.failAt(n, CodeForbidden, "name the members", "$env is not part of this language")
		return
	}
	if n.Value == "ref" {
		c.replace(node, call{name: "ref", gives: TextKind}, recordRef)
		return
	}
	if i, ok := c.byName[n.Value]; ok {
		c.resolveDefine(node, i)
		return
	}
	f, isFunction := c.functions[n.Value]
	if isFunction && f.Bare {
		c.bind(node, f, nil)
		return
	}
	if _, ok := c.names[n.Value]; ok {
		return
	}
	if isFunction {
		c.failAt(n, CodeWrongArguments, "write "+f.Signature, "%s is a function", n.Value)
		return
	}
	c.fail(c.unknownName(n))
}

func (c *compilation) resolveDefine(node *ast.Node, i int) {
	d := &c.defines[i]
	if cycle := c.needDefine(i); cycle != "" {
		c.failAt(*node, CodeCycle, "remove one of the references", "define.%s refers to itself: %s",
			d.Name, cycle)
		return
	}
	what := call{name: d.Name}
	c.use(d.Name)
	if d.program != nil {
		what.gives, what.known = d.program.kind, d.program.known
		c.reads.add(d.program.reads...)
	}
	became := c.replace(node, what, func(env any) any { return env.(*Run).define(i) })
	if d.program != nil && d.program.members != nil {
		became.SetNature(*d.program.members)
	}
}

func (c *compilation) resolveCall(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		c.failAt(n, CodeUnknownFunction, c.methodHint(n), "values have no methods")
		return
	}
	name := callee.Value
	f, ok := c.functions[name]
	switch {
	case ok:
		c.resolveAll(n.Arguments)
		c.bind(node, f, n.Arguments)
	case name == "now":
		c.failAt(n, CodeForbidden, "",
			"now() is not part of this language: the same record must give the same result on every run")
	case slices.Contains(c.locals, name) || slices.Contains(slices.Collect(c.words()), name):
		c.failAt(n, CodeUnknownFunction, "write "+name+" without parentheses", "%s is not a function", name)
	default:
		c.failAt(n, CodeUnknownFunction, c.functionHint(name), "there is no function %s", name)
	}
}

// functionHint returns the name in this language of a function in expr's documentation.
func (c *compilation) functionHint(name string) string {
	switch name {
	case "AND", "OR", "NOT":
		return "write " + strings.ToLower(name)
	case "string", "str", "toString":
		return "write text(…)"
	case "size", "length":
		return "write len(…)"
	}
	return didYouMean(name, c.calledNames())
}

func (c *compilation) resolvePredicate(n *ast.BuiltinNode) {
	least, ok := predicates[n.Name]
	switch {
	case !ok && n.Name == "reduce":
		c.failAt(n, CodeForbidden, "write sum(…), join(…) or lines(…)", "reduce is not part of this language")
		return
	case !ok:
		c.failAt(n, CodeUnknownFunction, didYouMean(n.Name, maps.Keys(predicates)), "there is no function %s", n.Name)
		return
	case len(n.Arguments) < least:
		c.failAt(n, CodeWrongArguments, "write len(…) for the number of all", "%s takes a list and a condition", n.Name)
		return
	}
	if n.Name == "sum" && len(n.Arguments) == 1 {
		element := &ast.PointerNode{}
		element.SetLocation(n.Location())
		predicate := &ast.PredicateNode{Node: element}
		predicate.SetLocation(n.Location())
		n.Arguments = append(n.Arguments, predicate)
	}
	if _, ok := n.Arguments[0].(*ast.NilNode); ok {
		n.Arguments[0] = &ast.ArrayNode{}
	}
	c.resolveAll(n.Arguments)
}

func (c *compilation) resolveLet(n *ast.VariableDeclaratorNode) {
	if problem := c.taken(n.Name); problem != "" {
		c.failAt(n, CodeTaken, "choose another name", "let %s: %s", n.Name, problem)
		return
	}
	c.resolve(&n.Value)
	c.locals = append(c.locals, n.Name)
	c.resolve(&n.Expr)
	c.locals = c.locals[:len(c.locals)-1]
}

func (c *compilation) resolveSlice(node *ast.Node, n *ast.SliceNode) {
	arguments := []ast.Node{n.Node, &ast.NilNode{}, &ast.NilNode{}}
	if n.From != nil {
		arguments[1] = n.From
	}
	if n.To != nil {
		arguments[2] = n.To
	}
	at := c.src.at(n)
	c.resolveAll(arguments)
	c.replace(node, call{name: "slice"}, func(args ...any) any {
		v, problem := slice(args[0], args[1], args[2])
		if problem != "" {
			panic(at.errorf("%s", problem))
		}
		return v
	}, arguments...)
}

// replace replaces a node by a call of fn. The machine calls fn without reflection, which
// requires one of the types func(any) any, func(any, any) any or func(...any) any. Without
// arguments, fn gets the Run.
func (c *compilation) replace(node *ast.Node, what call, fn any, arguments ...ast.Node) *ast.CallNode {
	if len(arguments) == 0 {
		arguments = []ast.Node{environment()}
	}
	callee := &ast.ConstantNode{Value: fn}
	callee.SetType(reflect.TypeOf(fn))
	n := &ast.CallNode{Callee: callee, Arguments: arguments}
	callee.SetLocation(leftmost(*node))
	n.SetLocation(leftmost(*node))
	c.calls[n] = what
	*node = n
	return n
}

func environment() ast.Node { return &ast.IdentifierNode{Value: "$env"} }

func recordRef(env any) any { return env.(*Run).ref }
