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

// Trace is an observer that remembers: every ref that was read, whole journeys
// of the records it was asked for, and of people and groups what Access needs.
type Trace struct {
	want       func(ref string) bool
	grammar    component.Refs
	identities []string           // kinds
	streams    []component.Stream // of the sink

	mu       sync.Mutex
	refs     map[string]bool
	journeys map[string]*Journey
	named    map[string]string   // how the sink names a person or group, by ref; "" for nobody who is active
	records  map[string]string   // the ref that a principal stands for
	members  map[string][]string // principals by group, of the session's own stream
	holders  map[string][]string // and the groups that hold a principal directly
}

// Journey is what became of one record.
type Journey struct {
	Entry component.Entry
	// Value is the record as it was decoded, After as the transforms left it;
	// both nil for people and groups that were not asked for.
	Value, After map[string]any
	Steps        []Step
	Items        []component.Item
	Decision     *access.Permissions // nil when nobody had to decide, or could
	Staged       []Staged
	Ends         []End
}

// Step is what one transform did.
type Step struct {
	Transform     string
	Before, After map[string]any
	Outcome       component.Outcome
}

// Staged is an item as it would be sent.
type Staged struct {
	Stream string
	component.Encoded
}

// End is how a record ended, or one item of it when Stream is set.
type End struct {
	Stream string
	Ending component.Ending
	Why    component.DeadLetter
}

// New makes a trace of a run of the pipeline; want says which records it shows.
func New(p *component.Pipeline, want func(ref string) bool) *Trace {
	return &Trace{want: want, grammar: p.Model, identities: identityKinds(p.Model), streams: p.Streams,
		refs: map[string]bool{}, journeys: map[string]*Journey{}, named: map[string]string{}, records: map[string]string{},
		members: map[string][]string{}, holders: map[string][]string{}}
}

var _ component.Observer = (*Trace)(nil)

// Journey is that of a record that was asked for, or of a person or group; nil
// when none was read.
func (t *Trace) Journey(ref string) *Journey { return t.journeys[ref] }

// Refs are all that were read, sorted.
func (t *Trace) Refs() []string { return slices.Sorted(maps.Keys(t.refs)) }

// Asked are the refs that were asked for and read, sorted.
func (t *Trace) Asked() []string {
	return slices.DeleteFunc(t.Refs(), func(ref string) bool { return !t.want(ref) })
}

// Wants notes the ref.
func (t *Trace) Wants(ref string) bool {
	t.mu.Lock()
	t.refs[ref] = true
	t.mu.Unlock()
	return t.isIdentity(ref, "") || t.grammar.KindOf(ref) == "" || t.want(ref)
}

// at calls change with the journey of a record; whole is whether it was asked
// for.
func (t *Trace) at(ref string, change func(j *Journey, whole bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.journeys[ref]
	if j == nil {
		j = &Journey{Entry: component.Entry{Ref: ref}}
		t.journeys[ref] = j
	}
	change(j, t.want(ref))
}

// Decoded keeps the record.
func (t *Trace) Decoded(r *component.Record) {
	t.at(r.Ref, func(j *Journey, whole bool) {
		j.Entry = r.Entry
		if whole {
			j.Value, j.After = r.Value, r.Value
		}
	})
}

// Transformed keeps the step.
func (t *Trace) Transformed(_ *component.Worker, by component.Transform, before map[string]any, r *component.Record,
	o component.Outcome) {
	t.at(r.Ref, func(j *Journey, whole bool) {
		if whole {
			j.After = r.Value
			j.Steps = append(j.Steps, Step{by.Name(), before, r.Value, o})
		}
	})
}

// Mapping is of no interest to it.
func (t *Trace) Mapping(*component.Worker, *component.Record) {}

// Mapped keeps the items.
func (t *Trace) Mapped(r *component.Record, m component.Mapped) {
	t.at(r.Ref, func(j *Journey, whole bool) {
		for _, item := range m.Items {
			if whole || t.stream(item.Stream).Identities {
				j.Items = append(j.Items, item)
			}
		}
	})
}

// Decided keeps the decision.
func (t *Trace) Decided(r *component.Record, p access.Permissions) {
	t.at(r.Ref, func(j *Journey, _ bool) { j.Decision = &p })
}

// Named keeps the name.
func (t *Trace) Named(ref, principal string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.named[ref] = principal
	if principal != "" {
		t.records[principal] = ref
	}
}

// Staged keeps the item, and whom a group of the session's own holds.
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

// Ended keeps the ending.
func (t *Trace) Ended(stream string, e component.Ending, why component.DeadLetter) {
	t.at(why.Ref, func(j *Journey, _ bool) { j.Ends = append(j.Ends, End{stream, e, why}) })
}

// stream is one of the sink's, empty for those of a session's own.
func (t *Trace) stream(name string) component.Stream {
	i := slices.IndexFunc(t.streams, func(s component.Stream) bool { return s.Name == name })
	if i < 0 {
		return component.Stream{}
	}
	return t.streams[i]
}

// Ending is the gravest of the ways in which the record and its items ended.
func (j *Journey) Ending() End {
	out := End{}
	for _, e := range j.Ends {
		if e.Ending > out.Ending {
			out = e
		}
	}
	return out
}

// Item is the item of a stream, nil when the mapping made none.
func (j *Journey) Item(stream string) *component.Item {
	for i := range j.Items {
		if j.Items[i].Stream == stream {
			return &j.Items[i]
		}
	}
	return nil
}

// Sent is what would be sent of the record in a stream, nil for nothing.
func (j *Journey) Sent(stream string) *component.Encoded {
	for i := range j.Staged {
		if j.Staged[i].Stream == stream {
			return &j.Staged[i].Encoded
		}
	}
	return nil
}

// EndIn is how the item of a stream ended, or else the record.
func (j *Journey) EndIn(stream string) End {
	for _, e := range j.Ends {
		if e.Stream == stream {
			return e
		}
	}
	return j.Ending()
}

// Because is the reason of an ending as one line.
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

// isIdentity reports whether a record is a person or group. kind counts where refs do
// not name kinds.
func (t *Trace) isIdentity(ref, kind string) bool {
	return slices.Contains(t.identities, cmp.Or(t.grammar.KindOf(ref), strings.ToLower(kind)))
}
