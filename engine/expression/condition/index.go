package condition

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Index finds which of many conditions another one implies, without comparing it with each.
//
// A condition implies another only if, of each part that the other joins with and, it has a part
// that is the same, or compares the same value with a constant that the other accepts, too. Each
// condition is listed under the parts of the rarest of its operands of and.
type Index struct {
	all   []Condition
	under map[string][]int // ascending
}

// always is the key of the condition true, which every condition implies.
const always = "true"

// NewIndex returns an index of conditions.
func NewIndex(all []Condition) *Index {
	x := &Index{all: all, under: map[string][]int{}}
	often := map[string]int{}
	parts := make([][][]string, len(all)) // of each condition, the keys of each operand
	for i, c := range all {
		if c.node == nil {
			continue
		}
		for _, operand := range leaves(c.node, nil, "and", "&&") {
			var keys []string
			for _, leaf := range leaves(operand, nil, "and", "&&", "or", "||") {
				keys = append(keys, listed(leaf)...)
			}
			for _, key := range keys {
				often[key]++
			}
			parts[i] = append(parts[i], keys)
		}
	}
	weight := func(keys []string) (n int) {
		for _, key := range keys {
			n += often[key]
		}
		return n
	}
	for i, operands := range parts {
		if len(operands) == 0 {
			continue
		}
		rarest := slices.MinFunc(operands, func(a, b []string) int { return weight(a) - weight(b) })
		for _, key := range rarest {
			if had := x.under[key]; len(had) == 0 || had[len(had)-1] != i {
				x.under[key] = append(had, i)
			}
		}
	}
	return x
}

// First returns the index of the first condition that c implies, of those before an index, or -1.
func (x *Index) First(c Condition, before int) int {
	if c.node == nil {
		return -1
	}
	candidates := slices.Clone(x.under[always])
	for _, leaf := range leaves(c.node, nil, "and", "&&", "or", "||") {
		for _, key := range sought(leaf) {
			candidates = append(candidates, x.under[key]...)
		}
	}
	slices.Sort(candidates)
	for _, i := range slices.Compact(candidates) {
		if i >= before {
			break
		}
		if c.Implies(x.all[i]) {
			return i
		}
	}
	return -1
}

// leaves appends the operands that the operators join.
func leaves(n ast.Node, to []ast.Node, operators ...string) []ast.Node {
	if left, right, ok := operands(n, operators...); ok {
		return leaves(right, leaves(left, to, operators...), operators...)
	}
	return append(to, n)
}

func same(n ast.Node) string              { return "=" + n.String() }
func compared(x ast.Node) string          { return "x" + x.String() }
func with(x ast.Node, text string) string { return "c" + x.String() + "\x00" + text }

// listed returns the keys that a leaf is listed under.
func listed(leaf ast.Node) []string {
	if constant, ok := leaf.(*ast.BoolNode); ok && constant.Value {
		return []string{always}
	}
	out := []string{same(leaf)}
	if value, constants, ok := comparison(leaf); ok {
		out = append(out, compared(value))
		for _, text := range constants {
			out = append(out, with(value, text))
		}
	}
	return out
}

// sought returns the keys of all leaves that a leaf implies.
func sought(leaf ast.Node) []string {
	out := []string{same(leaf)}
	if value, constants, ok := comparison(leaf); ok && len(constants) > 0 {
		out = append(out, with(value, constants[0]))
	} else if ok {
		out = append(out, compared(value))
	}
	return out
}
