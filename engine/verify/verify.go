package verify

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Documents are the documents of a pipeline and who finds them. It holds refs and names, never
// values.
type Documents struct {
	trace *explain.Trace
	docs  []document
	ends  map[string]string // why a record has no document, by its ref
	rules []string          // of the permissions block, in order
	hosts component.Hosts
}

// document is who finds the document of a record.
type document struct {
	ref, rule  string
	audience   access.Audience
	principals []string
	allOf      [][]string
}

// Read reads the source of a pipeline completely. in is where state is kept, nil for nowhere: its
// hidden documents are found by no one. rules are the names of the permission rules.
func Read(ctx context.Context, p *component.Pipeline, in state.Store, rules []string) (*Documents, error) {
	o := &observer{d: &Documents{ends: map[string]string{}, rules: rules, hosts: component.HostsOf(p.Model)},
		texts:     map[string]string{},
		permitted: map[string]bool{}}
	for _, s := range p.Streams {
		o.permitted[s.Name] = s.Permissions
	}
	o.Trace = explain.New(p, func(string) bool { return true })
	o.d.trace = o.Trace
	if _, err := explain.Watch(ctx, p, in, o); err != nil {
		return nil, err
	}
	return o.d, nil
}

// observer keeps what Documents has, and releases the values of records.
type observer struct {
	*explain.Trace
	permitted map[string]bool // the streams with permissions
	mu        sync.Mutex
	d         *Documents
	texts     map[string]string // each text once
}

var _ component.Observer = (*observer)(nil)

// Staged keeps who finds a document.
func (o *observer) Staged(stream string, e component.Encoded) {
	o.Trace.Staged(stream, e)
	if !o.permitted[stream] {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	doc := document{ref: e.Ref, rule: o.onceText(e.Rule), audience: e.Audience, principals: o.once(e.Principals)}
	for _, set := range e.AllOf {
		doc.allOf = append(doc.allOf, o.once(set))
	}
	o.d.docs = append(o.d.docs, doc)
}

func (o *observer) onceText(text string) string {
	if known, there := o.texts[text]; there {
		return known
	}
	o.texts[text] = text
	return text
}

func (o *observer) once(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = o.onceText(text)
	}
	return out
}

// Ended keeps why a record has no document, and releases it.
func (o *observer) Ended(stream string, e component.Ending, why component.DeadLetter) {
	o.Trace.Ended(stream, e, why)
	o.mu.Lock()
	reason := e.String()
	if why.Reason != "" {
		reason += ": " + why.Reason
	}
	if j := o.Journey(why.Ref); j != nil && j.Decision != nil && j.Decision.Audience == access.Nobody {
		reason = "withheld by the rule " + j.Decision.Rule
	}
	o.d.ends[why.Ref] = o.onceText(reason)
	o.mu.Unlock()
	o.Forget(why.Ref)
}

// Shown returns the refs that a source shows. The pipeline's source has the credentials of a
// person.
func Shown(ctx context.Context, p *component.Pipeline) (map[string]bool, error) {
	o := &refs{Trace: explain.New(p, func(string) bool { return false }), seen: map[string]bool{},
		hosts: component.HostsOf(p.Model)}
	_, err := explain.Watch(ctx, p, nil, o)
	return o.seen, err
}

// refs is an observer that wants no record and keeps its ref.
type refs struct {
	*explain.Trace
	hosts component.Hosts
	mu    sync.Mutex
	seen  map[string]bool
}

// Wants keeps the ref, unless it is attached to another record.
func (o *refs) Wants(ref string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, attached := o.hosts(ref); !attached {
		o.seen[ref] = true
	}
	return o.Trace.Wants(ref)
}

// Result compares what the source shows a person with what the person would find.
type Result struct {
	Person string `json:"person"` // the e-mail
	Shown  int    `json:"shown"`  // records that the source shows
	Found  int    `json:"found"`  // documents that the person would find
	// Hidden are documents that the person would find although the source hides their records.
	Hidden []Difference `json:"hidden"`
	// Missing are records that the source shows, and whose documents the person would not find.
	Missing []Difference `json:"missing"`
	// Touched are the rules by which the person finds a document.
	Touched []string `json:"touched_rules"`
}

// Difference is a record that the source and the documents treat differently.
type Difference struct {
	Ref string `json:"ref"`
	// Rule is the permission rule that decided; "" when the record has no document.
	Rule string `json:"rule,omitempty"`
	// Why is why there is no document, or who finds it.
	Why string `json:"why"`
}

// Compare compares the documents with what the source shows a person, given by e-mail or ref. It
// returns a *fault.Invalid when there is no such person.
func (d *Documents) Compare(who string, shown map[string]bool) (*Result, error) {
	person, why := d.trace.Person(who)
	if person.Email == "" {
		return nil, &fault.Invalid{Reason: why,
			Remedy: "name the person with --person: an e-mail, or a ref of the source"}
	}
	of := map[string]bool{}
	for _, name := range d.trace.PrincipalsOf(person) {
		of[name] = true
	}
	in := func(name string) bool { return of[name] }
	r := &Result{Person: person.Email, Shown: len(shown), Hidden: []Difference{}, Missing: []Difference{}}
	found, touched, rule := map[string]bool{}, map[string]bool{}, map[string]document{}
	for _, doc := range d.docs {
		rule[doc.ref] = doc
		if len(of) == 0 || !access.Finds(doc.audience, doc.principals, doc.allOf, in) {
			continue
		}
		r.Found++
		found[doc.ref], touched[doc.rule] = true, true
		of := doc.ref
		if host, attached := d.hosts(of); attached { // the source shows it with its host
			of = host
		}
		if !shown[of] {
			r.Hidden = append(r.Hidden, Difference{doc.ref, doc.rule, "found by " + doc.audience.String()})
		}
	}
	for ref := range shown {
		if found[ref] {
			continue
		}
		doc, has := rule[ref]
		switch {
		case has:
			r.Missing = append(r.Missing, Difference{ref, doc.rule,
				"found by " + doc.audience.String() + ", and not by this person"})
		default:
			r.Missing = append(r.Missing, Difference{ref, "", cmp.Or(d.ends[ref],
				"not read with the pipeline's credentials")})
		}
	}
	byRef := func(a, b Difference) int { return cmp.Compare(a.Ref, b.Ref) }
	slices.SortFunc(r.Hidden, byRef)
	slices.SortFunc(r.Missing, byRef)
	r.Touched = slices.Sorted(maps.Keys(touched))
	return r, nil
}

// Untouched returns the rules by which none of the persons of these results finds a document: a
// mistake in one of them would not have been seen.
func (d *Documents) Untouched(results []*Result) []string {
	var out []string
	for _, name := range d.rules {
		if !slices.ContainsFunc(results, func(r *Result) bool { return slices.Contains(r.Touched, name) }) {
			out = append(out, name)
		}
	}
	return out
}
