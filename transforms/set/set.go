package set

import (
	"context"
	"maps"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Spec is the component, for the registry.
func Spec() component.TransformSpec[*config.Map[config.ExpressionOrList]] {
	return component.TransformSpec[*config.Map[config.ExpressionOrList]]{
		Key: "set",
		Summary: "Sets members of the record: each path gets the value of its expression or a literal list; nil " +
			"removes the member.",
		Config: func() *config.Map[config.ExpressionOrList] { return &config.Map[config.ExpressionOrList]{} },
		New: func(cfg *config.Map[config.ExpressionOrList], s component.TransformSettings) component.Transform {
			return build(*cfg, s)
		},
	}
}

// Set is the transform.
type Set struct {
	name    string
	changes []change
}

type change struct {
	text    string // the path as the file writes it
	path    []string
	program *expression.Program // nil for a literal list
	literal []any
}

var _ component.Transform = (*Set)(nil)

func build(cfg config.Map[config.ExpressionOrList], s component.TransformSettings) *Set {
	if s.Node.Kind() == config.Mapping && len(s.Node.Entries()) == 0 {
		s.Problem(s.Node, "required", "set is empty",
			"write PATH: EXPRESSION below it, one per line, as metadata.title: metadata.name")
	}
	for _, e := range s.Node.Entries() {
		if e.Value.Kind() == config.Scalar && e.Value.IsNull() {
			s.KeyProblem(e.Key, e.KeyPos, "required", e.Key+" has no value", "write "+e.Key+": nil to remove the "+
				"member")
		}
	}
	t := &Set{name: s.Name}
	for _, e := range cfg {
		c := change{text: e.Key, path: checkedPath(e, s), literal: []any{}}
		if e.Value.IsList {
			s.Literal(e.Value.Node())
		}
		for _, v := range e.Value.List {
			c.literal = append(c.literal, v)
		}
		c.program = s.Compile(e.Value.Expression, expression.WantAny)
		t.changes = append(t.changes, c)
	}
	return t
}

var _ component.Setter = (*Set)(nil)

// Sets are the paths that get new values.
func (t *Set) Sets() []string {
	var out []string
	for _, c := range t.changes {
		out = append(out, strings.Join(c.path, "."))
	}
	return out
}

// Name is the transform's name.
func (t *Set) Name() string { return t.name }

// Apply sets the values in the records.
func (t *Set) Apply(_ context.Context, w *component.Worker, records []*component.Record) ([]component.Outcome, error) {
	out := make([]component.Outcome, len(records))
	values := make([]any, len(t.changes))
	for i, r := range records {
		w.Begin(r)
		out[i].Err = t.change(w, r, values)
	}
	return out, nil
}

// change changes one record, or leaves it as it was when there is an error.
func (t *Set) change(w *component.Worker, r *component.Record, values []any) error {
	for i, c := range t.changes {
		values[i] = c.literal
		if c.program == nil {
			continue
		}
		var err error
		if values[i], err = w.Run.Decide(c.program); err != nil {
			return fault.Reject(fault.StageTransform, t.name+": "+c.text, "%v", err)
		}
	}
	root := maps.Clone(r.Value)
	for i, c := range t.changes {
		if !assign(root, c.path, values[i]) {
			return fault.Reject(fault.StageTransform, t.name+": "+c.text, "a parent of it is not an object")
		}
	}
	r.Value = root
	return nil
}

// assign writes a value below root, copying every object on the way; false
// when something on the way is not an object.
func assign(root map[string]any, path []string, value any) bool {
	at := root
	for _, name := range path[:len(path)-1] {
		switch next := at[name].(type) {
		case nil:
			if value == nil {
				return true
			}
			m := map[string]any{}
			at[name] = m
			at = m
		case map[string]any:
			m := maps.Clone(next)
			at[name] = m
			at = m
		default:
			return false
		}
	}
	last := path[len(path)-1]
	if value == nil {
		delete(at, last)
	} else {
		at[last] = value
	}
	return true
}
