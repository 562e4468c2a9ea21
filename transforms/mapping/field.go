package mapping

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
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
	cut        component.CutLimit
}

// value returns the field's value for the worker's current record, nil when there is nothing
// to send. It adds the names of cut fields to the item.
func (f *field) value(w *component.Worker, item *component.Item) (any, error) {
	switch {
	case f.properties != nil:
		return f.propertyValues(w, item)
	case f.program == nil:
		return f.literal, nil
	}
	v, cut, err := f.evaluate(w)
	if err == nil {
		v, err = f.convert(v)
	}
	if err != nil {
		return nil, fault.Reject(fault.StageMapping, f.label, "%v", err)
	}
	v, shortened := f.cut.Apply(v)
	if cut || shortened {
		item.Cut = append(item.Cut, strings.TrimPrefix(f.label, item.Stream+"."))
	}
	return v, nil
}

func (f *field) evaluate(w *component.Worker) (v any, cut bool, err error) {
	if f.cut.May() {
		return w.Run.EvalCut(f.program)
	}
	v, err = w.Run.Eval(f.program)
	return v, false, err
}

func (f *field) propertyValues(w *component.Worker, item *component.Item) (any, error) {
	out := make([]component.Field, 0, len(f.properties))
	for i := range f.properties {
		p := &f.properties[i]
		v, err := p.value(w, item)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, component.Field{Name: p.name, Value: v})
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}
