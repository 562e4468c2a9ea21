package glean

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/contract"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var openAPI = sync.OnceValues(func() (*contract.Spec, error) {
	if os.Getenv(contract.Env) == "" {
		return nil, nil
	}
	return contract.Load(os.Getenv(contract.Env))
})

func yes() *bool { b := true; return &b }

// catalog is the datasource of the tests.
func catalog() api.DatasourceConfig {
	return api.DatasourceConfig{
		Name: "backstage", DisplayName: "Backstage", DatasourceCategory: "KNOWLEDGE_HUB",
		URLRegex: `https://portal\.example/.*`, IsUserReferencedByEmail: yes(),
		ObjectDefinitions: []api.ObjectDefinition{
			{Name: "component", PropertyDefinitions: []api.PropertyDefinition{
				{Name: "type", PropertyType: api.PropertyPicklist}, {Name: "stars", PropertyType: api.PropertyInt},
				{Name: "langs", PropertyType: api.PropertyTextList}, {Name: "since", PropertyType: api.PropertyDate},
			}},
			{Name: "system"},
		},
	}
}

func testSettings() *settings.Config {
	return &settings.Config{Token: config.NewSecret("secret-token"), Concurrency: 3,
		RecoveryWait: config.Duration(time.Minute),
		Batch:        settings.Batch{Documents: 5, Bytes: 1 << 20}, Datasource: catalog(), Config: connection.Default()}
}

// fixture is a sink with an index server of its own. Every request that the
// sink makes is recorded and held against Glean's OpenAPI document.
type fixture struct {
	t *testing.T
	*Sink
	server *faults.Server
	api    *api.Client // the sink's, for the requests of tests
	now    time.Time   // the server's, moved on by the sink's sleep

	mu       sync.Mutex
	requests []string
	sent     map[string]int
	rejected map[string]string // id → reason
	tooMuch  error             // what Reject answers
	notes    []string
	staged   map[string][]component.Encoded
	ends     []string
	uploaded map[string]string // stream → id
	stop     chan struct{}
	observe  func(sandbox.Exchange) // may be nil
	opening  component.Opening      // Written is the run's own
	lastRun  string                 // of the last read
	written  func(string) bool      // of the last read
	cleared  bool                   // what the guards say of every stream
}

func start(t *testing.T, rules sandbox.Rules, adjust ...func(*settings.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, now: time.Unix(1_800_000_000, 0), cleared: true}
	f.opening = component.Opening{Pipeline: "pipe", Owner: "00000000deadbeef", Ended: func(string) bool { return true }}
	f.reset()
	spec, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	cfg := testSettings()
	for _, a := range adjust {
		a(cfg)
	}
	f.server, err = faults.Start(sandbox.Options{Token: "secret-token", Datasources: []api.DatasourceConfig{catalog()},
		Rules: rules, Now: f.clock,
		Observe: func(e sandbox.Exchange) {
			f.mu.Lock()
			f.requests = append(f.requests, strings.TrimPrefix(e.Path, api.Prefix))
			f.mu.Unlock()
			if f.observe != nil {
				f.observe(e)
			}
			if spec != nil {
				if err := spec.Request(e.Method, e.Path, e.ContentType, e.Body); err != nil {
					t.Errorf("the sink's request is not Glean's: %v\n%s", err, e.Body)
				}
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.server.Close)
	if cfg.ServerURL == "" {
		cfg.ServerURL = f.server.URL()
	}
	f.Sink, err = open(cfg, component.Settings{Loopback: true},
		fault.Retry{Attempts: 3, Base: time.Millisecond, Cap: 2 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	f.api = f.client.For(api.PathGetDatasourceConfig, api.PathAddDatasource)
	f.Sink.clock.Sleep = func(_ context.Context, d time.Duration) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.now = f.now.Add(d)
		return nil
	}
	f.Sink.clock.Now = f.clock
	t.Cleanup(func() { f.Close() })
	return f
}

func (f *fixture) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent, f.rejected, f.staged = map[string]int{}, map[string]string{}, map[string][]component.Encoded{}
	f.uploaded = map[string]string{}
	f.notes, f.ends, f.requests, f.stop = nil, nil, nil, make(chan struct{})
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Keep, End and Note make a fixture an engine.Outlet.
func (f *fixture) Keep(stream string, e component.Encoded) error {
	f.staged[stream] = append(f.staged[stream], e)
	return nil
}

func (f *fixture) End(stream, ref string, ending component.Ending, reason string) {
	f.ends = append(f.ends, fmt.Sprintf("%s %s %s: %s", stream, ref, ending, reason))
}

func (f *fixture) Note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// item makes an item of name, value pairs.
func item(stream, ref string, pairs ...any) *component.Item {
	i := &component.Item{Stream: stream, Ref: ref}
	for n := 0; n < len(pairs); n += 2 {
		i.Fields = append(i.Fields, component.Field{Name: pairs[n].(string), Value: pairs[n+1]})
	}
	return i
}

func user(name string) *component.Item {
	return item("users", "user:default/"+name, "id", "user:default/"+name, "email", name+"@x.example", "name", name)
}

func group(name string, members ...string) *component.Item {
	return item("groups", "group:default/"+name, "id", "group:default/"+name, "members", members)
}

// doc is a document for all users of the datasource, or for the refs.
func doc(name string, principals ...string) *component.Item {
	i := item("documents", "component:default/"+name, "id", "component:default/"+name, "objectType", "component",
		"title", name, "viewURL", "https://portal.example/"+name, "body", "about "+name)
	i.Permissions = access.Permissions{Audience: access.DatasourceUsers, Rule: "default"}
	if len(principals) > 0 {
		i.Permissions = access.Permissions{Audience: access.Listed, Rule: "private", Principals: principals}
	}
	return i
}

func docs(n int) []*component.Item {
	var out []*component.Item
	for i := range n {
		out = append(out, doc(fmt.Sprintf("d%03d", i)))
	}
	return out
}

// read does the first act: it encodes items, identities first, and stages them.
func (f *fixture) read(items ...*component.Item) *session {
	f.t.Helper()
	return f.readOnly(func(string) bool { return true }, items...)
}

func (f *fixture) readOnly(written func(string) bool, items ...*component.Item) *session {
	f.t.Helper()
	o := f.opening
	o.RunID, o.Written = f.runID(), written
	f.lastRun, f.written = o.RunID, written
	opened, err := f.Open(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	s := opened.(*session)
	for _, pass := range []bool{true, false} {
		for _, i := range items {
			if (i.Stream != "documents") != pass {
				continue
			}
			e, kept, err := s.Encode(i)
			if err != nil {
				f.t.Fatalf("encode %s: %v", i.Ref, err)
			}
			if kept && e.Audience != access.Nobody {
				f.staged[i.Stream] = append(f.staged[i.Stream], e)
			}
		}
		if pass {
			if err := s.Seal(f.t.Context(), f); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	f.notes = append(f.notes, s.Notes()...)
	return s
}

// runID is the id of a run that begins now.
func (f *fixture) runID() string {
	return ulid.MustNew(ulid.Timestamp(f.clock()), rand.Reader).String()
}

// deadline is how long publishing may take in the tests.
const deadline = 30 * time.Second

// publish does the other two acts with what is staged. Publishing that does not
// end fails the test.
func (f *fixture) publish(s *session) error {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), deadline)
	defer cancel()
	if _, err := s.Holds(ctx); err != nil {
		return err
	}
	err := s.Publish(ctx, f.plan(s))
	if ctx.Err() != nil {
		f.t.Fatalf("publishing does not end within %s: %v", deadline, err)
	}
	return err
}

// plan is what is staged, for the streams that are written.
func (f *fixture) plan(_ *session) *component.Plan {
	plan := &component.Plan{Stop: f.stop, Note: f.Note, Uploaded: func(stream, id string) { f.uploaded[stream] = id },
		Sent: func(stream string, n int) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.sent[stream] += n
		},
		Reject: func(_ string, e component.Encoded, reason string) error {
			f.rejected[e.ID] = reason
			return f.tooMuch
		},
	}
	for _, name := range []string{"users", "groups", "documents", "memberships"} {
		if name != "memberships" && f.written(name) || name == "memberships" && f.written("groups") {
			before, gone := f.gone(name)
			plan.Streams = append(plan.Streams, component.StreamPlan{Name: name, Count: len(f.staged[name]), Before: before,
				Gone: gone, Cleared: f.cleared, Items: volatile(f.staged[name])})
		}
	}
	return plan
}

// gone counts what the index has of a stream, and what of it is not staged.
func (f *fixture) gone(stream string) (before, gone int) {
	staged := map[string]bool{}
	for _, e := range f.staged[stream] {
		staged[e.ID] = true
	}
	i := f.index()
	ids := map[string][]string{
		"users": slices.Collect(maps.Keys(i.Users)), "groups": slices.Collect(maps.Keys(i.Groups)),
		"documents": slices.Collect(maps.Keys(i.Documents)),
	}
	for _, id := range ids[stream] {
		before++
		if !staged[strings.ToLower(id)] {
			gone++
		}
	}
	return before, gone
}

// volatile hands out items whose bodies do not outlive their turn, as the
// engine does.
func volatile(items []component.Encoded) iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		var buf []byte
		for _, e := range items {
			buf = append(buf[:0], e.Body...)
			e.Body = buf
			ok := yield(e, nil)
			for i := range buf {
				buf[i] = '!'
			}
			if !ok {
				return
			}
		}
	}
}

func (f *fixture) run(items ...*component.Item) error {
	f.t.Helper()
	f.reset()
	return f.publish(f.read(items...))
}

func (f *fixture) index() sandbox.Index { return f.server.Index("backstage") }

// ids are the names of the documents in the index.
func (f *fixture) ids() []string {
	var out []string
	for id := range f.index().Documents {
		out = append(out, strings.TrimPrefix(id, "component:default/"))
	}
	slices.Sort(out)
	return out
}

// unfinished are the streams whose last upload was not ended.
func (f *fixture) unfinished() string {
	last := map[string]bool{}
	for _, u := range f.index().Uploads {
		if !u.Discarded {
			last[u.Stream] = u.Ended.IsZero()
		}
	}
	var out []string
	for stream, open := range last {
		if open {
			out = append(out, stream)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// made counts the requests to a path.
func (f *fixture) made(path string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r == path {
			n++
		}
	}
	return n
}

func (f *fixture) noted(text string) bool {
	return slices.ContainsFunc(f.notes, func(n string) bool { return strings.Contains(n, text) })
}
