package permissions

import (
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

const allOf = "allow.all_of"

// Sets are lists of refs of groups, or one such list, literally or from an expression:
// people who are in all groups of a list get access.
type Sets struct {
	Expression config.Expression
	literal    []set
	node       *config.Node
}

// set is a literal list.
type set struct {
	refs  []string
	items []*config.Node
}

// IsSet reports whether there are lists or an expression.
func (s Sets) IsSet() bool { return len(s.literal) > 0 || s.Expression.IsSet() }

// DecodeNode reads an expression, a list of refs, or a list of such lists.
func (s *Sets) DecodeNode(n *config.Node, d *config.Decoder) {
	s.node = n
	if n.Kind() != config.List {
		d.Decode(n, &s.Expression)
		return
	}
	lists := 0
	for _, item := range n.Items() {
		if item.Kind() == config.List {
			lists++
		}
	}
	one := []*config.Node{n}
	if lists > 0 {
		one = n.Items()
	}
	for _, l := range one {
		switch {
		case l.Kind() != config.List:
			d.Problem(l, "wrong-kind", "a single ref among lists of refs",
				"write it as a list, or move it to groups if it alone is enough")
			continue
		case len(l.Items()) == 0:
			d.Problem(l, "required", "all_of names no group here",
				"name groups, whose common members find the document, or remove the list")
			continue
		}
		made := set{items: l.Items()}
		d.Decode(l, &made.refs)
		s.literal = append(s.literal, made)
	}
}

// DescribeConfig is an expression, or lists.
func (s *Sets) DescribeConfig() config.Field {
	return config.Field{Type: "expression or list or list of list"}
}

// sets are compiled Sets.
type sets struct {
	program *expression.Program
	literal [][]string
	grammar component.Refs
}

// compileSets compiles literal lists. A list with an unknown group grants no access, so it
// is left out whole.
func compileSets(s Sets, d component.DeciderSettings) sets {
	out := sets{program: d.Compile(s.Expression, expression.WantList), grammar: d.Refs}
	for _, l := range s.literal {
		var refs refSet
		whole := len(l.refs) == len(l.items)
		for i, text := range l.refs {
			if !whole || d.Refs == nil {
				break
			}
			ref, ok := d.Refs.ParseRef(text)
			switch at := l.items[i]; {
			case text == "" && at.Text() != "": // a variable that is empty, or not known yet
				whole = false
			case !ok:
				d.Problem(at, "bad-ref", fmt.Sprintf("%q is not a full ref", text), "write "+d.Refs.RefHint(text, "group"))
			case d.Refs.KindOf(ref) == "user":
				d.Problem(at, "bad-ref", fmt.Sprintf("%s does not take %q", allOf, text),
					"it takes groups; put users under users")
			default:
				refs.add(ref)
			}
		}
		if whole && len(refs.list) > 0 {
			out.literal = append(out.literal, refs.list)
		}
	}
	return out
}

// give returns the literal sets and those of the expression. A list with an absent value is
// left out whole: without the value it would give access to more people.
func (s sets) give(w *component.Worker) ([][]string, error) {
	out := slices.Clone(s.literal)
	if s.program == nil {
		return out, nil
	}
	v, err := w.Run.Decide(s.program)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", allOf, err)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if !slices.ContainsFunc(list, func(one any) bool { _, is := one.([]any); return is }) {
		list = []any{list}
	}
	for _, one := range list {
		refs, err := s.all(one)
		if err != nil {
			return nil, err
		}
		if len(refs) > 0 {
			out = append(out, refs)
		}
	}
	return out, nil
}

// all are the refs of one list; none when something in it is absent.
func (s sets) all(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok && v != nil {
		return nil, fmt.Errorf("%s gives a ref among lists of refs; make each ref a list", allOf)
	}
	var out refSet
	absent := false
	for _, one := range list {
		if one == nil {
			absent = true
			continue
		}
		text, _ := one.(string)
		ref, ok := s.grammar.ParseRef(text)
		if !ok {
			return nil, fmt.Errorf("%s gives something that is not a full ref; write %s", allOf, s.grammar.RefHint("", "group"))
		}
		out.add(ref)
	}
	if absent {
		return nil, nil
	}
	return out.list, nil
}
