package file

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Model defines the members of a file's records for expressions: kind, title, email, and
// record, which holds all members of the record.
type Model struct{ cfg *Config }

var (
	_ component.Model     = Model{}
	_ component.Recorder  = Model{}
	_ component.KindNamer = Model{}
	_ component.Tabler    = Model{}
)

// Phases are people and groups, then all others.
func (m Model) Phases() []component.Phase { return m.cfg.phases() }

// KindNames are the configured kinds.
func (m Model) KindNames() []string {
	var out []string
	for _, ph := range m.cfg.phases() {
		for _, k := range ph.Kinds {
			out = append(out, k.Name)
		}
	}
	return out
}

// Language is the names and functions of expressions.
func (m Model) Language() expression.Model {
	return expression.Model{
		Names: map[string]expression.Type{
			"kind": expression.Text(), "title": expression.Text(), "email": expression.Text(), "record": expression.Open(nil),
		},
		Functions: functions(),
	}
}

// Columns are what `pipe show` lists of every kind.
func (Model) Columns(string) []component.Column {
	return []component.Column{{Title: "TITLE", Expression: "title"}, {Title: "E-MAIL", Expression: "email"}}
}

// Decode makes the value that expressions read.
func (m Model) Decode(r *component.Record) error {
	v, err := codec.Decode(r.Raw)
	if err != nil {
		return fault.Reject(fault.StageRead, "", "not a JSON object: %v", err)
	}
	r.Value = map[string]any{"kind": r.Kind, "record": v}
	for name, text := range map[string]string{"title": r.Title, "email": r.Email} {
		if text != "" {
			r.Value[name] = text
		}
	}
	return nil
}

// Record makes a record of one JSON object.
func (m Model) Record(raw []byte) (*component.Record, error) {
	v, err := codec.DecodeStrict(raw)
	if err != nil {
		return nil, err
	}
	ref, err := text(v, cmp.Or(m.cfg.Ref, "id"), true)
	if err != nil {
		return nil, err
	}
	kind, err := text(v, cmp.Or(m.cfg.Kind, "kind"), true)
	if err != nil {
		return nil, err
	}
	name, known := m.cfg.spelling(kind)
	if !known {
		return nil, fmt.Errorf("the kind %q is listed neither under identities nor under kinds", kind)
	}
	r := &component.Record{Entry: component.Entry{Ref: canonical(ref), Kind: name}, Raw: raw}
	if r.Title, err = text(v, cmp.Or(m.cfg.Title, "title"), false); err != nil {
		return nil, err
	}
	if r.Email, err = text(v, cmp.Or(m.cfg.Email, "email"), false); err != nil {
		return nil, err
	}
	return r, nil
}

// Complete adds nothing: the file holds everything.
func (Model) Complete(all []component.Recorded) ([][]byte, []string, error) {
	out := make([][]byte, len(all))
	for i, r := range all {
		out[i] = r.Raw
	}
	return out, nil, nil
}

// text returns the text or whole number at a path of members, "" if there is none.
func text(record map[string]any, path string, required bool) (string, error) {
	var v any = record
	for _, name := range strings.Split(path, ".") {
		object, ok := v.(map[string]any)
		if !ok && v != nil {
			return "", fmt.Errorf("%s: the parent of %q is not an object", path, name)
		}
		v = object[name]
	}
	switch v := v.(type) {
	case string:
		if v = strings.TrimSpace(v); v != "" || !required {
			return v, nil
		}
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprint(int64(v)), nil
		}
		return "", fmt.Errorf("%s is a fraction, not a text", path)
	case nil:
	default:
		return "", fmt.Errorf("%s is not a text", path)
	}
	if required {
		return "", fmt.Errorf("%s is missing or empty", path)
	}
	return "", nil
}

func canonical(ref string) string { return strings.ToLower(strings.TrimSpace(ref)) }

// ParseRef accepts any text.
func (Model) ParseRef(text string) (string, bool) {
	ref := canonical(text)
	return ref, ref != ""
}

// RefHint names the member that holds refs.
func (m Model) RefHint(string, string) string {
	return "the " + cmp.Or(m.cfg.Ref, "id") + " of a record"
}

// KindOf returns the part before the first colon when it is a configured kind.
func (m Model) KindOf(ref string) string {
	kind, _, colon := strings.Cut(ref, ":")
	if _, known := m.cfg.spelling(kind); !colon || !known {
		return ""
	}
	return strings.ToLower(kind)
}

// MayMean accepts a ref, and a ref without its kind.
func (m Model) MayMean(text, ref string) bool {
	text = canonical(text)
	return text == ref || text == m.Name(ref)
}

// Name returns a ref without the kind that it names.
func (m Model) Name(text string) string {
	text = canonical(text)
	if m.KindOf(text) == "" {
		return text
	}
	_, name, _ := strings.Cut(text, ":")
	return name
}

// Examples name no kind.
func (Model) Examples(string) [2]string { return [2]string{"one", "two"} }
