package pipelinetest

import (
	"context"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/expression/condition"
)

// keepSpec is the spec of a transform configured with a condition, noteSpec of one configured
// with a struct. Both keep every record.
func keepSpec() component.TransformSpec[any] {
	return component.TransformSpec[*config.Expression]{
		Key: "keep", Summary: "a condition", Config: func() *config.Expression { return &config.Expression{} },
		New: func(cfg *config.Expression, s component.TransformSettings) component.Transform {
			return keep{s.Name, s.Compile(*cfg, expression.WantCondition)}
		},
	}.Any()
}

type keep struct {
	name    string
	program *expression.Program
}

func (k keep) Name() string { return k.name }

func (k keep) Apply(_ context.Context, w *component.Worker, records []*component.Record) ([]component.Outcome, error) {
	out := make([]component.Outcome, len(records))
	for i, r := range records {
		w.Begin(r)
		if k.program != nil {
			_, out[i].Err = w.Run.True(k.program)
		}
	}
	return out, nil
}

// Note is the configuration of the transform note.
type Note struct {
	Text string `yaml:"text" required:"true" doc:"What it notes."`
}

func noteSpec() component.TransformSpec[any] {
	return component.TransformSpec[*Note]{
		Key: "note", Summary: "a struct", Config: func() *Note { return &Note{} },
		New: func(_ *Note, s component.TransformSettings) component.Transform { return keep{s.Name, nil} },
	}.Any()
}

// mapped is a mapping that accepts fields with any name and any value.
type mapped struct {
	When   config.Expression             `yaml:"when" doc:"Which records."`
	Fields config.Map[config.Expression] `yaml:"fields" required:"true" doc:"What is set."`
}

func mapperSpec() component.MapperSpec[any] {
	return component.MapperSpec[*config.Map[mapped]]{
		Config: func() *config.Map[mapped] { return &config.Map[mapped]{} },
		New: func(cfg *config.Map[mapped], s component.MapperSettings) (component.Mapper, []component.MappingFacts) {
			var m mapper
			var facts []component.MappingFacts
			for _, e := range *cfg {
				one := stream{name: e.Key, when: s.Compile(e.Value.When, expression.WantCondition)}
				f := component.MappingFacts{Stream: e.Key, Node: s.Node.Get(e.Key), When: e.Value.When}
				for _, k := range s.Kinds {
					if one.when == nil || condition.MayHold(e.Value.When.Text, "kind", k) {
						f.Kinds = append(f.Kinds, k)
					}
				}
				for _, field := range e.Value.Fields {
					one.fields = append(one.fields, s.Compile(field.Value, expression.WantAny))
				}
				m, facts = append(m, one), append(facts, f)
			}
			return m, facts
		},
	}.Any()
}

type stream struct {
	name   string
	when   *expression.Program
	fields []*expression.Program
}

type mapper []stream

func (m mapper) Map(w *component.Worker, r *component.Record, pass component.Pass) (component.Mapped, error) {
	out := component.Mapped{Later: pass == component.IdentityStreams}
	for _, s := range m {
		if (s.name != "documents") != (pass == component.IdentityStreams) {
			continue
		}
		if s.when != nil {
			if holds, err := w.Run.True(s.when); err != nil || !holds {
				return out, err
			}
		}
		for _, f := range s.fields {
			if _, err := w.Run.Eval(f); err != nil {
				return out, err
			}
		}
		out.Items = append(out.Items, component.Item{Stream: s.name, Ref: r.Ref, Kind: r.Kind})
	}
	return out, nil
}

// granted is a permissions block that has only a default.
type granted struct {
	Owners  config.ExpressionOrList `yaml:"owners" doc:"Who owns it."`
	Default string                  `yaml:"default" required:"true" enum:"all-users|datasource-users|owner|none" doc:"Who finds it."`
}

func deciderSpec() component.DeciderSpec[any] {
	return component.DeciderSpec[*granted]{
		Config: func() *granted { return &granted{} },
		New: func(cfg *granted, s component.DeciderSettings) (component.Decider, []component.GrantFacts) {
			s.Compile(cfg.Owners.Expression, expression.WantList)
			f := component.GrantFacts{Rule: "default", Node: s.Node.Get("default")}
			switch cfg.Default {
			case "all-users":
				f.Audience = access.AllUsers
			case "datasource-users":
				f.Audience = access.DatasourceUsers
			case "owner":
				f.Audience, f.Users, f.Groups = access.Listed, true, true
			case "none":
				f.Audience = access.Nobody
			}
			return decider{f.Audience}, []component.GrantFacts{f}
		},
	}.Any()
}

type decider struct{ audience access.Audience }

func (d decider) Decide(*component.Worker, *component.Record) (access.Permissions, error) {
	return access.Permissions{Audience: d.audience, Rule: "default"}, nil
}
