package upload

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// testUploads is a publisher with its own index server.
type testUploads struct {
	t         *testing.T
	server    *faults.Server
	publisher *Publisher
	plan      *component.Plan

	mu       sync.Mutex
	time     time.Time // the server's, moved on by the publisher's sleep
	notes    []string
	requests map[string]int // by path
}

// serve starts a publisher that gives up the unfinished uploads of discard.
func serve(t *testing.T, rules sandbox.Rules, discard ...string) *testUploads {
	t.Helper()
	f := &testUploads{t: t, time: time.Unix(1_800_000_000, 0), requests: map[string]int{}}
	byEmail := true
	d := api.DatasourceConfig{Name: "backstage", DisplayName: "Backstage", DatasourceCategory: "KNOWLEDGE_HUB",
		URLRegex:                ".*",
		IsUserReferencedByEmail: &byEmail, ObjectDefinitions: []api.ObjectDefinition{{Name: "component"}}}
	var err error
	f.server, err = faults.Start(sandbox.Options{Token: "secret-token", Datasources: []api.DatasourceConfig{d},
		Rules: rules, Now: f.now, Observe: f.observe})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.server.Close)
	clean := &redact.Redactor{}
	conn, err := connection.New(connection.Default(), connection.Settings{
		Name: "glean", URL: f.server.URL(), Token: config.NewSecret("secret-token"), LoopbackOnly: true, Redactor: clean,
		Retry: fault.Retry{Attempts: 3, Base: time.Millisecond, Cap: 2 * time.Millisecond}, Burst: 3,
		Allow: func(string, string) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	cfg := &settings.Config{Concurrency: 3, RecoveryWait: config.Duration(time.Minute),
		Batch: settings.Batch{Documents: 5, Bytes: 1 << 20}, Datasource: d}
	f.publisher = New(&api.Client{Conn: conn, Redactor: clean, Datasource: d.Name}, cfg,
		&Clock{Now: f.now, Sleep: f.sleep},
		component.Opening{Pipeline: "pipe", Owner: "00000000deadbeef", RunID: f.runAt(0), Discard: discard,
			Written: func(string) bool { return true }, Ended: func(string) bool { return true }})
	f.plan = &component.Plan{Sent: func(string, int) {}, Uploaded: func(string, string) {}, Note: f.note,
		Reject: func(string, component.Encoded, string) error { return nil }}
	return f
}

func (f *testUploads) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.time
}

func (f *testUploads) sleep(_ context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.time = f.time.Add(d)
	return nil
}

func (f *testUploads) observe(e sandbox.Exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests[e.Path]++
}

func (f *testUploads) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// runAt is the id of a run that began some time ago.
func (f *testUploads) runAt(ago time.Duration) string {
	return ulid.MustNew(ulid.Timestamp(f.now().Add(-ago)), strings.NewReader("0123456789")).String()
}

// begin leaves an upload of documents unfinished.
func (f *testUploads) begin(id string) {
	f.t.Helper()
	body, err := codec.Marshal(api.BulkIndexDocumentsRequest{Page: api.Page{UploadID: id, Datasource: "backstage",
		IsFirstPage: true}})
	if err == nil {
		err = f.publisher.client.Write(f.t.Context(), connection.Request{Path: api.PathBulkIndexDocuments, Body: body})
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// upload is an upload of a stream that is not begun yet.
func (f *testUploads) upload(stream, path string) *upload {
	p := &publishing{publisher: f.publisher, plan: f.plan, refusals: newRefusals(nil, encode.Naming{})}
	return p.upload(stream, path, 1)
}

// documents is an upload of documents that is not begun yet.
func (f *testUploads) documents() *upload {
	return f.upload(api.StreamDocuments, api.PathBulkIndexDocuments)
}

// itemsOf yields items.
func itemsOf(all ...component.Encoded) iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

const (
	bulkDocuments = "/bulkindexdocuments"
	within        = 30 * time.Second // how long an upload may take
)
