package gleantest

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

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/contract"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

var openAPI = sync.OnceValues(func() (*contract.Spec, error) {
	if os.Getenv(contract.Env) == "" {
		return nil, nil
	}
	return contract.Load(os.Getenv(contract.Env))
})

// Yes is a pointer to true.
func Yes() *bool { b := true; return &b }

// Catalog is the datasource of the tests.
func Catalog() api.DatasourceConfig {
	return api.DatasourceConfig{
		Name: "backstage", DisplayName: "Backstage", DatasourceCategory: "KNOWLEDGE_HUB",
		URLRegex: `https://portal\.example/.*`, IsUserReferencedByEmail: Yes(),
		ObjectDefinitions: []api.ObjectDefinition{
			{Name: "component", PropertyDefinitions: []api.PropertyDefinition{
				{Name: "type", PropertyType: api.PropertyPicklist}, {Name: "stars", PropertyType: api.PropertyInt},
				{Name: "langs", PropertyType: api.PropertyTextList}, {Name: "since", PropertyType: api.PropertyDate},
			}},
			{Name: "system"},
		},
	}
}

// Settings returns the settings of a sink that fills the Catalog.
func Settings() *settings.Config {
	return &settings.Config{Token: config.NewSecret("secret-token"), Concurrency: 3,
		RecoveryWait: config.Duration(time.Minute),
		Batch:        settings.Batch{Documents: 5, Bytes: 1 << 20}, Datasource: Catalog(), Config: connection.Default()}
}

// Fixture is a sink with its own index server. Every request of the sink is recorded and
// checked against Glean's OpenAPI document.
type Fixture struct {
	T      *testing.T
	Sink   *glean.Sink
	Config *settings.Config // the sink's
	Server *faults.Server
	API    *api.Client // for the requests of tests
	Time   time.Time   // the server's, moved on by the sink's sleep

	mu       sync.Mutex
	watch    func(sandbox.Exchange) // see Watch
	Requests []string
	Sent     map[string]int
	Rejected map[string]string // id → reason
	TooMuch  error             // what Reject answers
	Notes    []string
	Staged   map[string][]component.Encoded
	Ends     []string
	Uploaded map[string]string // stream → id
	Stop     chan struct{}
	Opening  component.Opening // Written is the run's
	LastRun  string            // of the last read
	Written  func(string) bool // of the last read
	Cleared  bool              // the guards' decision for every stream
}

// Watch makes watch receive each request from now on, also several at once; nil means none does.
func (f *Fixture) Watch(watch func(sandbox.Exchange)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = watch
}

// Start starts a sink with adjusted Settings and its index server.
func Start(t *testing.T, rules sandbox.Rules, adjust ...func(*settings.Config)) *Fixture {
	t.Helper()
	f := &Fixture{T: t, Time: time.Unix(1_800_000_000, 0), Cleared: true}
	f.Opening = component.Opening{Pipeline: "pipe", Owner: "00000000deadbeef", Ended: func(string) bool { return true }}
	f.Reset()
	spec, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Settings()
	for _, a := range adjust {
		a(cfg)
	}
	f.Server, err = faults.Start(sandbox.Options{Token: "secret-token", Datasources: []api.DatasourceConfig{Catalog()},
		Rules: rules, Now: f.Now,
		Observe: func(e sandbox.Exchange) {
			f.mu.Lock()
			f.Requests = append(f.Requests, strings.TrimPrefix(e.Path, api.Prefix))
			watch := f.watch
			f.mu.Unlock()
			if watch != nil {
				watch(e)
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
	t.Cleanup(f.Server.Close)
	if cfg.ServerURL == "" {
		cfg.ServerURL = f.Server.URL()
	}
	f.Config = cfg
	f.Sink, err = glean.Open(cfg, component.Settings{Loopback: true}, glean.Options{
		Retry: fault.Retry{Attempts: 3, Base: time.Millisecond, Cap: 2 * time.Millisecond},
		Clock: &upload.Clock{Now: f.Now, Sleep: f.sleep},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.API = client(t, cfg).For(api.PathGetDatasourceConfig, api.PathAddDatasource)
	t.Cleanup(func() { f.Sink.Close() })
	return f
}

// client is a client of the server for the requests of tests.
func client(t *testing.T, cfg *settings.Config) *api.Client {
	t.Helper()
	clean := &redact.Redactor{}
	conn, err := connection.New(cfg.Config, connection.Settings{Name: "glean", URL: cfg.Address(), Token: cfg.Token,
		LoopbackOnly: true, Redactor: clean, Allow: func(string, string) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return &api.Client{Conn: conn, Redactor: clean, Datasource: cfg.Datasource.Name}
}

func (f *Fixture) sleep(_ context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Time = f.Time.Add(d)
	return nil
}

// Reset discards staged and sent items, notes and requests.
func (f *Fixture) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Sent, f.Rejected, f.Staged = map[string]int{}, map[string]string{}, map[string][]component.Encoded{}
	f.Uploaded = map[string]string{}
	f.Notes, f.Ends, f.Requests, f.Stop = nil, nil, nil, make(chan struct{})
}

// Now is the time of the server and the sink.
func (f *Fixture) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Time
}

// Keep stages an item: Keep, End and Note make a fixture a component.Outlet.
func (f *Fixture) Keep(stream string, e component.Encoded) error {
	f.Staged[stream] = append(f.Staged[stream], e)
	return nil
}

// End records how an item ended.
func (f *Fixture) End(stream, ref string, ending component.Ending, reason string) {
	f.Ends = append(f.Ends, fmt.Sprintf("%s %s %s: %s", stream, ref, ending, reason))
}

// Note adds a note.
func (f *Fixture) Note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// Read encodes items, identities first, and stages them.
func (f *Fixture) Read(items ...*component.Item) Session {
	f.T.Helper()
	return f.ReadOnly(func(string) bool { return true }, items...)
}

// ReadOnly is Read of a run that writes some streams.
func (f *Fixture) ReadOnly(written func(string) bool, items ...*component.Item) Session {
	f.T.Helper()
	o := f.Opening
	o.RunID, o.Written = f.RunID(), written
	f.LastRun, f.Written = o.RunID, written
	opened, err := f.Sink.Open(f.T.Context(), o)
	if err != nil {
		f.T.Fatal(err)
	}
	s := opened.(Session)
	for _, pass := range []bool{true, false} {
		for _, i := range items {
			if (i.Stream != "documents") != pass {
				continue
			}
			e, kept, err := s.Encode(i)
			if err != nil {
				f.T.Fatalf("encode %s: %v", i.Ref, err)
			}
			if kept && e.Audience != access.Nobody {
				f.Staged[i.Stream] = append(f.Staged[i.Stream], e)
			}
		}
		if pass {
			if err := s.Seal(f.T.Context(), f); err != nil {
				f.T.Fatal(err)
			}
		}
	}
	f.Notes = append(f.Notes, s.Notes()...)
	return s
}

// RunID is the id of a run that begins now.
func (f *Fixture) RunID() string {
	return ulid.MustNew(ulid.Timestamp(f.Now()), rand.Reader).String()
}

// Deadline is how long publishing may take in the tests.
const Deadline = 30 * time.Second

// Publish reads what the sink holds and publishes the staged items. It fails the test if
// publishing does not end.
func (f *Fixture) Publish(s Session) error {
	f.T.Helper()
	ctx, cancel := context.WithTimeout(f.T.Context(), Deadline)
	defer cancel()
	if _, err := s.Holds(ctx); err != nil {
		return err
	}
	err := s.Publish(ctx, f.Plan())
	if ctx.Err() != nil {
		f.T.Fatalf("publishing does not end within %s: %v", Deadline, err)
	}
	return err
}

// Plan returns a plan of the staged items, for the streams that are written.
func (f *Fixture) Plan() *component.Plan {
	plan := &component.Plan{Stop: f.Stop, Note: f.Note, Uploaded: func(stream, id string) { f.Uploaded[stream] = id },
		Sent: func(stream string, n int) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.Sent[stream] += n
		},
		Reject: func(_ string, e component.Encoded, reason string) error {
			f.Rejected[e.ID] = reason
			return f.TooMuch
		},
	}
	for _, name := range []string{"users", "groups", "documents", "memberships"} {
		if name != "memberships" && f.Written(name) || name == "memberships" && f.Written("groups") {
			before, gone := f.gone(name)
			plan.Streams = append(plan.Streams, component.StreamPlan{Name: name, Count: len(f.Staged[name]), Before: before,
				Gone: gone, Cleared: f.Cleared, Items: Volatile(f.Staged[name])})
		}
	}
	return plan
}

// gone counts the items that the index has of a stream, and those of them that are not
// staged.
func (f *Fixture) gone(stream string) (before, gone int) {
	staged := map[string]bool{}
	for _, e := range f.Staged[stream] {
		staged[e.ID] = true
	}
	i := f.Index()
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

// Volatile yields items whose bodies are overwritten after their turn, as in the engine.
func Volatile(items []component.Encoded) iter.Seq2[component.Encoded, error] {
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

// Run reads and publishes items.
func (f *Fixture) Run(items ...*component.Item) error {
	f.T.Helper()
	f.Reset()
	return f.Publish(f.Read(items...))
}

// Session is the interface of the sink's sessions.
type Session interface {
	component.Session
	component.Identifier
	component.Noter
	component.Preflighter
	component.Historian
}
