package backstage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/faults"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "a-token-of-this-test"

// fixture is a source on a sandbox, with the requests that the sandbox received.
type fixture struct {
	*faults.Server
	source *Source
	cfg    *Config

	mu      sync.Mutex
	asks    []*http.Request
	observe func(*http.Request) // may be nil
}

func start(t testing.TB, o sandbox.Options, adjust ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{}
	o.Token = token
	o.Observe = func(r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asks = append(f.asks, r)
		if f.observe != nil {
			f.observe(r)
		}
	}
	var err error
	if f.Server, err = faults.Start(o); err != nil {
		t.Fatal(err)
	}
	f.cfg = &Config{URL: f.URL(), Token: config.NewSecret(token), PageSize: 32, Concurrency: 2,
		Config: connection.Default()}
	f.cfg.Retries.Attempts = 1
	for _, a := range adjust {
		a(f.cfg)
	}
	if f.source, err = Open(f.cfg, component.Settings{UserAgent: "pipe/test", Loopback: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(f.source.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) asked() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asks)
}

// crop is the result of a read.
type crop struct {
	mu      sync.Mutex
	records map[string]*component.Record
	twice   []string
}

func (c *crop) emit(_ context.Context, records []*component.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		if c.records[r.Ref] != nil {
			c.twice = append(c.twice, r.Ref)
		}
		c.records[r.Ref] = r
	}
	return nil
}

// readAll reads every phase.
func (f *fixture) readAll(t *testing.T) (*crop, error) {
	t.Helper()
	c := &crop{records: map[string]*component.Record{}}
	for _, p := range f.cfg.phases() {
		if err := f.source.Read(t.Context(), p, c.emit); err != nil {
			return c, err
		}
	}
	if len(c.twice) > 0 {
		t.Errorf("handed over twice: %v", c.twice)
	}
	return c, nil
}

func components(n int) (out [][]byte) {
	for i := range n {
		out = append(out, componentEntity(fmt.Sprintf("c%04d", i)))
	}
	return out
}

// strangers are n entities of another kind.
func strangers(n int) (out [][]byte) {
	for i := range n {
		out = append(out, fmt.Appendf(nil, `{"kind":"API","metadata":{"name":"x%d"}}`, i))
	}
	return out
}

func componentEntity(name string) []byte {
	return fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":%q,"namespace":"default"},"relations":[]}`, name)
}

// only reads one kind in addition to users and groups.
func only(kind string) func(*Config) {
	return func(c *Config) { c.Kinds = config.Map[bool]{kindEntry(kind, true)} }
}

func TestReadCompany(t *testing.T) {
	company := sandbox.Company()
	for _, version := range []string{"1.12", "1.40", "1.55"} {
		f := start(t, sandbox.Options{Entities: company, Version: version, Prefix: "/backstage"},
			func(c *Config) { c.PageSize = 7 })
		got, err := f.readAll(t)
		if err != nil {
			t.Fatal(version, err)
		}
		if len(got.records) != len(company) {
			t.Errorf("%s: %d of %d entities", version, len(got.records), len(company))
		}
		for ref, want := range map[string]component.Entry{
			"user:default/zoe.martin":      {Kind: "User", Title: "Zoë Martin", Email: "zoe.martin@larkspur.example"},
			"user:default/guest":           {Kind: "User"},
			"group:default/booking":        {Kind: "Group", Title: "Booking", Email: "booking@larkspur.example"},
			"group:default/care":           {Kind: "Group", Title: "Customer Care"},
			"component:default/driver.app": {Kind: "Component", Title: "Driver App 🚚"},
		} {
			want.Ref = ref
			r := got.records[ref]
			if r == nil || r.Entry != want {
				t.Errorf("%s: %+v", version, r)
				continue
			}
			if err := NewModel(f.cfg).Decode(r); err != nil {
				t.Error(ref, err)
			}
		}
		if len(f.source.Notes()) > 0 {
			t.Errorf("%s: %q", version, f.source.Notes())
		}
		for _, r := range f.asked() {
			q := r.URL.Query()
			if r.Method != "GET" || q.Get("limit") != "7" || q.Get("orderField") != order ||
				!strings.HasPrefix(q.Get("filter"), "kind=") {
				t.Errorf("asked %s %s", r.Method, r.URL)
			}
		}
	}
}

// The public demo catalog: one entity of 395 KB, two users with one e-mail.
func TestReadDemo(t *testing.T) {
	const path = "../../../shared/data/backstage-demo-catalog.json"
	if _, err := os.Stat(path); err != nil {
		t.Skip("the recorded demo catalog is not there")
	}
	entities, _, err := sandbox.FromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, sandbox.Options{Entities: entities})
	got, err := f.readAll(t)
	if err != nil || len(got.records) != 75 {
		t.Fatalf("%d entities, %v", len(got.records), err)
	}
	for _, r := range got.records {
		if err := NewModel(f.cfg).Decode(r); err != nil {
			t.Error(r.Ref, err)
		}
	}
}

// A whole catalog with everything that is hard about one.
func TestReadGenerated(t *testing.T) {
	f := start(t, sandbox.Options{Entities: generate.Catalog(1000, 3)}, func(c *Config) {
		c.PageSize = 100
		c.Concurrency = 4
	})
	got, err := f.readAll(t)
	if err != nil || len(got.records) != 1000 {
		t.Fatalf("%d entities, %v", len(got.records), err)
	}
	m := NewModel(f.cfg)
	for _, r := range got.records {
		if err := m.Decode(r); err != nil {
			t.Error(r.Ref, err)
		}
	}
}

func TestReadFaults(t *testing.T) {
	type failed = faults.Fault
	const kind = "component"
	for name, tc := range map[string]struct {
		faults []failed
		want   int // components, when it goes well
		class  fault.Class
		says   string
		remedy string
	}{
		"a page twice": {[]failed{{Kind: kind, Page: 2, Times: 1, Repeat: true}}, 100, 0, "", ""},
		"a page for ever": {[]failed{{Kind: kind, Page: 2, Repeat: true}}, 0, fault.Permanent,
			"the responses repeat", ""},
		"a cursor refused once": {[]failed{{Kind: kind, Page: 3, Times: 1, Status: 400}}, 100, 0, "", ""},
		"a cursor refused twice": {[]failed{{Kind: kind, Page: 3, Times: 2, Status: 400}}, 0, fault.Transient,
			"refused its own cursor twice", "run again"},
		"the first page refused": {[]failed{{Kind: kind, Page: 1, Status: 400}}, 0, fault.Permanent, "Malformed cursor", ""},
		"short once":             {[]failed{{Kind: kind, Page: 1, Times: 1, Promise: 3}}, 100, 0, "", ""},
		"short twice": {[]failed{{Kind: kind, Page: 1, Promise: 3}}, 0, fault.Transient,
			"incomplete: Backstage announced 103 rows and returned 100, twice", "run again"},
		"refused, then short": {[]failed{{Kind: kind, Page: 3, Times: 1, Status: 400},
			{Kind: kind, Page: 1, Times: 2, Promise: 1}}, 100, 0, "", ""},
		"too much at once":   {[]failed{{Kind: kind, Page: 2, Times: 3, Status: 504}}, 100, 0, "", ""},
		"an error on a page": {[]failed{{Kind: kind, Page: 2, Times: 1, Status: 500}}, 100, 0, "", ""},
		"errors without end": {[]failed{{Kind: kind, Page: 2, Status: 500}}, 0, fault.Transient,
			"500 Internal Server Error", ""},
		"reset":     {[]failed{{Kind: kind, Page: 2, Times: 1, Reset: true}}, 100, 0, "", ""},
		"cut":       {[]failed{{Kind: kind, Page: 2, Times: 1, Cut: 100}}, 100, 0, "", ""},
		"truncated": {[]failed{{Kind: kind, Page: 2, Times: 1, Truncate: 100}}, 100, 0, "", ""},
		"throttled": {[]failed{{Kind: kind, Page: 2, Times: 1, Status: 429, RetryAfter: "1"}}, 100, 0, "", ""},
		"401 midway": {[]failed{{Kind: kind, Page: 2, Status: 401}}, 0, fault.Fatal, "Illegal token",
			"backend.auth.externalAccess"},
		"403": {[]failed{{Status: 403}}, 0, fault.Permanent, "restricted to plugin(s) 'events'",
			"plugin: catalog"},
		"404": {[]failed{{Status: 404}}, 0, fault.Permanent, "404 Not Found", "check url"},
		"long filters": {[]failed{{Kind: kind, Page: 2, Status: 431}}, 0, fault.Permanent,
			"431 Request Header Fields Too Large", "fewer or shorter filters"},
		"HTML": {[]failed{{Kind: kind, Page: 2, HTML: true}}, 0, fault.Transient, "Sign in to continue",
			"proxy"},
		"HTML at once":         {[]failed{{HTML: true}}, 0, fault.Fatal, "Sign in to continue", "proxy"},
		"HTML once":            {[]failed{{Kind: kind, Page: 2, Times: 1, HTML: true}}, 100, 0, "", ""},
		"an error object once": {[]failed{{Kind: kind, Page: 2, Times: 1, Body: []byte(`{"error":{"name":"Error","message":"no"}}`)}}, 100, 0, "", ""},
		"an error object": {[]failed{{Kind: kind, Page: 2, Body: []byte(`{"error":{"name":"Error","message":"no"}}`)}}, 0, fault.Transient,
			"not a page of entities", "check url"},
		"an empty answer once": {[]failed{{Kind: kind, Page: 2, Times: 1, Body: []byte{}}}, 100, 0, "", ""},
		"an empty answer": {[]failed{{Body: []byte{}}}, 0, fault.Permanent, "the response is empty",
			"check the address"},
		"another host": {[]failed{{Kind: kind, Page: 2, Redirect: "http://login.example.com/"}}, 0, fault.Fatal,
			"another origin", ""},
		"another kind": {[]failed{{Kind: kind, Extra: strangers(20)}}, 100, 0, "", ""},
		"another kind for all": {[]failed{{Kind: kind, Extra: strangers(21)}}, 0, fault.Permanent, `21 of 121 rows have another ` +
			`kind than Component (limit 20): an entity of kind "API"`, "proxy"},
		"another page": {[]failed{{Kind: kind, Page: 2, Items: strangers(1)}}, 0, fault.Transient,
			"announced 100 rows and returned 69 (68 entities, 1 of another kind), twice", "run again"},
		"a page again": {[]failed{{Kind: kind, Page: 3, Items: components(64)[32:]}}, 0, fault.Transient,
			"announced 100 rows and returned 68, twice", "run again"},
		"no cursor": {[]failed{{Kind: kind, Page: 2, Cursorless: true}}, 0, fault.Transient,
			"announced 100 rows and returned 64, twice", "run again"},
		"no end": {[]failed{{Kind: kind, Endless: true}}, 0, fault.Transient,
			"no end: Backstage announced 100 rows and returned 1220", "run again"},
		"rows again": {[]failed{{Kind: kind, Extra: components(100)[97:]}}, 100, 0, "", ""},
		"nulls":      {[]failed{{Kind: kind, Extra: make([][]byte, 20)}}, 100, 0, "", ""},
		"many nulls": {[]failed{{Kind: kind, Extra: make([][]byte, 21)}}, 0, fault.Transient,
			"21 of 121 rows are null", "1.29"},
		"no object": {[]failed{{Kind: kind, Page: 2, Items: [][]byte{[]byte(`7`)}}}, 0, fault.Permanent,
			"the response contains something other than an entity", ""},
		"not yet processed": {[]failed{{Kind: kind, Page: 1, Items: append(components(30), nil, nil)}}, 98, 0, "", ""},
		"a kind missing":    {[]failed{{Kind: kind, Empty: true}}, 0, 0, "", ""},
		"each twice":        {[]failed{{Kind: kind, Double: true}}, 100, 0, "", ""},
		"fewer at the end":  {[]failed{{Kind: kind, Page: 1, Times: 1, Promise: 10}}, 100, 0, "", ""},
		"a permission lost": {[]failed{{Kind: kind, Page: 3, Empty: true}, {Path: "limit=0", Empty: true}}, 0,
			fault.Transient, "returned 64 entities and now shows 0", "accessRestrictions"},
		"nothing promised": {[]failed{{Kind: kind, Page: 1, Promise: -100}}, 0, fault.Transient, "totalItems 0",
			"run again"},
		"less than none": {[]failed{{Kind: kind, Page: 1, Promise: -101}}, 0, fault.Transient,
			"not a page of entities", "check url"},
		"everything missing": {[]failed{{Empty: true}}, 0, fault.Permanent, "the catalog is empty", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			people := []byte(`{"kind":"User","metadata":{"name":"ann"}}`)
			f := start(t, sandbox.Options{Entities: append(components(100), people)}, only("Component"))
			f.Fail(tc.faults...)
			got, err := f.readAll(t)
			if tc.says == "" {
				if err != nil || len(got.records) != tc.want+1 {
					t.Errorf("%d entities, %v", len(got.records), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) || fault.ClassOf(err) != tc.class ||
				!strings.Contains(fault.RemedyOf(err), tc.remedy) {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
			if strings.Contains(fmt.Sprint(err, fault.RemedyOf(err)), token) {
				t.Error("the error holds the token")
			}
		})
	}
}

func TestReadNotes(t *testing.T) {
	people := []byte(`{"kind":"User","metadata":{"name":"ann"}}`)
	f := start(t, sandbox.Options{Entities: [][]byte{people}}, func(c *Config) {
		c.Kinds = config.Map[bool]{kindEntry("Component", true), kindEntry("System", false), kindEntry("Gadget", true)}
		c.Filters = []Filter{{[]condition{{"kind", []string{"gadget"}}, {"spec.x", nil}}}}
	})
	if _, err := f.readAll(t); err != nil {
		t.Fatal(err)
	}
	notes := f.source.Notes()
	if len(notes) != 1 ||
		!strings.Contains(notes[0], "no entity of kind Component, Gadget that the filters let through: ") {
		t.Fatalf("%q", notes)
	}
}

// What comes and goes while it is read makes no entity be missed.
func TestReadChangingCatalog(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(100)}, only("Component"))
	pages := 0
	got := &crop{records: map[string]*component.Record{}}
	phase := f.cfg.phases()[2]
	err := f.source.Read(t.Context(), phase, func(ctx context.Context, records []*component.Record) error {
		if pages++; pages == 1 { // registered again: another uid, the same name
			f.Remove("component:default/c0001", "component:default/c0050")
			if err := f.Put(componentEntity("c0001"), componentEntity("c0050"), componentEntity("c0050b")); err != nil {
				t.Error(err)
			}
		}
		return got.emit(ctx, records)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range components(100) {
		if r, _ := record(e, "Component"); got.records[r.Ref] == nil {
			t.Errorf("%s was missed", r.Ref)
		}
	}
}

// Deletions during a read do not fail it unless they are a large part.
func TestReadShrinkingCatalog(t *testing.T) {
	for _, tc := range []struct {
		deleted int
		says    string
	}{{15, ""}, {90, "entities and now shows 10"}} {
		f := start(t, sandbox.Options{Entities: components(100)}, only("Component"), func(c *Config) { c.PageSize = 20 })
		pages := 0
		err := f.source.Read(t.Context(), f.cfg.phases()[2], func(context.Context, []*component.Record) error {
			if pages++; pages == 3 {
				f.Remove(names(100-tc.deleted, 100)...)
			}
			return nil
		})
		if err == nil != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%d deleted: %v", tc.deleted, err)
		}
	}
}

// Entities that cannot be named or understood reach the model, which rejects
// each alone.
func TestReadInvalidEntities(t *testing.T) {
	f := start(t, sandbox.Options{Entities: [][]byte{
		componentEntity("good"),
		[]byte(`{"kind":"Component","metadata":{}}`),
		[]byte(`{"kind":"Component","metadata":{"name":7}}`),
		[]byte(`{"kind":"Component","spec":null}`),
		[]byte(`{"kind":"Component","metadata":{"name":"no-spec"},"relations":null}`),
		[]byte(`{"kind":"COMPONENT","metadata":{"name":"Bad","namespace":"X"},"relations":[1]}`),
	}}, only("component"))
	got, err := f.readAll(t)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]int{}
	m := NewModel(f.cfg)
	for _, r := range got.records {
		var rejected *fault.Rejection
		switch err := m.Decode(r); {
		case errors.As(err, &rejected):
			fields[rejected.Field]++
		case err != nil:
			t.Error(err)
		default:
			fields[r.Ref]++
		}
		if r.Kind != "Component" {
			t.Errorf("%s has kind %s", r.Ref, r.Kind)
		}
	}
	want := map[string]int{"component:default/good": 1, "component:default/no-spec": 1, "metadata.name": 2, "metadata": 1,
		"relations[0]": 1}
	if !maps.Equal(fields, want) {
		t.Errorf("%v", fields)
	}
	if got.records["component:x/bad"] == nil {
		t.Error("the ref is not in lower case")
	}
}

func TestReadEmitError(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(100)}, only("Component"))
	full := errors.New("full")
	err := f.source.Read(t.Context(), f.cfg.phases()[2], func(context.Context, []*component.Record) error { return full })
	if !errors.Is(err, full) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = f.source.Read(ctx, f.cfg.phases()[2], func(ctx context.Context, _ []*component.Record) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The next page is requested while the engine processes the current one, and no more than
// that.
func TestReadAhead(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(100)}, only("Component"))
	deadline := time.After(10 * time.Second)
	first := true
	err := f.source.Read(t.Context(), f.cfg.phases()[2], func(context.Context, []*component.Record) error {
		if !first {
			return nil
		}
		first = false
		for len(f.asked()) < 2 {
			select {
			case <-deadline:
				t.Error("the second page is not asked for while the first is worked on")
				return nil
			case <-time.Tick(time.Millisecond):
			}
		}
		if n := len(f.asked()); n != 2 {
			t.Errorf("%d pages asked for while the first is worked on", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A page that is too much is halved at once, and pages grow again.
func TestPageSize(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(200)}, only("Component"))
	f.Fail(faults.Fault{Kind: "component", Page: 2, Times: 2, Status: 504})
	got, err := f.readAll(t)
	if err != nil || len(got.records) != 200 {
		t.Fatalf("%d entities, %v", len(got.records), err)
	}
	var limits []string
	for _, r := range f.asked() {
		if q := r.URL.Query(); q.Get("filter") == "kind=component" {
			limits = append(limits, q.Get("limit"))
		}
	}
	if got := strings.Join(limits, " "); got != "32 32 16 8 8 8 8 16 16 16 16 32 32 32" {
		t.Errorf("asked for %s", got)
	}
}

func TestShrink(t *testing.T) {
	timeout := fault.Errorf(fault.Transient, "", "%w", connection.ErrTimeout)
	for name, tc := range map[string]struct {
		err  error
		now  int
		want int // 0: not a matter of size
	}{
		"time-out":              {timeout, 500, 250},
		"time-out at the least": {timeout, 31, 0},
		"just above":            {timeout, 40, 31},
		"too large":             {fault.Errorf(fault.Permanent, "", "%w", connection.ErrTooLarge), 31, 15},
		"too large alone":       {connection.ErrTooLarge, 1, 0},
		"gateway":               {fault.Errorf(fault.Transient, "", "%w", &connection.StatusError{Status: 504}), 500, 250},
		"a pause is asked for":  {fault.Errorf(fault.Throttled, "", "%w", &connection.StatusError{Status: 503}), 500, 0},
		"not found":             {&connection.StatusError{Status: 404}, 500, 0},
		"reset":                 {fault.Errorf(fault.Transient, "", "connection reset"), 500, 0},
	} {
		s := &pageSize{now: tc.now, most: 500}
		if got := s.shrink(tc.err); got != (tc.want != 0) || got && s.now != tc.want {
			t.Errorf("%s: %v, %d", name, got, s.now)
		}
	}
}

// A page that is too large is requested in smaller parts, down to one entity.
func TestPageBytes(t *testing.T) {
	big := func(name string) []byte {
		return fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":%q},"spec":{"definition":"%s"}}`, name, strings.Repeat("x", 600<<10))
	}
	f := start(t, sandbox.Options{Entities: [][]byte{big("a"), big("b"), big("c")}}, only("Component"), func(c *Config) {
		c.MaxResponse = 1 << 20
	})
	got, err := f.readAll(t)
	if err != nil || len(got.records) != 3 {
		t.Errorf("%d entities, %v", len(got.records), err)
	}
	for _, tc := range []struct {
		now         int
		limit, want int64
	}{{500, 0, maxPage}, {500, 256 << 20, maxPage}, {500, 1 << 20, 1 << 20}, {1, 256 << 20, 256 << 20}, {1, 0, 0}} {
		if got := (&pageSize{now: tc.now, limit: tc.limit}).maxBytes(); got != tc.want {
			t.Errorf("%+v: %d", tc, got)
		}
	}
}

func TestGet(t *testing.T) {
	f := start(t, sandbox.Options{Entities: sandbox.Company()})
	r, err := f.source.Get(t.Context(), "User:default/Zoe.Martin")
	if err != nil || r == nil || r.Ref != "user:default/zoe.martin" || r.Kind != "User" || r.Email == "" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := f.source.Get(t.Context(), "user:default/nobody"); r != nil || err != nil {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := f.source.Get(t.Context(), "nobody"); err == nil {
		t.Error("a name was taken for a ref")
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		fault faults.Fault
		want  string // OK or not, what
		says  string
	}{
		"good": {faults.Fault{Path: "/nowhere"}, "+reachable +credentials +readable +e-mail",
			"27 of 30 users have an e-mail"},
		"no token":    {faults.Fault{Status: 401}, "-credentials", "Illegal token"},
		"other token": {faults.Fault{Status: 403}, "-credentials", "restricted to plugin"},
		"down":        {faults.Fault{Reset: true}, "-reachable", ""},
		"empty":       {faults.Fault{Empty: true}, "+reachable +credentials -readable", "the catalog is empty"},
		"one missing": {faults.Fault{Kind: "system", Empty: true}, "+reachable +credentials +readable +e-mail",
			"none of kind System"},
		"no people": {faults.Fault{Kind: "user", Empty: true}, "+reachable +credentials +readable -e-mail", "0 of 0 users"},
	} {
		f := start(t, sandbox.Options{Entities: sandbox.Company()})
		f.Fail(tc.fault)
		var marks, details []string
		for _, found := range f.source.Check(t.Context()) {
			mark := map[bool]string{true: "+", false: "-"}[found.OK]
			marks, details = append(marks, mark+found.What), append(details, found.Detail)
			if !found.OK && found.Remedy == "" && name != "down" && name != "no people" {
				t.Errorf("%s: no remedy for %s", name, found.Detail)
			}
		}
		if got := strings.Join(marks, " "); got != tc.want || !strings.Contains(strings.Join(details, "\n"), tc.says) {
			t.Errorf("%s: %s\n%s", name, got, strings.Join(details, "\n"))
		}
	}
}

// The source is only read (invariant 8).
func TestAllowed(t *testing.T) {
	for request, want := range map[string]bool{
		"GET /api/catalog/entities/by-query":               true,
		"GET /api/catalog/entities/by-name/user/default/a": true,
		"POST /api/catalog/entities/by-query":              false,
		"POST /api/catalog/entities/by-refs":               true,
		"POST /api/catalog/entities/by-refs/":              false,
		"POST /api/catalog/entities/by-refs/x":             false,
		"GET /api/catalog/entities/by-refs":                false,
		"PUT /api/catalog/entities/by-refs":                false,
		"POST /api/catalog/locations":                      false,
		"DELETE /api/catalog/entities/by-name/user/x/a":    false,
		"GET /api/catalog/locations":                       false,
		"POST /api/catalog/refresh":                        false,
		"DELETE /api/catalog/entities/by-uid/1":            false,
	} {
		method, path, _ := strings.Cut(request, " ")
		if allowed(method, path) != want {
			t.Error(request)
		}
	}
}

func TestSandboxOfSpec(t *testing.T) {
	s, err := Spec().Sandbox(t.Context(), nil, component.SandboxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cfg := &Config{URL: s.Set["url"], Token: config.NewSecret(s.Set["token"]), Config: connection.Default()}
	source, err := Spec().Open(cfg, component.Settings{Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if r, err := source.(component.Getter).Get(t.Context(), "group:default/booking"); r == nil || err != nil {
		t.Error(r, err)
	}
	if _, err := Spec().Sandbox(t.Context(), nil, component.SandboxOptions{Input: "no-such-file"}); err == nil {
		t.Error("a missing file was served")
	}
}
