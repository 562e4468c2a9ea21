package glean

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/operate"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

func sandboxRules() sandbox.Rules { return sandbox.Rules{} }

func findings(fs []component.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%v %s: %s", f.OK, f.What, f.Detail)
		if f.Remedy != "" {
			fmt.Fprintf(&b, " (%s)", f.Remedy)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	f := start(t, sandboxRules())
	if err := f.run(user("ann"), group("a"), doc("a")); err != nil {
		t.Fatal(err)
	}
	want := "true reachable: answers at " + f.server.URL() + ` and takes the token
true datasource: backstage is there with what a run needs of it
true holds: 1 users, 1 groups, 0 memberships, 1 documents
true visible: it is enabled for everybody; each document's permissions decide
`
	if got := findings(f.Check(t.Context())); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	f.cfg.Datasource.URLRegex = ".*"
	if got := findings(f.Check(t.Context())); !strings.Contains(got,
		`false datasource: datasource "backstage" differs between the file and Glean: urlRegex is .* in the file`) ||
		!strings.Contains(got, "pipe datasource apply") {
		t.Errorf("got\n%s", got)
	}
	f.server.Fail(faults.Fault{Path: "/status", Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
		Body: `{"documents":{"bulkUploadHistory":[{"uploadId":"u"}]}}`})
	if got := findings(f.Check(t.Context())); !strings.Contains(got,
		"false holds: Glean lists uploads and does not count") {
		t.Errorf("got\n%s", got)
	}
	f.server.Heal()
	f.server.Fail(faults.Fault{Status: 401})
	if got := findings(f.Check(t.Context())); !strings.Contains(got, "401") ||
		!strings.Contains(got, "the token of glean was refused") || strings.Count(got, "\n") != 1 {
		t.Errorf("got\n%s", got)
	}
	for v, want := range map[string]bool{"ENABLED_FOR_ALL": true, "ENABLED_FOR_TEST_GROUP": true, "NOT_ENABLED": false,
		"": true} {
		if got := operate.Visibility(v, false); got.OK != want || got.Detail == "" || got.OK == (got.Remedy != "") {
			t.Errorf("%s: %+v", v, got)
		}
	}
}

// TestCheckNew: a datasource that was just created is no fault.
func TestCheckNew(t *testing.T) {
	f := start(t, sandboxRules())
	for _, status := range []string{`{}`, `{"datasourceVisibility":"NOT_ENABLED"}`,
		`{"documents":{"counts":{"uploaded":[]},"bulkUploadHistory":[]}}`, `{"documents":{"counts":{"uploaded":null}}}`} {
		f.server.Fail(faults.Fault{Path: "/status", Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: status})
		if got := findings(f.Check(t.Context())); strings.Contains(got, "false") {
			t.Errorf("%s: got\n%s", status, got)
		}
		f.server.Heal()
	}
}

// TestSecret: no error, finding or note carries the token (invariant 6), not
// even one that Glean echoes.
func TestSecret(t *testing.T) {
	f := start(t, sandboxRules())
	f.server.Fail(faults.Fault{Status: 400, Body: "what is secret-token?", Path: "/bulkindexusers"})
	err := f.run(user("ann"), doc("a"))
	f.server.Fail(faults.Fault{Status: 403, Body: `{"message":"secret-token is not allowed"}`})
	all := fmt.Sprint(err, f.rejected, f.notes, findings(f.Check(t.Context())), fmt.Sprintf("%+v", f.cfg))
	if strings.Contains(all, "secret-token") || !strings.Contains(all, "[redacted]") {
		t.Error(all)
	}
}

// TestSandbox: the spec's sandbox knows the file's datasource, takes what the
// sink sends, and says who finds what.
func TestSandbox(t *testing.T) {
	box, err := Spec().Sandbox(t.Context(), testSettings(), component.SandboxOptions{
		UIURL: "http://127.0.0.1:7007"})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if box.Set["datasource.urlRegex"] != `http://127\.0\.0\.1:7007/.*` || box.Set["instance"] != "" {
		t.Errorf("%v", box.Set)
	}
	f := start(t, sandboxRules(), func(c *settings.Config) {
		c.ServerURL, c.Token = box.Set["server_url"], config.NewSecret(box.Set["token"])
		c.Datasource.URLRegex = box.Set["datasource.urlRegex"]
	})
	at := func(i *component.Item) *component.Item {
		for n, f := range i.Fields {
			if f.Name == "viewURL" {
				i.Fields[n].Value = "http://127.0.0.1:7007/x"
			}
		}
		return i
	}
	if err := f.run(user("ann"), user("bob"), group("a", "user:default/ann"), at(doc("a")),
		at(doc("b", "group:default/a"))); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := box.Summary(&b); err != nil {
		t.Fatal(err)
	}
	want := `In the index of Backstage:
  component                   2
  users                       2
  groups                      1
  memberships                 1
Who finds the 2 documents:
  nobody                      0
  listed                      1
  datasource-users            1
  all-users                   0
component:default/b is found by 1 of the users: ann@x.example
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
