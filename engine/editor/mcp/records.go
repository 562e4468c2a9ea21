package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

type explainIn struct {
	from
	Ref string `json:"ref" jsonschema:"the entity, as kind:namespace/name or a part of it that only one has"`
	As  string `json:"as,omitempty" jsonschema:"show whether this person finds it, and why: an e-mail or the ref of a user"`
}

func (s *server) explain(ctx context.Context, in explainIn) (any, error) {
	o, err := s.open(ctx, in.from)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	t := explain.New(o.Pipeline, explain.NewMatcher(o.Pipeline.Model, in.Ref).Matches)
	if _, err := explain.Watch(ctx, o.Pipeline, nil, t); err != nil {
		return nil, err
	}
	ref, err := o.pick(in.Ref, t.Refs())
	if err != nil {
		return nil, err
	}
	j := t.Journey(ref)
	e := explain.Record(o.Definition, t, j)
	if who := strings.TrimSpace(in.As); who != "" {
		a := t.Finds(j, who)
		e.Answer = &a
	}
	o.privacy.explanation(&e, o.privacy.hides(t, j))
	return e, nil
}

// pick returns the record that a call names.
func (o *opened) pick(asked string, known []string) (string, error) {
	m := explain.NewMatcher(o.Pipeline.Model, asked)
	ref, near := m.Pick(known)
	if ref != "" {
		return ref, nil
	}
	wrong := &fault.Invalid{Reason: fmt.Sprintf("the source holds no %q among the %s that the pipeline reads", asked,
		display.Plural(len(known), "record")), Remedy: "a ref is kind:namespace/name"}
	if len(near) > 0 && m.Matches(near[0]) {
		wrong.Reason = fmt.Sprintf("%q may mean %s", asked, display.Plural(len(near), "record"))
		wrong.Remedy = "write the whole ref, as kind:namespace/name"
	}
	if len(near) > 0 && o.privacy.names() {
		const most = 10
		wrong.Remedy = "similar are " + display.List(near, most, ", ")
	}
	return "", wrong
}

type evalIn struct {
	from
	Expression string `json:"expression" jsonschema:"such as metadata.title; it sees the record after the transforms, define and vars"`
	Ref        string `json:"ref,omitempty" jsonschema:"the entity; without it the first ten are evaluated"`
}

// evaluated is the result of an expression for one record.
type evaluated struct {
	Ref   string `json:"ref"`
	Value any    `json:"value"`
	Error string `json:"error,omitempty"`
	Note  string `json:"note,omitempty"`
}

// mostEvaluated is the number of records without a ref, mostKept that of the results from which they
// are taken.
const (
	mostEvaluated = 10
	mostKept      = 500
)

func (s *server) eval(ctx context.Context, in evalIn) (any, error) {
	if in.Live && in.Ref == "" {
		return nil, &fault.Invalid{Reason: "with live, an expression is evaluated on one record", Remedy: "name it with ref"}
	}
	o, err := s.open(ctx, in.from)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	program, wrong := o.Definition.Language.Compile(in.Expression, expression.WantAny)
	if wrong != nil {
		return nil, config.Problems{{Pos: config.Pos{File: "expression", Line: wrong.Line, Col: wrong.Col + 1},
			Code: wrong.Code, Message: wrong.Message, Hint: wrong.Hint}}
	}
	want, most := func(string) bool { return true }, mostKept
	if in.Ref != "" {
		want, most = explain.NewMatcher(o.Pipeline.Model, in.Ref).Matches, 0
	}
	e := explain.NewEvaluator(o.Pipeline, program, most, want)
	e.Alone = !o.privacy.names() // a title of another record may be one that not everyone finds
	e.Keep = func(v any) any { return shortened(v, new(int)) }
	if _, err := explain.Watch(ctx, o.Pipeline, nil, e); err != nil {
		return nil, err
	}
	if in.Ref != "" {
		ref, err := o.pick(in.Ref, e.Refs())
		if err != nil {
			return nil, err
		}
		return o.evaluated(e.Trace, e.Result(ref)), nil
	}
	all, total := e.Results()
	out := []evaluated{}
	for _, one := range all {
		hides := o.privacy.hides(e.Trace, e.Journey(one.Ref))
		if len(out) < mostEvaluated && (!hides || o.privacy.names()) {
			out = append(out, o.evaluated(e.Trace, one))
		}
	}
	return map[string]any{"records": out, "total": total}, nil
}

// evaluated returns what is shown of a result. Of a hidden record, nothing depends on the result: a
// value that can be told from an error or from nil would answer yes or no about the record.
func (o *opened) evaluated(t *explain.Trace, r explain.Evaluated) evaluated {
	if o.privacy.hides(t, t.Journey(r.Ref)) {
		return evaluated{Ref: r.Ref, Value: leftOut}
	}
	out := evaluated{Ref: r.Ref, Value: r.Value, Error: r.Error, Note: r.Note}
	var bad *expression.RuntimeError
	if errors.As(r.Err, &bad) {
		out.Note = "in a run this rejects the record"
	}
	return out
}

// shortened returns a value of at most a few thousand characters and elements. size counts both.
func shortened(v any, size *int) any {
	const most = 8000
	switch v := v.(type) {
	case string:
		if left := max(0, most-*size); len(v) > left {
			v = strings.ToValidUTF8(v[:left], "") + "…"
		}
		*size += len(v)
		return strings.Clone(v)
	case []any:
		out := []any{}
		for _, one := range v {
			if *size++; *size > most {
				return append(out, "…")
			}
			out = append(out, shortened(one, size))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, one := range v {
			if *size += len(name) + 1; *size > most {
				out["…"] = "…"
				return out
			}
			out[name] = shortened(one, size)
		}
		return out
	}
	return v
}
