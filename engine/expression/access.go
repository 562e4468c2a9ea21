package expression

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// step is a constant access in a chain: to a member or an element.
type step struct {
	key     string
	index   int
	isIndex bool
}

// access is a chain of constant steps, with the texts for messages.
type access struct {
	steps []step
	names []string // the text up to each step: `metadata`, `metadata.links`
	at    []place  // position of each step
}

// walk applies the steps to a value. An absent value gives nil, a value of the wrong shape an
// error of the record.
func (a *access) walk(v any) any {
	for i := range a.steps {
		s := &a.steps[i]
		if object, ok := v.(map[string]any); ok && !s.isIndex {
			v = object[s.key]
			continue
		}
		if v == nil {
			return nil
		}
		list, ok := v.([]any)
		if !ok || !s.isIndex {
			panic(a.at[i].errorf("%s", wrongShape(a.names[i], v, s.isIndex)))
		}
		v = element(list, s.index)
	}
	return v
}

func wrongShape(name string, v any, isIndex bool) string {
	expected := ObjectKind
	if isIndex {
		expected = ListKind
	}
	return fmt.Sprintf("%s is %s here, but %s is expected", quoted(name), kindOfValue(v), expected)
}

func quoted(name string) string { return "`" + name + "`" }

// element returns nil for an index outside the list; a negative index counts from the end.
func element(list []any, i int) any {
	if i < 0 {
		i += len(list)
	}
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

// fromRecord returns a function that reads a member of the record and applies the steps.
func (a *access) fromRecord(name string) func(env any) any {
	if len(a.steps) == 0 {
		return func(env any) any { return env.(*Run).record[name] }
	}
	return func(env any) any { return a.walk(env.(*Run).record[name]) }
}

// dynamic returns a function that reads a member or an element whose key is known at run time.
func dynamic(name string, at place) func(v, key any) any {
	return func(v, key any) any {
		if v == nil || key == nil {
			return nil
		}
		switch v := v.(type) {
		case map[string]any:
			if key, ok := key.(string); ok {
				return v[key]
			}
			panic(at.errorf("the members of %s have text names, but the name is %s here",
				quoted(name), kindOfValue(key)))
		case []any:
			if i, ok := integer(key); ok {
				return element(v, i)
			}
			panic(at.errorf("%s is a list here: select an element by number", quoted(name)))
		}
		panic(at.errorf("%s is %s here, but an object or a list is expected", quoted(name), kindOfValue(v)))
	}
}

// slice returns a part of a list, or of a text by runes; bounds are clamped.
func slice(v, from, to any) (result any, problem string) {
	length := 0
	switch v := v.(type) {
	case nil:
		return nil, ""
	case []any:
		length = len(v)
	case string:
		length = utf8.RuneCountInString(v)
	default:
		return nil, "only a list or a text can be sliced, but this is " + kindOfValue(v).String()
	}
	low, ok1 := limitOf(from, 0, length)
	high, ok2 := limitOf(to, length, length)
	if !ok1 || !ok2 {
		return nil, "the bounds of a slice are whole numbers"
	}
	high = max(low, high)
	if text, ok := v.(string); ok {
		return cutText(text, low, high), ""
	}
	return v.([]any)[low:high:high], ""
}

func limitOf(v any, absent, length int) (int, bool) {
	if v == nil {
		return absent, true
	}
	i, ok := integer(v)
	if i < 0 {
		i += length
	}
	return min(max(i, 0), length), ok
}

func cutText(text string, low, high int) string {
	start, end, n := len(text), len(text), 0
	for i := range text {
		if n == low {
			start = i
		}
		if n == high {
			end = i
			break
		}
		n++
	}
	return text[min(start, end):end]
}

// integer returns the whole number in v; numbers from JSON are floats.
func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case uint64:
		return int(v), true
	case float64:
		return int(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return 0, false
}

// chain splits a member access into its root and the constant steps.
func (c *compilation) chain(node ast.Node) (root ast.Node, a *access) {
	var nodes []*ast.MemberNode
	a = &access{}
	for {
		m, ok := node.(*ast.MemberNode)
		if !ok {
			break
		}
		if _, ok := c.constantStep(m.Property); !ok {
			break
		}
		nodes = append(nodes, m)
		node = m.Node
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		s, _ := c.constantStep(nodes[i].Property)
		a.steps = append(a.steps, s)
		a.names = append(a.names, c.describe(nodes[i].Node))
		a.at = append(a.at, place{c.src, nodes[i].Property.Location().From})
	}
	return node, a
}

func (c *compilation) constantStep(property ast.Node) (step, bool) {
	switch p := property.(type) {
	case *ast.StringNode:
		return step{key: p.Value}, true
	case *ast.IntegerNode:
		return step{index: p.Value, isIndex: true}, true
	case *ast.MemberNode:
		if name, ok := c.constantVar(p); ok {
			if key, ok := c.vars[name].(string); ok {
				return step{key: key}, true
			}
		}
	}
	return step{}, false
}

// constantVar returns the name in `vars.NAME`.
func (c *compilation) constantVar(m *ast.MemberNode) (string, bool) {
	root, ok := m.Node.(*ast.IdentifierNode)
	name, isName := m.Property.(*ast.StringNode)
	if !ok || !isName || root.Value != "vars" {
		return "", false
	}
	return name.Value, true
}
