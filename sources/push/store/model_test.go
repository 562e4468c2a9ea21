package store_test

import (
	"errors"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// model reads records {"kind": …, "ns": …, "id": …} with the ref kind:ns/id, or only id when the
// record has "bare". The run rejects records with "bad".
type model struct{ kinds []string }

var (
	_ component.Recorder   = model{}
	_ component.Namespacer = model{}
)

func (m model) Phases() []component.Phase {
	people := component.Phase{Name: "identities", Identities: true,
		Kinds: []component.Kind{{Name: "Person"}, {Name: "Team"}}}
	rest := component.Phase{Name: "rest"}
	for _, kind := range m.kinds {
		rest.Kinds = append(rest.Kinds, component.Kind{Name: kind})
	}
	return []component.Phase{people, rest}
}

func (model) Record(raw []byte) (*component.Record, error) {
	v, err := codec.Decode(raw)
	if err != nil {
		return nil, err
	}
	text := func(name string) string { s, _ := v[name].(string); return s }
	if text("kind") == "" {
		return nil, errors.New("it has no kind")
	}
	ref := strings.ToLower(text("kind") + ":" + text("ns") + "/" + text("id"))
	if v["bare"] != nil {
		ref = text("id")
	}
	return &component.Record{Entry: component.Entry{Ref: ref, Kind: text("kind")}, Raw: raw}, nil
}

func (model) Complete([]component.Recorded) ([][]byte, []string, error) { return nil, nil, nil }

func (model) Decode(r *component.Record) error {
	v, err := codec.Decode(r.Raw)
	if err == nil && v["bad"] != nil {
		return fault.Reject(fault.StageRead, "bad", "is bad")
	}
	return err
}

func (model) ParseRef(text string) (string, bool) {
	text = strings.ToLower(text)
	return text, text != "" && !strings.Contains(text, " ")
}

func (model) NamespaceOf(ref string) string {
	_, rest, _ := strings.Cut(ref, ":")
	namespace, _, found := strings.Cut(rest, "/")
	if !found {
		return ""
	}
	return namespace
}

func (model) Language() expression.Model    { return expression.Model{} }
func (model) RefHint(string, string) string { return "kind:ns/id" }
func (model) KindOf(string) string          { return "" }
func (model) MayMean(text, ref string) bool { return text == ref }
func (model) Name(text string) string       { return text }
func (model) Examples(string) [2]string     { return [2]string{"a:b/one", "a:b/two"} }

// onlyPages is the phase of pages.
var onlyPages = model{[]string{"Page"}}.Phases()[1]

// flat is a model without namespaces.
type flat struct{ component.Model }

func (flat) Record(raw []byte) (*component.Record, error) { return model{}.Record(raw) }

func (flat) Complete([]component.Recorded) ([][]byte, []string, error) { return nil, nil, nil }
