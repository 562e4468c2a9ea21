package pipeline

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Component is a part of a pipeline file with a name and keys.
type Component struct {
	Name   string         `json:"name"`
	Role   string         `json:"role"`
	Doc    string         `json:"doc"`
	Type   string         `json:"type"`
	Enum   []string       `json:"enum,omitempty"`
	Fields []config.Field `json:"keys"`
}

// Components returns the components of a registry: every key of a file belongs to one.
func Components(r component.Registry) []Component {
	root := Describe(r)
	var out []Component
	add := func(role string, f config.Field) {
		out = append(out, Component{Name: f.Name, Role: role, Doc: f.Doc, Type: f.Type, Enum: f.Enum, Fields: f.Fields})
	}
	var rest []config.Field
	for _, f := range root.Fields {
		switch f.Name {
		case "source", "sink":
			for _, c := range f.Fields {
				add(f.Name, c)
			}
		case "transforms":
			for _, c := range f.Fields {
				if slices.Contains(f.Choice, c.Name) {
					add("transform", c)
				}
			}
		case "mapping", "permissions":
			add("block", f)
		default:
			rest = append(rest, f)
		}
	}
	add("file",
		config.Field{Name: "file", Doc: "The top-level keys of a pipeline file, in addition to the parts above.",
			Type:   "mapping",
			Fields: rest})
	return out
}

// Facts returns the facts of a key's spec other than its sentence.
func Facts(f config.Field) []string {
	out := []string{f.Type}
	if len(f.Enum) > 0 {
		out[0] = strings.Replace(f.Type, "text", strings.Join(f.Enum, " | "), 1)
	}
	switch {
	case f.Required:
		out = append(out, "required")
	case f.Default != "":
		out = append(out, "default "+f.Default)
	}
	if f.Min != "" {
		out = append(out, "at least "+f.Min)
	}
	if f.Max != "" {
		out = append(out, "at most "+f.Max)
	}
	return out
}

// Article returns a type with its article.
func Article(typ string) string {
	if strings.HasPrefix(typ, "expression") {
		return "an " + typ
	}
	return "a " + typ
}

// Function is a function of expressions.
type Function struct {
	Name      string    `json:"name"`
	Signature string    `json:"signature"`
	Of        string    `json:"of,omitempty"` // the source that has it; "" for every pipeline
	Doc       string    `json:"doc"`
	Examples  []Example `json:"examples"`
}

// Example is an expression with a function, and its result.
type Example struct {
	Expr   string         `json:"expression"`
	Record map[string]any `json:"record,omitempty"`
	Result any            `json:"result"`
}

// Functions returns the functions of all sources' languages, sorted by name.
func Functions(r component.Registry) []Function {
	var out []Function
	for _, s := range r.Sources {
		if s.ModelKey != "" { // the functions are those of the other source
			continue
		}
		model := s.Model(s.Config()).Language()
		language, _ := expression.New(model, nil, nil)
		for _, f := range language.Functions() {
			if slices.ContainsFunc(out, func(have Function) bool { return have.Name == f.Name }) {
				continue
			}
			made := Function{Name: f.Name, Signature: f.Signature, Doc: f.Doc, Examples: []Example{}}
			if slices.ContainsFunc(model.Functions, func(own expression.Function) bool { return own.Name == f.Name }) {
				made.Of = s.Name
			}
			for _, e := range f.Examples {
				made.Examples = append(made.Examples, Example(e))
			}
			out = append(out, made)
		}
	}
	slices.SortFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return out
}
