package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// company is a source and its model: phases of records whose value says what
// is to become of them.
type company struct {
	phases  []component.Phase
	records map[string][]*component.Record // by phase
	page    int
	fail    func(phase string, page int) error
	closed  bool
	hidden  []*component.Record // found only when they are asked for
	asked   []string
	control []string // refs that go with those that are asked for
	blind   bool     // asking finds nothing at all
}

func (c *company) Language() expression.Model {
	return expression.Model{Names: map[string]expression.Type{"kind": expression.Any(), "fate": expression.Any()}, Functions: []expression.Function{{
		Name: "there", MinArgs: 1, MaxArgs: 1, Gives: expression.BoolKind,
		Call: func(ctx expression.Context, args []any) (any, error) {
			ref, _ := args[0].(string)
			_, found := ctx.Lookup(ref)
			return found, nil
		},
	}}}
}

func (c *company) Phases() []component.Phase { return c.phases }

func (c *company) ParseRef(text string) (string, bool) { return text, strings.Contains(text, ":") }

func (c *company) RefHint(string, string) string { return "KIND:NAMESPACE/NAME" }

func (c *company) KindOf(ref string) string { kind, _, _ := strings.Cut(ref, ":"); return kind }

func (c *company) Decode(r *component.Record) error {
	v, err := codec.Decode(r.Raw)
	if err != nil {
		return fault.Reject("read", "", "not JSON")
	}
	r.Value = v
	return nil
}

func (c *company) Read(ctx context.Context, ph component.Phase, emit component.Emit) error {
	all := c.records[ph.Name]
	for page := 0; page*c.page < len(all); page++ {
		if c.fail != nil {
			if err := c.fail(ph.Name, page); err != nil {
				return err
			}
		}
		var out []*component.Record
		for _, r := range all[page*c.page : min(len(all), (page+1)*c.page)] {
			copied := *r
			out = append(out, &copied)
		}
		if err := emit(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// Confirm finds what the company hides from reading.
func (c *company) Confirm(ctx context.Context, ph component.Phase, refs, control []string, emit component.Emit) error {
	c.asked = append(c.asked, refs...)
	c.control = append(c.control, control...)
	if c.blind {
		return fault.Errorf(fault.Transient, "", "%d refs that were just read are not found", len(control))
	}
	for _, r := range c.hidden {
		of := func(k component.Kind) bool { return strings.EqualFold(k.Name, r.Kind) }
		if slices.Contains(refs, r.Ref) && slices.ContainsFunc(ph.Kinds, of) {
			copied := *r
			if err := emit(ctx, []*component.Record{&copied}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *company) Close() error { c.closed = true; return nil }

func (c *company) add(phase, kind, name, fate string) {
	ref := fmt.Sprintf("%s:default/%s", kind, name)
	raw, _ := codec.Marshal(map[string]any{"kind": kind, "fate": fate, "name": name})
	c.records[phase] = append(c.records[phase], &component.Record{Entry: component.Entry{Ref: ref, Kind: kind, Title: "title of " + name}, Raw: raw})
}

func newCompany() *company {
	return &company{
		page: 7, records: map[string][]*component.Record{},
		phases: []component.Phase{
			{Name: "identities", Identities: true, Kinds: []component.Kind{{Name: "user"}, {Name: "group"}}},
			{Name: "structure", Kinds: []component.Kind{{Name: "system"}}},
			{Name: "catalog", Kinds: []component.Kind{{Name: "component"}}},
		},
	}
}

// fates is a transform, a mapper and a decider that do what a record's fate
// says.
type fates struct {
	display map[string]string // ref → what the look-up said when it was mapped
	about   string            // the ref that every mapping looks up
	there   func(w *component.Worker, ref string) (bool, error)
	mu      sync.Mutex
}

func (f *fates) Name() string { return "fates" }

func (f *fates) Apply(_ context.Context, w *component.Worker, records []*component.Record) ([]component.Outcome, error) {
	out := make([]component.Outcome, len(records))
	for i, r := range records {
		w.Begin(r)
		if ref, ok := strings.CutPrefix(r.Value["fate"].(string), "filtered by "); ok {
			_, out[i].Err = f.there(w, ref)
		}
		switch r.Value["fate"] {
		case "dropped":
			out[i].Dropped = "unwanted"
		case "broken":
			out[i].Err = fmt.Errorf("cannot be transformed")
		case "transform fails":
			return nil, fmt.Errorf("the transform gave up")
		}
	}
	return out, nil
}

func (f *fates) Map(w *component.Worker, r *component.Record, pass component.Pass) (component.Mapped, error) {
	fate := r.Value["fate"].(string)
	switch fate {
	case "unmapped":
		return component.Mapped{Omitted: "no mapping"}, nil
	case "mapping error":
		return component.Mapped{}, fmt.Errorf("cannot be mapped")
	case "panic":
		panic("a defect")
	}
	item := component.Item{Ref: r.Ref, Kind: r.Kind, Fields: []component.Field{{Name: "fate", Value: fate}}}
	if pass == component.IdentityStreams {
		if r.Kind != "user" {
			return component.Mapped{Later: true}, nil
		}
		item.Stream = "users"
		return component.Mapped{Items: []component.Item{item}}, nil
	}
	e, _ := w.Run.Lookup(f.about)
	f.mu.Lock()
	f.display[r.Ref] = e.Title
	f.mu.Unlock()
	item.Stream = "documents"
	return component.Mapped{Items: []component.Item{item}}, nil
}

func (f *fates) Decide(w *component.Worker, r *component.Record) (access.Permissions, error) {
	if ref, ok := strings.CutPrefix(r.Value["fate"].(string), "ruled by "); ok {
		if _, err := f.there(w, ref); err != nil {
			return access.Permissions{}, err
		}
	}
	switch r.Value["fate"] {
	case "undecided":
		return access.Permissions{}, nil
	case "rule error":
		return access.Permissions{}, fmt.Errorf("the rule cannot be decided")
	case "private":
		return access.Permissions{Audience: access.Nobody, Rule: "private"}, nil
	case "of nobody":
		return access.Permissions{Audience: access.Listed, Rule: "owners"}, nil
	case "of sam":
		return access.Permissions{Audience: access.Listed, Rule: "owners", Principals: []string{"user:default/sam"}}, nil
	case "of sam and ann":
		return access.Permissions{Audience: access.Listed, Rule: "owners", Principals: []string{"user:default/sam", "user:default/ann"}}, nil
	case "of strangers":
		return access.Permissions{Audience: access.Listed, Rule: "owners", Principals: []string{"user:default/stranger"}}, nil
	}
	return access.Permissions{Audience: access.AllUsers, Rule: "default"}, nil
}

// store is a sink and its session; it remembers what it was told.
type store struct {
	mu        sync.Mutex
	held      []component.Item
	teams     [][]string // a group and its members
	holdings  component.Holdings
	published map[string][]string // stream → refs
	calls     []string
	refuse    map[string]string // ref → why publishing refuses it
	fail      map[string]error  // by call
	plan      *component.Plan
	hook      func(*component.Plan) // called before anything is published; may be nil
	ids       bool                  // items are numbered
	digits    bool                  // items have the digits of their refs for IDs
	n         int
	listed    func() *component.UploadHistory // nil: nothing is said about uploads
}

// History is what the sink says about uploads.
func (s *store) History(context.Context) (*component.UploadHistory, error) {
	if err := s.call("history"); err != nil {
		return nil, err
	}
	return s.listed(), nil
}

func (s *store) call(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	return s.fail[name]
}

func (s *store) Open(context.Context, component.Opening) (component.Session, error) {
	return s, s.call("open")
}
func (s *store) Close() error  { return nil }
func (s *store) Place() string { return "https://store.example.com/company" }

func (s *store) Encode(item *component.Item) (component.Encoded, bool, error) {
	fate := item.Fields[0].Value.(string)
	if fate == "not encodable" {
		return component.Encoded{}, false, fault.Reject("encode", "id", "too long")
	}
	if item.Stream == "users" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = append(s.held, *item)
		return component.Encoded{}, false, nil
	}
	body, _ := codec.Marshal(map[string]any{"id": item.Ref, "fate": fate})
	e := component.Encoded{ID: item.Ref, Ref: item.Ref, Type: item.Kind, Audience: item.Permissions.Audience, Rule: item.Permissions.Rule, Principals: item.Permissions.Principals, Body: body}
	if fate == "of strangers" {
		e.Audience = access.Nobody
	}
	if id := s.ID(item); id != "" {
		e.ID = id
	}
	if s.ids {
		s.mu.Lock()
		s.n++
		e.ID = fmt.Sprint("id ", s.n)
		s.mu.Unlock()
	}
	if fate == "same id" {
		e.ID = "the same"
	}
	return e, true, nil
}

// ID is the digits of the ref, where these are the items' IDs.
func (s *store) ID(item *component.Item) string {
	if !s.digits {
		return ""
	}
	return "id " + strings.Trim(item.Ref, "abcdefghijklmnopqrstuvwxyz:/")
}

func (s *store) Seal(_ context.Context, out component.Outlet) error {
	for _, g := range s.teams {
		body, _ := codec.Marshal(g)
		if err := out.Keep("members", component.Encoded{ID: g[0], Ref: g[0], Principals: g[1:], Body: body}); err != nil {
			return err
		}
	}
	for _, item := range s.held {
		if item.Fields[0].Value == "twin" {
			out.End("users", item.Ref, component.Merged, "one e-mail")
			continue
		}
		if err := out.Keep("users", component.Encoded{ID: item.Ref, Ref: item.Ref, Body: []byte(`{}`)}); err != nil {
			return err
		}
	}
	return s.call("seal")
}

func (s *store) Holds(context.Context) (component.Holdings, error) {
	return s.holdings, s.call("holds")
}

func (s *store) Publish(_ context.Context, plan *component.Plan) error {
	if err := s.call("publish"); err != nil {
		return err
	}
	s.plan, s.published = plan, map[string][]string{}
	if s.hook != nil {
		s.hook(plan)
	}
	for _, st := range plan.Streams {
		for e, err := range st.Items {
			if err != nil {
				return err
			}
			if why := s.refuse[e.Ref]; why != "" {
				if st.Name == "members" { // of a group that was refused
					continue
				}
				if err := plan.Reject(st.Name, e, why); err != nil {
					return err
				}
				continue
			}
			s.published[st.Name] = append(s.published[st.Name], e.Ref)
			plan.Sent(st.Name, 1)
		}
		if s.listed != nil {
			plan.Uploaded(st.Name, "upload-"+plan.RunID)
		}
	}
	return nil
}

func (s *store) sent() bool { return s.published != nil }

// world is everything that a test runs.
type world struct {
	*company
	*fates
	*store
	p *component.Pipeline
	o Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{company: newCompany(), fates: &fates{display: map[string]string{}}, store: &store{fail: map[string]error{}, refuse: map[string]string{}}}
	language, errs := expression.New(w.company.Language(), nil, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	w.there = func(w *component.Worker, ref string) (bool, error) {
		program, err := language.Compile(fmt.Sprintf("there(%q)", ref), expression.WantAny)
		if err != nil {
			return false, err
		}
		return w.Run.True(program)
	}
	limits := component.DefaultLimits()
	limits.BatchCount = 5
	w.p = &component.Pipeline{
		Name: "test", Language: language, Model: w.company, Source: w.company,
		Transforms: []component.Transform{w.fates}, Mapper: w.fates, Decider: w.fates, Sink: w.store, Limits: limits,
		Streams: []component.Stream{
			{Name: "users", Identities: true},
			{Name: "documents", Permissions: true},
		},
		Unwritten: func(string) string { return "" },
	}
	w.o.RunID = NewRunID()
	return w
}

// deadline is how long a run of the tests may take.
const deadline = 30 * time.Second

// run runs the pipeline. A run that does not end fails the test.
func (w *world) run(t *testing.T) (*Report, error) {
	t.Helper()
	type outcome struct {
		report *Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		report, err := Run(t.Context(), w.p, w.o)
		done <- outcome{report, err}
	}()
	select {
	case o := <-done:
		return o.report, o.err
	case <-time.After(deadline):
		t.Fatalf("the run does not end within %s", deadline)
		return nil, nil
	}
}

// until is the act after which a run ends that is dry or not.
func until(dry bool) Act {
	if dry {
		return Reviewed
	}
	return Published
}
