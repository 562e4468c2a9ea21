package store

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// row is a checked record as the store keeps it.
type row struct {
	ref, kind, namespace string
	raw                  []byte
	line                 int
}

// check makes a row of a JSON object. It accepts what a run could read without rejecting the
// record, of a kind that the pipeline reads and in the given scope.
func (s *Store) check(raw []byte, line int, in scope) (row, error) {
	wrong := func(f component.PushFault, remedy, format string, args ...any) (row, error) {
		return row{}, &component.PushError{Fault: f, Line: line, Reason: fmt.Sprintf(format, args...), Remedy: remedy}
	}
	if int64(len(raw)) > s.limits.Record {
		return row{}, s.tooLarge(line)
	}
	if _, err := codec.DecodeStrict(raw); err != nil {
		return wrong(component.PushInvalid, "write one JSON object a line", "not a record: %v", err)
	}
	made, err := s.make.Record(raw)
	if err != nil {
		return wrong(component.PushInvalid, "", "not a record: %v", err)
	}
	kind, namespace := strings.ToLower(made.Kind), s.namespace(made.Ref)
	switch _, read := s.kinds[kind]; {
	case !read:
		return wrong(component.PushInvalid, s.kindsHint(), "the pipeline reads no kind %q", made.Kind)
	case s.kinds[kind] && !in.Identities:
		return wrong(component.PushForbidden, "push people and groups in full sets, with a token of their own",
			"%s is of the kind %s", made.Ref, made.Kind)
	case !s.includes(in, kind, namespace):
		return wrong(component.PushForbidden, "", "%s is of a kind or namespace outside the token or the set", made.Ref)
	}
	if ref, ok := s.model.ParseRef(made.Ref); !ok || ref != made.Ref {
		return wrong(component.PushInvalid, "write "+s.model.RefHint(made.Ref, ""), "%q is not a ref", made.Ref)
	}
	if err := s.model.Decode(made); err != nil {
		return wrong(component.PushInvalid, "", "a run would reject %s: %v", made.Ref, err)
	}
	return row{ref: made.Ref, kind: kind, namespace: namespace, raw: raw, line: line}, nil
}

// tooLarge refuses a record by its size.
func (s *Store) tooLarge(line int) error {
	return &component.PushError{Fault: component.PushTooLarge, Line: line, Remedy: "raise source.push.max_record",
		Reason: "the record is larger than " + size(s.limits.Record)}
}

// namespace returns the namespace of a ref, "" for a model without namespaces.
func (s *Store) namespace(ref string) string {
	if m, has := s.model.(component.Namespacer); has {
		return m.NamespaceOf(ref)
	}
	return ""
}

// size returns a number of bytes for people.
func size(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return display.Plural(int(n), "byte")
}
