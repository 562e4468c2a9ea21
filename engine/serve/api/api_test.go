package api_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/api"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/sources/push"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{filesource.Spec().Any(), push.Spec().Any()},
		Models:      []component.ModelSpec[any]{filesource.ModelSpec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{filesink.Spec().Any()},
	}
}

const (
	handbook   = "files/handbook.yaml"
	wiki       = "push/wiki.yaml"
	hookSecret = "0123456789abcdef0123456789abcdef"
)

// client calls the API of a world and compares each request and answer with the description.
type client struct {
	t      *testing.T
	world  *servetest.World
	server *httptest.Server
	path   string // of the tokens file
	doc    *openapi3.T
	seen   map[string]bool // the operations and statuses that were answered
}

// newClient returns the client of a server of an example pipeline, whose webhooks are signed with
// hookSecret.
func newClient(t *testing.T, file string) *client {
	t.Helper()
	return newClientWith(t, file, func(o *serve.Options) { o.Review = true })
}

// newClientWith edits the options of the server.
func newClientWith(t *testing.T, file string, edit func(*serve.Options)) *client {
	t.Helper()
	w := servetest.New(t, registry(), "../../../pipelines/examples/"+file, "")
	edit(&w.Options)
	w.Start()
	c := &client{t: t, world: w, path: filepath.Join(w.Dir, "tokens.json"), seen: map[string]bool{}}
	tokens, err := signin.OpenTokens(c.path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(w.Dir, "webhook")
	if err := os.WriteFile(secret, []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hooks, err := signin.OpenWebhooks(secret)
	if err != nil {
		t.Fatal(err)
	}
	c.server = httptest.NewServer(api.New(w.Server, tokens, hooks, signin.Client))
	t.Cleanup(c.server.Close)
	b := []byte(c.text(c.send(c.token("reader", signin.View), "GET", "/openapi.json", "")))
	if c.doc, err = openapi3.NewLoader().LoadFromData(b); err != nil {
		t.Fatal(err)
	}
	if err := c.doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// token adds a token of a program with these roles for all pipelines.
func (c *client) token(name string, roles ...signin.Role) string {
	return c.add(name, false, "*", roles...)
}

func (c *client) add(name string, person bool, pipeline string, roles ...signin.Role) string {
	c.t.Helper()
	return c.addToken(signin.Token{Name: name, Person: person,
		Grant: signin.Grant{Roles: roles, Pipelines: []string{pipeline}}})
}

func (c *client) addToken(t signin.Token) string {
	c.t.Helper()
	token, _, err := signin.AddToken(c.path, t)
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}

func (c *client) send(token, method, path, body string, headers ...string) *http.Response {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+api.Prefix+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (c *client) text(resp *http.Response) string {
	c.t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// call sends a request, compares the answer with the description of operation, and returns its
// fields.
func (c *client) call(token, operation, path, body string, status int, headers ...string) map[string]any {
	c.t.Helper()
	for pattern, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == operation {
				return c.compare(token, method, path, body, status, pattern, item, op, headers)
			}
		}
	}
	c.t.Fatalf("%s is not in the description", operation)
	return nil
}

func (c *client) compare(token, method, path, body string, status int, pattern string, item *openapi3.PathItem,
	op *openapi3.Operation, headers []string,
) map[string]any {
	c.t.Helper()
	resp := c.send(token, method, path, body, headers...)
	text := c.text(resp)
	if resp.StatusCode != status {
		c.t.Fatalf("%s %s: %s, want %d: %s", method, path, resp.Status, status, text)
	}
	c.seen[op.OperationID] = true
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: resp.Request,
			Route:   &routers.Route{Spec: c.doc, Path: pattern, PathItem: item, Method: method, Operation: op},
		},
		Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader([]byte(text))),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		c.t.Errorf("%s %s: the answer is not as described: %v\n%s", method, path, err, text)
	}
	fields, err := codec.Decode([]byte(text))
	if err != nil {
		c.t.Fatal(err)
	}
	return fields
}

// TestAPI calls each operation in the order of a real use.
func TestAPI(t *testing.T) {
	seen := map[string]bool{}
	var c *client
	for name, use := range map[string]func(c *client){
		handbook: func(c *client) { testDocuments(c.t, c); testRuns(c.t, c); testWebhook(c.t, c) },
		wiki:     func(c *client) { testPush(c.t, c) },
	} {
		t.Run(name, func(t *testing.T) {
			c = newClient(t, name)
			use(c)
			maps.Copy(seen, c.seen)
		})
	}
	for _, item := range c.doc.Paths.Map() {
		for _, op := range item.Operations() {
			if !seen[op.OperationID] {
				t.Errorf("%s was not called", op.OperationID)
			}
		}
	}
}

// testRuns goes from a run to its approval.
func testRuns(t *testing.T, c *client) {
	bot := c.token("bot", signin.Trigger)
	viewer := c.token("viewer", signin.View)
	inspector := c.token("inspector", signin.Inspect)
	ann := c.add("ann", true, "*", signin.Approve, signin.Trigger)
	bob := c.add("bob", true, "handbook", signin.Approve)

	c.call(viewer, "description", "/openapi.json", "", 200)
	all := c.call(viewer, "pipelines", "/pipelines", "", 200)
	if list := all["pipelines"].([]any); len(list) != 1 || list[0].(map[string]any)["name"] != "handbook" {
		t.Errorf("the pipelines: %v", all)
	}
	c.call(viewer, "trigger", "/pipelines/handbook/runs", "", 403)
	first := c.call(bot, "trigger", "/pipelines/handbook/runs", "", 202)
	c.world.Ended(1)
	run := c.call(viewer, "run", "/pipelines/handbook/runs/"+first["run"].(string), "", 200)
	if run["verdict"] != "delivered" || run["report"] != nil || run["numbers"].(map[string]any)["read"] != 102.0 {
		t.Errorf("the run without its report: %v", run)
	}
	run = c.call(inspector, "run", "/pipelines/handbook/runs/"+first["run"].(string), "", 200)
	if run["report"] == nil {
		t.Errorf("the run with its report: %v", run)
	}
	c.call(viewer, "refusal", "/pipelines/handbook/refusal", "", 404)

	c.world.Write(30, 10)
	c.call(ann, "trigger", "/pipelines/handbook/runs", `{"full": true}`, 202)
	c.world.Ended(2)
	if now := c.call(viewer, "pipeline", "/pipelines/handbook", "", 200); now["waiting"] == nil {
		t.Errorf("no refusal waits: %v", now)
	}
	refusal := c.call(viewer, "refusal", "/pipelines/handbook/refusal", "", 200)
	if refusal["changes"] != nil || refusal["counts"].(map[string]any)["documents"] != 70.0 {
		t.Errorf("the refusal without its changes: %v", refusal)
	}
	refusal = c.call(inspector, "refusal", "/pipelines/handbook/refusal", "", 200)
	if list := refusal["changes"].([]any); len(list) != 70 {
		t.Errorf("the refusal lists %d changes", len(list))
	}
	path := "/pipelines/handbook/refusals/" + refusal["id"].(string) + "/approval"
	c.call(bot, "approve", path, "", 403)
	c.call(inspector, "approve", path, "", 403)
	if no := c.call(ann, "approve", path, "", 403); !strings.Contains(no["error"].(map[string]any)["message"].(string),
		"another person") {
		t.Errorf("who asked for the run approves: %v", no)
	}
	c.call(bob, "approve", "/pipelines/handbook/refusals/aaaabbbbcccc/approval", "", 409)
	c.call(bob, "approve", "/pipelines/handbook/refusals/x/approval", "", 400)
	c.call(bob, "approve", path, `{"reason": "pages were merged"}`, 200)
	c.world.Ended(3)
	c.call(bob, "approve", path, "", 409)
	runs := c.call(viewer, "runs", "/pipelines/handbook/runs?limit=2", "", 200)["runs"].([]any)
	if len(runs) != 2 || runs[0].(map[string]any)["exit_code"] != 0.0 {
		t.Errorf("the runs: %v", runs)
	}
	actions := c.call(inspector, "actions", "/pipelines/handbook/actions", "", 200)["actions"].([]any)
	text, err := os.ReadFile(c.world.File)
	if err != nil {
		t.Fatal(err)
	}
	c.world.WriteFile(strings.Replace(string(text), "allow: owner", "allow: none", 1))
	held := c.call(bot, "trigger", "/pipelines/handbook/runs", "", 202)["run"].(string)
	c.world.Ended(4)
	run = c.call(viewer, "run", "/pipelines/handbook/runs/"+held, "", 200)
	if run["verdict"] != "held" || run["exit_code"] != 4.0 {
		t.Errorf("a run with other rules: %v", run)
	}
	rules := run["rules"].(string)
	c.call(bot, "acceptRules", "/pipelines/handbook/rules/"+rules+"/approval", "", 403)
	c.call(bob, "acceptRules", "/pipelines/handbook/rules/x/approval", "", 400)
	c.call(bob, "acceptRules", "/pipelines/handbook/rules/"+strings.Repeat("0", 64)+"/approval", "", 409)
	c.call(bob, "acceptRules", "/pipelines/handbook/rules/"+rules+"/approval", `{"reason": "reviewed"}`, 200)
	c.world.Ended(5)
	var done []string
	for _, a := range actions {
		done = append(done, a.(map[string]any)["who"].(string)+" "+a.(map[string]any)["action"].(string))
	}
	for _, want := range []string{"bob approve", "bot trigger", "inspector look at a run"} {
		if !slices.Contains(done, want) {
			t.Errorf("%s is not among the actions %v", want, done)
		}
	}
}

// TestReasonsOfApprovers: what people write about an approval may name records, and needs the role
// inspect.
func TestReasonsOfApprovers(t *testing.T) {
	c := newClientWith(t, handbook, func(*serve.Options) {})
	text, err := os.ReadFile(c.world.File)
	if err != nil {
		t.Fatal(err)
	}
	c.world.WriteFile(string(text) + "guards:\n  approvals: 3\n  max_widen: 0\n")
	bot := c.token("bot", signin.Trigger)
	c.call(bot, "trigger", "/pipelines/handbook/runs", "", 202)
	c.world.Ended(1)
	c.world.Write(100, 10)
	c.call(bot, "trigger", "/pipelines/handbook/runs", "", 202)
	c.world.Ended(2)
	viewer := c.token("viewer", signin.View)
	id := c.call(viewer, "refusal", "/pipelines/handbook/refusal", "", 200)["id"].(string)
	for _, name := range []string{"ann", "bob"} {
		c.call(c.add(name, true, "*", signin.Approve), "approve", "/pipelines/handbook/refusals/"+id+"/approval",
			`{"reason": "page-7 is for all"}`, 200)
	}
	public := c.text(c.send(viewer, "GET", "/pipelines/handbook/refusal", ""))
	if strings.Contains(public, "page-7") || !strings.Contains(public, `"by":"ann"`) {
		t.Errorf("without the role inspect: %s", public)
	}
	whole := c.text(c.send(c.token("inspector", signin.Inspect), "GET", "/pipelines/handbook/refusal", ""))
	if strings.Count(whole, "page-7 is for all") != 2 {
		t.Errorf("with the role inspect: %s", whole)
	}
}

func TestBadRequests(t *testing.T) {
	c := newClient(t, handbook)
	bot := c.token("bot", signin.Trigger)
	other := c.add("other", false, "another", signin.Trigger)
	for _, tt := range []struct {
		name, token, method, path, body string
		status                          int
		headers                         []string
	}{
		{"no token", "", "GET", "/pipelines", "", 401, nil},
		{"an unknown token", "pipe_x", "GET", "/pipelines", "", 401, nil},
		{"an unknown path without a token", "", "GET", "/secrets", "", 401, nil},
		{"a token in a cookie", "", "GET", "/pipelines", "", 401, []string{"Cookie", "token=" + bot}},
		{"a token in the address", "", "GET", "/pipelines?token=" + bot, "", 401, nil},
		{"an unknown path", bot, "GET", "/secrets", "", 404, nil},
		{"an unknown method", bot, "DELETE", "/pipelines/handbook", "", 404, nil},
		{"an unknown pipeline", bot, "GET", "/pipelines/x", "", 404, nil},
		{"a pipeline of others", other, "GET", "/pipelines/handbook", "", 404, nil},
		{"an unknown run", bot, "GET", "/pipelines/handbook/runs/x", "", 404, nil},
		{"no JSON", bot, "POST", "/pipelines/handbook/runs", "full", 400, nil},
		{"no declared JSON", bot, "POST", "/pipelines/handbook/runs", "{}", 400,
			[]string{"Content-Type", "text/plain"}},
		{"an unknown field", bot, "POST", "/pipelines/handbook/runs", `{"ful": true}`, 400, nil},
		{"a field twice", bot, "POST", "/pipelines/handbook/runs", `{"full": true, "full": false}`, 400, nil},
		{"an unknown stream", bot, "POST", "/pipelines/handbook/runs", `{"only": ["docs"]}`, 400, nil},
		{"10 MB", bot, "POST", "/pipelines/handbook/runs", `{"only": ["` + strings.Repeat("x", 10<<20) + `"]}`, 413, nil},
		{"a limit of words", bot, "GET", "/pipelines/handbook/runs?limit=all", "", 400, nil},
		{"a large limit", bot, "GET", "/pipelines/handbook/runs?limit=1000000", "", 400, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := c.send(tt.token, tt.method, tt.path, tt.body, tt.headers...)
			text := c.text(resp)
			fields, err := codec.Decode([]byte(text))
			if resp.StatusCode != tt.status || err != nil || fields["error"] == nil {
				t.Errorf("%s, want %d: %v %s", resp.Status, tt.status, err, text)
			}
			if strings.Contains(text, bot) {
				t.Error("the answer holds the token")
			}
		})
	}
	if runs := c.world.Runs(); len(runs) != 0 {
		t.Errorf("bad requests began %d runs", len(runs))
	}
	if all := c.send(other, "GET", "/pipelines", ""); strings.Contains(c.text(all), "handbook") {
		t.Error("a token sees a pipeline of others")
	}
}
