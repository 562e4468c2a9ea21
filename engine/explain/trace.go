package explain

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// Trace is an observer that keeps every ref that was read, the complete journeys of the chosen
// records, and what the access queries need to know of users and groups.
type Trace struct {
	want       func(ref string) bool
	grammar    component.Refs
	identities []string           // kinds
	streams    []component.Stream // of the sink

	mu       sync.Mutex
	refs     map[string]bool
	journeys map[string]*Journey
	named    map[string]string   // the principal of a user or group by ref; "" for an inactive one
	records  map[string]string   // the ref by principal
	members  map[string][]string // principals by group, from streams of the session's own
	holders  map[string][]string // the groups that directly contain a principal
	people   []Person            // what People returns; nil when it is to be collected
	byName   map[string]int      // the index in people by e-mail and by ref
}

// Journey is what happened to one record.
type Journey struct {
	Entry component.Entry
	// Value is the decoded record, After the record after the transforms; both are nil for
	// users and groups that were not chosen.
	Value, After map[string]any
	Steps        []Step
	Items        []component.Item
	Decision     *access.Permissions // nil when no decision was needed or possible
	Staged       []Staged
	Ends         []End
}

// Step is the result of one transform.
type Step struct {
	Transform     string
	Before, After map[string]any
	Outcome       component.Outcome
}

// Staged is an item that would be sent.
type Staged struct {
	Stream string
	component.Encoded
}

// End is the ending of a record, or of one of its items when Stream is set.
type End struct {
	Stream string
	Ending component.Ending
	Why    component.DeadLetter
}

// New returns a trace for a run of the pipeline; want reports whether a record is chosen.
func New(p *component.Pipeline, want func(ref string) bool) *Trace {
	return &Trace{want: want, grammar: p.Model, identities: identityKinds(p.Model), streams: p.Streams,
		refs: map[string]bool{}, journeys: map[string]*Journey{}, named: map[string]string{}, records: map[string]string{},
		members: map[string][]string{}, holders: map[string][]string{}}
}

var _ component.Observer = (*Trace)(nil)

// Journey returns the journey of a chosen record, or of a user or group; nil when none was
// read.
func (t *Trace) Journey(ref string) *Journey {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.journeys[ref]
}

// RecordOf returns the ref of the user or group that items name by a principal; "" for any
// other.
func (t *Trace) RecordOf(principal string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.records[principal]
}

// Refs returns all refs that were read, sorted.
func (t *Trace) Refs() []string { return slices.Sorted(maps.Keys(t.refs)) }

// Asked returns the chosen refs that were read, sorted.
func (t *Trace) Asked() []string {
	return slices.DeleteFunc(t.Refs(), func(ref string) bool { return !t.want(ref) })
}

// Wants records the ref.
func (t *Trace) Wants(ref string) bool {
	t.mu.Lock()
	t.refs[ref] = true
	t.mu.Unlock()
	return t.isIdentity(ref, "") || t.grammar.KindOf(ref) == "" || t.want(ref)
}

// IsIdentity reports whether a record that was read is a user or group.
func (t *Trace) IsIdentity(ref string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.journeys[ref]
	return j != nil && t.isIdentity(ref, j.Entry.Kind)
}

// Forget releases what is known about a record: everything about one that is no user or group,
// and the values of others. Queries about users and groups stay possible.
func (t *Trace) Forget(ref string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.journeys[ref]
	if j == nil {
		return
	}
	if !t.isIdentity(ref, j.Entry.Kind) {
		delete(t.journeys, ref)
		delete(t.refs, ref)
		return
	}
	j.Value, j.After, j.Steps = nil, nil, nil
	j.Items = slices.DeleteFunc(j.Items, func(i component.Item) bool { return !t.stream(i.Stream).Identities })
	for i := range j.Staged {
		j.Staged[i].Body = nil
	}
	j.detach()
}

// detach copies the texts that are kept: they are parts of the whole record.
func (j *Journey) detach() {
	e := &j.Entry
	e.Kind, e.Title, e.Email = strings.Clone(e.Kind), strings.Clone(e.Title), strings.Clone(e.Email)
	for i := range j.Items {
		j.Items[i].Fields = detached(j.Items[i].Fields).([]component.Field)
	}
}

func detached(v any) any {
	switch v := v.(type) {
	case string:
		return strings.Clone(v)
	case []string:
		return component.CloneTexts(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = detached(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, one := range v {
			out[strings.Clone(name)] = detached(one)
		}
		return out
	case []component.Field:
		out := make([]component.Field, len(v))
		for i, f := range v {
			out[i] = component.Field{Name: f.Name, Value: detached(f.Value)}
		}
		return out
	}
	return v
}

// at calls change with the journey of a record; whole reports whether the record was chosen.
func (t *Trace) at(ref string, change func(j *Journey, whole bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.people = nil
	j := t.journeys[ref]
	if j == nil {
		j = &Journey{Entry: component.Entry{Ref: ref}}
		t.journeys[ref] = j
	}
	change(j, t.want(ref))
}

// Decoded records the decoded record.
func (t *Trace) Decoded(r *component.Record) {
	t.at(r.Ref, func(j *Journey, whole bool) {
		j.Entry = r.Entry
		if whole {
			j.Value, j.After = r.Value, r.Value
		}
	})
}

// Transformed records the step.
func (t *Trace) Transformed(_ *component.Worker, by component.Transform, before map[string]any, r *component.Record,
	o component.Outcome) {
	t.at(r.Ref, func(j *Journey, whole bool) {
		if whole {
			j.After = r.Value
			j.Steps = append(j.Steps, Step{by.Name(), before, r.Value, o})
		}
	})
}

// Mapping does nothing.
func (t *Trace) Mapping(*component.Worker, *component.Record) {}

// Mapped records the items.
func (t *Trace) Mapped(r *component.Record, m component.Mapped) {
	t.at(r.Ref, func(j *Journey, whole bool) {
		for _, item := range m.Items {
			if whole || t.stream(item.Stream).Identities {
				j.Items = append(j.Items, item)
			}
		}
	})
}

// Decided records the decision.
func (t *Trace) Decided(r *component.Record, p access.Permissions) {
	t.at(r.Ref, func(j *Journey, _ bool) { j.Decision = &p })
}

// Named records the principal.
func (t *Trace) Named(ref, principal string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.people = nil
	t.named[ref] = principal
	if principal != "" {
		t.records[principal] = ref
	}
}

// Staged records the item, and the members of a group in a stream of the session's own.
func (t *Trace) Staged(stream string, e component.Encoded) {
	t.at(e.Ref, func(j *Journey, whole bool) {
		if t.stream(stream).Name == "" {
			group := component.GroupPrincipal(e.ID)
			t.members[group] = e.Principals
			for _, one := range e.Principals {
				t.holders[one] = append(t.holders[one], group)
			}
		}
		if !whole {
			e.Body = nil
		}
		j.Staged = append(j.Staged, Staged{stream, e})
	})
}

// Ended records the ending.
func (t *Trace) Ended(stream string, e component.Ending, why component.DeadLetter) {
	t.at(why.Ref, func(j *Journey, _ bool) { j.Ends = append(j.Ends, End{stream, e, why}) })
}

// stream returns a stream of the sink; the zero Stream for one of the session's own.
func (t *Trace) stream(name string) component.Stream {
	i := slices.IndexFunc(t.streams, func(s component.Stream) bool { return s.Name == name })
	if i < 0 {
		return component.Stream{}
	}
	return t.streams[i]
}

// Ending returns the greatest ending of the record and its items.
func (j *Journey) Ending() End {
	out := End{}
	for _, e := range j.Ends {
		if e.Ending > out.Ending {
			out = e
		}
	}
	return out
}

// Item returns the item of a stream; nil when the mapping made none.
func (j *Journey) Item(stream string) *component.Item {
	for i := range j.Items {
		if j.Items[i].Stream == stream {
			return &j.Items[i]
		}
	}
	return nil
}

// Sent returns what would be sent for the record in a stream; nil for nothing.
func (j *Journey) Sent(stream string) *component.Encoded {
	for i := range j.Staged {
		if j.Staged[i].Stream == stream {
			return &j.Staged[i].Encoded
		}
	}
	return nil
}

// EndIn returns the ending of the item of a stream, or of the record when it has none.
func (j *Journey) EndIn(stream string) End {
	for _, e := range j.Ends {
		if e.Stream == stream {
			return e
		}
	}
	return j.Ending()
}

// Because returns the reason of an ending on one line.
func (e End) Because() string {
	parts := []string{}
	for _, p := range []string{e.Why.Field, e.Why.Reason} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	text := strings.Join(parts, ": ")
	if e.Why.Stage != "" {
		text = string(e.Why.Stage) + ": " + text
	}
	return text
}

// isIdentity reports whether a record is a user or group. kind is used when refs do not contain
// kinds.
func (t *Trace) isIdentity(ref, kind string) bool {
	return slices.Contains(t.identities, cmp.Or(t.grammar.KindOf(ref), strings.ToLower(kind)))
}
