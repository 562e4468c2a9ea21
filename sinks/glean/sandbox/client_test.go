package sandbox_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/contract"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openAPI is Glean's document, nil where the environment does not name it.
var openAPI = sync.OnceValues(func() (*contract.Spec, error) {
	path := os.Getenv(contract.Env)
	if path == "" {
		return nil, nil
	}
	return contract.Load(path)
})

// client talks to its own server and checks every exchange against Glean's OpenAPI document:
// accepted requests and all answers must be valid.
type client struct {
	*faults.Server
	t     *testing.T
	token string
	http  http.Client
}

func yes() *bool { b := true; return &b }

func no() *bool { b := false; return &b }

// catalog is the datasource of the tests.
func catalog() api.DatasourceConfig {
	return api.DatasourceConfig{
		Name: "backstage", DatasourceCategory: "KNOWLEDGE_HUB", URLRegex: `https://portal\.example/.*`,
		IsUserReferencedByEmail: yes(),
		ObjectDefinitions: []api.ObjectDefinition{
			{Name: "component", PropertyDefinitions: []api.PropertyDefinition{
				{Name: "type", PropertyType: api.PropertyPicklist}, {Name: "stars", PropertyType: api.PropertyInt},
				{Name: "langs", PropertyType: api.PropertyTextList}, {Name: "since", PropertyType: api.PropertyDate},
			}},
			{Name: "system"},
		},
	}
}

func start(t *testing.T, o sandbox.Options) *client {
	t.Helper()
	if o.Datasources == nil {
		o.Datasources = []api.DatasourceConfig{catalog()}
	}
	spec, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	if o.Observe == nil && spec != nil {
		o.Observe = func(e sandbox.Exchange) { conforms(t, spec, e) }
	}
	s, err := faults.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Server: s, t: t, token: "secret", http: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	t.Cleanup(s.Close)
	return c
}

func conforms(t *testing.T, spec *contract.Spec, e sandbox.Exchange) {
	if e.Status == http.StatusOK && !strings.HasPrefix(e.AnswerType, "text/html") {
		if err := spec.Request(e.Method, e.Path, e.ContentType, e.Body); err != nil {
			t.Errorf("accepted a request that is not Glean's: %v", err)
		}
		if err := spec.Response(e.Method, e.Path, e.Status, e.AnswerType, e.Answer); err != nil {
			t.Errorf("answered what is not Glean's: %v", err)
		}
	}
	if slices.Contains([]int{400, 401}, e.Status) && e.Method == http.MethodPost {
		if err := spec.Response(e.Method, e.Path, e.Status, e.AnswerType, e.Answer); err != nil {
			t.Errorf("answered what is not Glean's: %v", err)
		}
	}
}

// post sends a value, or a string unchanged, and returns status and body.
func (c *client) post(path string, v any) (int, string, error) {
	c.t.Helper()
	var body []byte
	switch v := v.(type) {
	case nil:
	case string:
		body = []byte(v)
	default:
		var err error
		if body, err = codec.Marshal(v); err != nil {
			c.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(http.MethodPost, c.URL()+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

// must posts and expects 200; out takes the answer.
func (c *client) must(path string, v, out any) {
	c.t.Helper()
	status, body, err := c.post(path, v)
	if err != nil || status != http.StatusOK {
		c.t.Fatalf("POST %s: %d %s %v", path, status, body, err)
	}
	if out == nil {
		if body != "" {
			c.t.Errorf("POST %s: a body where none is due: %s", path, body)
		}
		return
	}
	if err := codec.Unmarshal([]byte(body), out); err != nil {
		c.t.Fatalf("POST %s: %v in %s", path, err, body)
	}
}

// refused posts and expects a status with a text.
func (c *client) refused(path string, v any, status int, text string) {
	c.t.Helper()
	got, body, err := c.post(path, v)
	if err != nil || got != status || !strings.Contains(body, text) {
		c.t.Errorf("POST %s: got %d %q %v, want %d with %q", path, got, body, err, status, text)
	}
}

// whole is the envelope of an upload in one page.
func whole(id string) api.Page {
	return api.Page{UploadID: id, Datasource: "backstage", IsFirstPage: true, IsLastPage: true}
}

func doc(id string, p api.Permissions) api.Document {
	return api.Document{Datasource: "backstage", ID: id, ObjectType: "component", Title: id,
		ViewURL: "https://portal.example/" + id, Permissions: &p}
}

func docs(ids ...string) []api.Document {
	var out []api.Document
	for _, id := range ids {
		out = append(out, doc(id, api.Permissions{AllowAllDatasourceUsersAccess: true}))
	}
	return out
}

func (c *client) documents(p api.Page, ds ...api.Document) api.BulkIndexDocumentsRequest {
	return api.BulkIndexDocumentsRequest{Page: p, Documents: ds}
}

func (c *client) putUsers(us ...api.User) {
	c.t.Helper()
	c.must(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: whole("u"), Users: us,
		DisableStaleDataDeletionCheck: true}, nil)
}

func (c *client) putGroups(names ...string) {
	c.t.Helper()
	r := api.BulkIndexGroupsRequest{Page: whole("g"), DisableStaleDataDeletionCheck: true}
	for _, n := range names {
		r.Groups = append(r.Groups, api.Group{Name: n})
	}
	c.must(api.PathBulkIndexGroups, r, nil)
}

// putMembers fills a group; a member with @ is a user.
func (c *client) putMembers(group string, members ...string) {
	c.t.Helper()
	r := api.BulkIndexMembershipsRequest{Page: whole("m"), Group: group}
	for _, m := range members {
		if strings.Contains(m, "@") {
			r.Memberships = append(r.Memberships, api.Membership{MemberUserID: m})
		} else {
			r.Memberships = append(r.Memberships, api.Membership{MemberGroupName: m})
		}
	}
	c.must(api.PathBulkIndexMemberships, r, nil)
}

func user(email string) api.User { return api.User{Email: email, Name: email} }

// ids are the ids of the documents in the index, sorted.
func (c *client) ids() string {
	var out []string
	for id := range c.Index("backstage").Documents {
		out = append(out, id)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
