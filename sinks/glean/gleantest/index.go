package gleantest

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// Index returns the contents of the server.
func (f *Fixture) Index() sandbox.Index { return f.Server.Index("backstage") }

// IDs are the names of the documents in the index.
func (f *Fixture) IDs() []string {
	var out []string
	for id := range f.Index().Documents {
		out = append(out, strings.TrimPrefix(id, "component:default/"))
	}
	slices.Sort(out)
	return out
}

// Unfinished are the streams whose last upload was not ended.
func (f *Fixture) Unfinished() string {
	last := map[string]bool{}
	for _, u := range f.Index().Uploads {
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

// Made counts the requests to a path.
func (f *Fixture) Made(path string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.Requests {
		if r == path {
			n++
		}
	}
	return n
}

// Noted reports whether a note holds a text.
func (f *Fixture) Noted(text string) bool {
	return slices.ContainsFunc(f.Notes, func(n string) bool { return strings.Contains(n, text) })
}

// Post makes a request next to the sink.
func (f *Fixture) Post(path string, v any) {
	f.T.Helper()
	body, err := codec.Marshal(v)
	if err != nil {
		f.T.Fatal(err)
	}
	f.PostBody(path, body)
}

// PostBody makes a request with a body next to the sink.
func (f *Fixture) PostBody(path string, body []byte) {
	f.T.Helper()
	r, err := http.NewRequest(http.MethodPost, f.Server.URL()+path, bytes.NewReader(body))
	if err != nil {
		f.T.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret-token")
	r.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		f.T.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
}

// Begin begins an upload of documents next to the sink.
func (f *Fixture) Begin(id string) {
	f.Post(api.PathBulkIndexDocuments, api.BulkIndexDocumentsRequest{Page: api.Page{UploadID: id,
		Datasource: "backstage", IsFirstPage: true}})
}

// DocumentsPath ends the path of an upload of documents.
const DocumentsPath = "/bulkindexdocuments"

// Holding matches bodies that hold a text.
func Holding(text string) func([]byte) bool {
	return func(b []byte) bool { return bytes.Contains(b, []byte(text)) }
}

// Differs describes the differences between the index and the staged items; "" means none.
func (f *Fixture) Differs() string {
	f.T.Helper()
	i := f.Index()
	want := sandbox.Index{Documents: map[string]api.Document{}, Users: map[string]api.User{},
		Groups: map[string]api.Group{}, Memberships: map[string][]api.Membership{}}
	decode := func(e component.Encoded, v any) {
		if err := codec.Unmarshal(e.Body, v); err != nil {
			f.T.Fatal(err)
		}
	}
	for _, e := range f.Staged["documents"] {
		var d api.Document
		decode(e, &d)
		want.Documents[d.ID] = d
	}
	for _, e := range f.Staged["users"] {
		var u api.User
		decode(e, &u)
		want.Users[e.ID] = u
	}
	for _, e := range f.Staged["groups"] {
		var g api.Group
		decode(e, &g)
		want.Groups[strings.ToLower(g.Name)] = g
	}
	for _, e := range f.Staged["memberships"] {
		var m encode.MembersOf
		decode(e, &m)
		want.Memberships[strings.ToLower(m.Group)] = m.Memberships
	}
	var out []string
	compare := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			out = append(out, fmt.Sprintf("%s: %d and not %d", what, reflect.ValueOf(got).Len(), reflect.ValueOf(want).Len()))
		}
	}
	compare("documents", i.Documents, want.Documents)
	compare("users", i.Users, want.Users)
	compare("groups", i.Groups, want.Groups)
	members := func(m map[string][]api.Membership) map[string]string {
		texts := map[string]string{}
		for g, ms := range m {
			texts[g] = fmt.Sprint(ms)
		}
		return texts
	}
	compare("memberships", members(i.Memberships), members(want.Memberships))
	return strings.Join(out, ", ")
}

// Status makes the status answer a JSON text.
func Status(body string) faults.Fault {
	return faults.Fault{Path: "status", Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// Stage is how far Glean has come with the last run's upload of a stream, and 99
// when it does not list it.
func (f *Fixture) Stage(stream string) component.UploadStage {
	f.T.Helper()
	i, err := f.Sink.Inspect(f.T.Context())
	if err != nil || i.History.By != "Glean" {
		f.T.Fatal(i, err)
	}
	for _, u := range i.History.Uploads {
		if u.Stream == stream && u.ID == f.Uploaded[stream] {
			return u.Stage
		}
	}
	return 99
}

// AddDatasource adds a datasource to the server.
func (f *Fixture) AddDatasource(c api.DatasourceConfig) {
	f.T.Helper()
	f.Post(api.PathAddDatasource, c)
}
