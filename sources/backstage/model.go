package backstage

import (
	"maps"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Model defines the members of entities for expressions.
type Model struct {
	cfg   *Config
	links links
}

var (
	_ component.Model    = (*Model)(nil)
	_ component.UILinker = (*Model)(nil)

	_ component.KindNamer  = (*Model)(nil)
	_ component.Namespacer = (*Model)(nil)
)

// NewModel makes the model of a configuration, also of one that is not
// complete.
func NewModel(cfg *Config) *Model {
	template := cfg.Page
	if template == "" {
		template = "{ui_url}/catalog/{namespace}/{kind}/{name}"
	}
	return &Model{cfg: cfg, links: newLinks(cfg.uiURL(), template)}
}

// UIURL is where people open Backstage, without a slash at the end.
func (m *Model) UIURL() string { return m.cfg.uiURL() }

// UIPlaceholder is an address of example.com.
func (m *Model) UIPlaceholder() map[string]string { return map[string]string{"ui_url": sandboxUI} }

// Phases is people and groups, then domains and systems, then the rest, then documentation.
func (m *Model) Phases() []component.Phase { return m.cfg.phases() }

// KindNames returns the kinds under kinds in Backstage's spelling, and the well-known ones.
func (m *Model) KindNames() []string {
	out := append(slices.Clone(known), PageKind)
	for _, k := range m.cfg.Kinds {
		if _, ok := spelt(k.Key); !ok {
			out = append(out, k.Key)
		}
	}
	return out
}

// Language returns the members of an entity, strict where Backstage defines them, and the
// functions for relations and refs.
func (m *Model) Language() expression.Model {
	text := expression.Text()
	open := expression.Open(nil)
	out := expression.Model{
		Names: map[string]expression.Type{
			"apiVersion": text,
			"kind":       text,
			"metadata": expression.Object(map[string]expression.Type{
				"name":        text,
				"namespace":   text,
				"title":       text,
				"description": text,
				"uid":         text,
				"etag":        text,
				"labels":      expression.MapOf(text),
				"annotations": expression.MapOf(text),
				"tags":        expression.ListOf(text),
				"links": expression.ListOf(expression.Object(map[string]expression.Type{
					"url": text, "title": text, "icon": text, "type": text,
				})),
			}),
			"spec": expression.Open(map[string]expression.Type{
				"profile": expression.Open(map[string]expression.Type{
					"displayName": text, "email": text, "picture": text,
				}),
			}),
			"relations": expression.ListOf(expression.Object(map[string]expression.Type{
				"type": text, "targetRef": text,
			})),
			"status": expression.Open(map[string]expression.Type{"items": expression.ListOf(open)}),
		},
		Functions: m.functions(),
	}
	maps.Copy(out.Names, pageNames())
	return out
}
