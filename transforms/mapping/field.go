package mapping

import (
	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/expression"
)

// field is a field or a property: a program and what makes its result a value,
// a literal value, or the properties below it.
type field struct {
	name       string
	label      string // the way to it, as rejections name it: documents.title
	required   bool
	program    *expression.Program
	convert    func(v any) (any, error)
	literal    any
	properties []field
}

// value is what the field has for the record that the worker has begun, nil
// when there is nothing to send.
func (f *field) value(w *engine.Worker) (any, error) {
	switch {
	case f.properties != nil:
		return f.propertyValues(w)
	case f.program == nil:
		return f.literal, nil
	}
	v, err := w.Run.Eval(f.program)
	if err == nil {
		v, err = f.convert(v)
	}
	if err != nil {
		return nil, engine.Reject("mapping", f.label, "%v", err)
	}
	return v, nil
}

func (f *field) propertyValues(w *engine.Worker) (any, error) {
	var out []engine.Field
	for i := range f.properties {
		p := &f.properties[i]
		v, err := p.value(w)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, engine.Field{Name: p.name, Value: v})
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}
