package preview

import (
	"context"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
)

// The longest text and list of a value that is kept.
const (
	maxText = 4000
	maxList = 200
)

// journey is a part of an explain.Journey without the record: what explain.Trace.Forget drops.
// Audiences and endings are numbers.
type journey struct {
	Kind, Title string
	Transforms  []explain.TransformStep `json:",omitempty"`
	Items       []item                  `json:",omitempty"`
	Decided     *decision               `json:",omitempty"`
	Staged      []staged                `json:",omitempty"`
	Ends        []end                   `json:",omitempty"`
}

type item struct {
	Stream  string
	Mapping int
	Fields  []field
}

type field struct {
	Name  string
	Value any     `json:",omitzero"`
	Below []field `json:",omitempty"`
}

type decision struct {
	Audience   int
	Rule       string
	Principals []string
	AllOf      [][]string
}

type staged struct {
	Stream, ID, Type string
	Audience         int
	Rule             string
	Principals       []string
	AllOf            [][]string
	Cut              []string
}

type end struct {
	Stream string
	Ending int
	Why    component.DeadLetter
}

// keep writes what explain.Trace.Forget drops of a record. A record whose items end at different
// times, as a user with a document does, is written in several parts.
func (b *builder) keep(ref string) error {
	j := b.Journey(ref)
	out := journey{Kind: j.Entry.Kind, Title: j.Entry.Title, Transforms: explain.Transforms(b.x.definition, j)}
	forgotten := !b.IsIdentity(ref)
	for _, i := range j.Items {
		if forgotten || !b.stream(i.Stream).Identities {
			out.Items = append(out.Items, item{i.Stream, i.Mapping, packFields(i.Fields)})
		}
	}
	if forgotten {
		out.pack(j)
	}
	for i := range out.Transforms {
		for n := range out.Transforms[i].Changes {
			change := &out.Transforms[i].Changes[n]
			change.Before, change.After = shortened(change.Before), shortened(change.After)
		}
	}
	if j.Value == nil && len(out.Items) == 0 && !forgotten {
		return nil
	}
	packed, err := codec.Marshal(out)
	if err != nil {
		return err
	}
	var value []byte
	if j.Value != nil {
		if value, err = codec.Marshal(shortened(j.Value)); err != nil {
			return err
		}
	}
	return b.exec(intoRecord, ref, value, packed)
}

// pack adds what else is known of a record that is forgotten whole.
func (out *journey) pack(j *explain.Journey) {
	if d := j.Decision; d != nil {
		out.Decided = &decision{int(d.Audience), d.Rule, d.Principals, d.AllOf}
	}
	for _, s := range j.Staged {
		out.Staged = append(out.Staged, staged{s.Stream, s.ID, s.Type, int(s.Audience), s.Rule, s.Principals, s.AllOf, s.Cut})
	}
	for _, e := range j.Ends {
		out.Ends = append(out.Ends, end{e.Stream, int(e.Ending), e.Why})
	}
}

func packFields(fields []component.Field) []field {
	out := make([]field, len(fields))
	for i, f := range fields {
		out[i].Name = f.Name
		if below, is := f.Value.([]component.Field); is {
			out[i].Below = packFields(below)
			continue
		}
		out[i].Value = shortened(f.Value)
	}
	return out
}

// shortened returns a value without the ends of its longest texts and lists. It does not modify
// the value.
func shortened(v any) any {
	if !long(v) {
		return v
	}
	switch v := v.(type) {
	case string:
		return cut(v, maxText)
	case []string:
		out := make([]string, min(len(v), maxList))
		for i := range out {
			out[i] = cut(v[i], maxText)
		}
		return out
	case []any:
		out := make([]any, min(len(v), maxList))
		for i := range out {
			out[i] = shortened(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, one := range v {
			out[name] = shortened(one)
		}
		return out
	}
	return v
}

// long reports whether a value has a text or a list that is too long.
func long(v any) bool {
	switch v := v.(type) {
	case string:
		return len(v) > maxText
	case []string:
		return len(v) > maxList || slices.ContainsFunc(v, func(s string) bool { return len(s) > maxText })
	case []any:
		return len(v) > maxList || slices.ContainsFunc(v, long)
	case map[string]any:
		for _, one := range v {
			if long(one) {
				return true
			}
		}
	}
	return false
}

// cut shortens a text to at most n characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for i := range text {
		if n--; n < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

// journey returns what is known of a record, and what the transforms made of it; nil for a record
// that was not read.
func (x *Index) journey(ctx context.Context, ref string) (*explain.Journey, []explain.TransformStep, error) {
	var out *explain.Journey
	if known := x.trace.Journey(ref); known != nil {
		whole := *known
		whole.Items = slices.Clone(known.Items)
		out = &whole
	}
	rows, err := x.db.QueryContext(ctx, "SELECT value, journey FROM record WHERE ref = ? ORDER BY rowid", ref)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var steps []explain.TransformStep
	for rows.Next() {
		var value, packed []byte
		if err := rows.Scan(&value, &packed); err != nil {
			return nil, nil, err
		}
		var part journey
		if err := codec.Unmarshal(packed, &part); err != nil {
			return nil, nil, err
		}
		if out == nil {
			out = &explain.Journey{Entry: component.Entry{Ref: ref, Kind: part.Kind, Title: part.Title}}
		}
		if value != nil {
			if out.Value, err = codec.Decode(value); err != nil {
				return nil, nil, err
			}
		}
		steps = append(steps, part.Transforms...)
		part.unpack(out)
	}
	return out, steps, rows.Err()
}

// unpack adds the part to a journey.
func (part *journey) unpack(out *explain.Journey) {
	for _, i := range part.Items {
		out.Items = append(out.Items, component.Item{Stream: i.Stream, Ref: out.Entry.Ref, Kind: part.Kind,
			Mapping: i.Mapping, Fields: unpackFields(i.Fields)})
	}
	if d := part.Decided; d != nil {
		out.Decision = &access.Permissions{Audience: access.Audience(d.Audience), Rule: d.Rule, Principals: d.Principals,
			AllOf: d.AllOf}
	}
	for _, s := range part.Staged {
		out.Staged = append(out.Staged, explain.Staged{Stream: s.Stream, Encoded: component.Encoded{ID: s.ID,
			Ref: out.Entry.Ref, Type: s.Type, Audience: access.Audience(s.Audience), Rule: s.Rule, Principals: s.Principals,
			AllOf: s.AllOf, Cut: s.Cut}})
	}
	for _, e := range part.Ends {
		out.Ends = append(out.Ends, explain.End{Stream: e.Stream, Ending: component.Ending(e.Ending), Why: e.Why})
	}
}

func unpackFields(fields []field) []component.Field {
	out := make([]component.Field, len(fields))
	for i, f := range fields {
		out[i] = component.Field{Name: f.Name, Value: f.Value}
		if f.Below != nil {
			out[i].Value = unpackFields(f.Below)
		}
	}
	return out
}

// only keeps the part of a journey that is about one stream.
func only(stream string, j *explain.Journey) {
	j.Items = slices.DeleteFunc(slices.Clone(j.Items), func(i component.Item) bool { return i.Stream != stream })
	j.Staged = slices.DeleteFunc(slices.Clone(j.Staged), func(s explain.Staged) bool { return s.Stream != stream })
	j.Ends = slices.DeleteFunc(slices.Clone(j.Ends), func(e explain.End) bool { return e.Stream != stream })
}
