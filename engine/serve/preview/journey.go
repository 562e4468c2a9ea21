package preview

import (
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
)

// The longest text and list of a field that is kept for the page of a document.
const (
	maxText = 4000
	maxList = 200
)

// journey is the part of an explain.Journey that explains a document. Audiences are numbers.
type journey struct {
	Ref, Kind, Title string
	Stream           string
	Mapping          int
	Fields           []field
	Decided          *decision
	ID, Type         string
	Audience         int
	Rule             string
	Principals       []string
	AllOf            [][]string
	Cut              []string
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

// packJourney encodes what explains a staged document.
func packJourney(stream string, e component.Encoded, j *explain.Journey) ([]byte, error) {
	out := journey{
		Ref: j.Entry.Ref, Kind: j.Entry.Kind, Title: j.Entry.Title, Stream: stream, ID: e.ID, Type: e.Type,
		Audience: int(e.Audience), Rule: e.Rule, Principals: e.Principals, AllOf: e.AllOf, Cut: e.Cut,
	}
	if item := j.Item(stream); item != nil {
		out.Mapping, out.Fields = item.Mapping, packFields(item.Fields)
	}
	if d := j.Decision; d != nil {
		out.Decided = &decision{int(d.Audience), d.Rule, d.Principals, d.AllOf}
	}
	return codec.Marshal(out)
}

func packFields(fields []component.Field) []field {
	out := make([]field, len(fields))
	for i, f := range fields {
		out[i].Name = f.Name
		switch v := f.Value.(type) {
		case []component.Field:
			out[i].Below = packFields(v)
		case string:
			out[i].Value = cut(v, maxText)
		case []any:
			out[i].Value = v[:min(len(v), maxList)]
		case []string:
			out[i].Value = v[:min(len(v), maxList)]
		default:
			out[i].Value = v
		}
	}
	return out
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

// unpackJourney decodes the output of packJourney.
func unpackJourney(packed []byte) (*explain.Journey, error) {
	var in journey
	if err := codec.Unmarshal(packed, &in); err != nil {
		return nil, err
	}
	out := &explain.Journey{
		Entry: component.Entry{Ref: in.Ref, Kind: in.Kind, Title: in.Title},
		Items: []component.Item{{Stream: in.Stream, Ref: in.Ref, Kind: in.Kind, Mapping: in.Mapping,
			Fields: unpackFields(in.Fields)}},
		Staged: []explain.Staged{{Stream: in.Stream, Encoded: component.Encoded{
			ID: in.ID, Ref: in.Ref, Type: in.Type, Audience: access.Audience(in.Audience), Rule: in.Rule,
			Principals: in.Principals, AllOf: in.AllOf, Cut: in.Cut,
		}}},
		Ends: []explain.End{{Stream: in.Stream, Ending: component.Delivered, Why: component.DeadLetter{Ref: in.Ref}}},
	}
	if d := in.Decided; d != nil {
		out.Decision = &access.Permissions{Audience: access.Audience(d.Audience), Rule: d.Rule, Principals: d.Principals,
			AllOf: d.AllOf}
	}
	return out, nil
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
