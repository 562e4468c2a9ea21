package permissions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// refs is a list of principals: literal, or the result of an expression.
type refs struct {
	what    string
	program *expression.Program
	literal []string
	grammar component.Refs
}

// compileRefs compiles the value of the key that `what` ends with; kind is the likely kind
// of a ref without one.
func compileRefs(e config.ExpressionOrList, what, kind string, s component.DeciderSettings) refs {
	r := refs{what: what, grammar: s.Refs}
	if !e.IsList {
		r.program = s.Compile(e.Expression, expression.WantList)
		return r
	}
	items := slices.DeleteFunc(slices.Clone(e.Node().Items()), (*config.Node).IsNull)
	for i, text := range e.List {
		at := e.Node()
		if len(items) == len(e.List) {
			at = items[i]
		}
		if text == "" && at.Text() != "" {
			continue // a variable that is empty, or not known yet
		}
		if s.Refs == nil {
			continue
		}
		ref, ok := s.Refs.ParseRef(text)
		if !ok {
			s.Problem(at, "bad-ref", fmt.Sprintf("%q is not a full ref", text), "write "+s.Refs.RefHint(text, kind))
			continue
		}
		if other := misplaced(s.Refs.KindOf(ref), what); other != "" {
			s.Problem(at, "bad-ref", fmt.Sprintf("%s does not take %q", what, text), "put it under "+other)
			continue
		}
		r.literal = append(r.literal, ref)
	}
	return r
}

// misplaced returns the key for refs of a kind, "" if they may be in this one. Custom kinds
// may be users or groups.
func misplaced(kind, what string) string {
	switch {
	case kind == "user" && strings.HasSuffix(what, "groups"):
		return "users"
	case kind == "group" && strings.HasSuffix(what, "users"):
		return "groups"
	}
	return ""
}

// appendTo adds the refs to a set.
func (r refs) appendTo(to *refSet, w *component.Worker) error {
	for _, ref := range r.literal {
		to.add(ref)
	}
	if r.program == nil {
		return nil
	}
	v, err := w.Run.Decide(r.program)
	if err != nil {
		return fmt.Errorf("%s: %w", r.what, err)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, one := range list {
		if one == nil {
			continue
		}
		text, _ := one.(string)
		ref, ok := r.grammar.ParseRef(text)
		if !ok {
			return fmt.Errorf("%s gives something that is not a full ref; write %s", r.what, r.grammar.RefHint("", "group"))
		}
		to.add(ref)
	}
	return nil
}

// refSet is a list of refs in which each occurs once.
type refSet struct {
	list []string
	seen map[string]bool // nil while the list is short enough to search
}

// shortList is the length up to which searching a list is faster than a map.
const shortList = 16

func (s *refSet) add(ref string) {
	if s.seen == nil && len(s.list) < shortList {
		if !slices.Contains(s.list, ref) {
			s.list = append(s.list, ref)
		}
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
		for _, known := range s.list {
			s.seen[known] = true
		}
	}
	if !s.seen[ref] {
		s.seen[ref] = true
		s.list = append(s.list, ref)
	}
}
