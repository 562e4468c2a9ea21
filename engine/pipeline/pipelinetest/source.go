package pipelinetest

import (
	"context"
	"maps"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Source is the configuration of the source.
type Source struct {
	URL   string           `yaml:"url" required:"true" doc:"Where it is."`
	Pages int              `yaml:"page_size" default:"500" min:"1" doc:"Records in a page."`
	Kinds config.Map[bool] `yaml:"kinds" doc:"The kinds to read."`
}

func (k *Kit) sourceSpec() component.SourceSpec[any] {
	return component.SourceSpec[*Source]{
		Name: "catalog", Summary: "records in memory",
		Config: func() *Source { return &Source{} },
		Model:  func(cfg *Source) component.Model { return Model{cfg} },
		Open:   func(cfg *Source, _ component.Settings) (component.Source, error) { return source{k}, nil },
	}.Any()
}

// Model describes the source's records: entities whose members are known, except in spec and
// annotations.
type Model struct{ cfg *Source }

// attachedKind is a kind whose records belong to other entities. It must be switched on.
const attachedKind = "Page"

func (m Model) attached() bool {
	if m.cfg == nil {
		return false
	}
	on, _ := m.cfg.Kinds.Get(attachedKind)
	return on
}

// Phases returns a phase of users and groups, then one of other entities, and one of pages that
// belong to them if they are switched on. A kind of the first phase is read even when it is
// switched off.
func (m Model) Phases() []component.Phase {
	phases := []component.Phase{{Name: "identities", Identities: true}, {Name: "catalog"}}
	for i, kinds := range [][]string{{"User", "Group"}, {"Component", "API"}} {
		for _, name := range kinds {
			on, said := true, false
			if m.cfg != nil {
				on, said = m.cfg.Kinds.Get(name)
			}
			if off := said && !on; !off || i == 0 {
				phases[i].Kinds = append(phases[i].Kinds, component.Kind{Name: name, Off: off})
			}
		}
	}
	if m.attached() {
		phases = append(phases, component.Phase{Name: "pages", Attached: true,
			Kinds: []component.Kind{{Name: attachedKind}}})
	}
	return phases
}

// KindNames returns the four kinds, and pages when they are switched on.
func (m Model) KindNames() []string {
	kinds := []string{"User", "Group", "Component", "API"}
	if m.attached() {
		kinds = append(kinds, attachedKind)
	}
	return kinds
}

// Language returns the names and functions for entities.
func (Model) Language() expression.Model {
	text, open := expression.Any(), expression.Open(nil)
	object := func(names ...string) expression.Type {
		members := map[string]expression.Type{}
		for _, n := range names {
			members[n] = text
		}
		return expression.Object(members)
	}
	metadata := map[string]expression.Type{
		"name": text, "namespace": text, "title": text, "description": text, "uid": text,
		"annotations": open, "tags": expression.ListOf(text), "links": expression.ListOf(object("title", "url")),
	}
	return expression.Model{
		Names: map[string]expression.Type{
			"kind": text, "apiVersion": text, "metadata": expression.Object(metadata),
			"spec":      expression.Open(map[string]expression.Type{"profile": open}),
			"relations": expression.ListOf(object("type", "targetRef")),
		},
		Functions: []expression.Function{
			{Name: "related", Signature: "related(type[, kind])", MinArgs: 1, MaxArgs: 2, Gives: expression.ListKind,
				Reads: []string{"relations"}, Call: related},
			{Name: "page", Signature: "page", Bare: true, Gives: expression.TextKind,
				Call: func(ctx expression.Context, _ []any) (any, error) {
					return "https://catalog.example.com/" + ctx.Ref(), nil
				}},
			{Name: "display", Signature: "display(ref)", MinArgs: 1, MaxArgs: 1, Gives: expression.TextKind,
				Call: func(ctx expression.Context, args []any) (any, error) {
					ref, _ := args[0].(string)
					if e, ok := ctx.Lookup(ref); ok {
						return e.Title, nil
					}
					return nil, nil
				}},
		},
	}
}

func related(ctx expression.Context, args []any) (any, error) {
	kind := ""
	if len(args) > 1 {
		kind, _ = args[1].(string)
	}
	list, _ := ctx.Record()["relations"].([]any)
	out := []any{}
	for _, one := range list {
		relation, _ := one.(map[string]any)
		target, _ := relation["targetRef"].(string)
		if relation["type"] == args[0] && strings.HasPrefix(target, kind) {
			out = append(out, target)
		}
	}
	return out, nil
}

// Decode does nothing: Record sets the value.
func (Model) Decode(*component.Record) error { return nil }

// Record returns the record of an entity.
func Record(entity map[string]any) *component.Record {
	kind, _ := entity["kind"].(string)
	metadata, _ := entity["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	r := &component.Record{Value: maps.Clone(entity), Raw: []byte("{}")}
	r.Ref, r.Kind, r.Title = strings.ToLower(kind+":default/"+name), kind, name
	return r
}

type source struct{ *Kit }

func (s source) Read(ctx context.Context, ph component.Phase, emit component.Emit) error {
	var out []*component.Record
	for _, entity := range s.Records {
		for _, k := range ph.Kinds {
			if entity["kind"] == k.Name {
				out = append(out, Record(entity))
			}
		}
	}
	return emit(ctx, out)
}

func (source) Close() error { return nil }
