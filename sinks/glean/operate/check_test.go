package operate_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/operate"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

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
	f := gleantest.Start(t, sandbox.Rules{})
	if err := f.Run(gleantest.User("ann"), gleantest.Group("a"), gleantest.Doc("a")); err != nil {
		t.Fatal(err)
	}
	want := "true reachable: answers at " + f.Server.URL() + ` and accepts the token
true datasource: backstage exists and has what a run needs
true holds: 1 users, 1 groups, 0 memberships, 1 documents
true visible: it is enabled for everyone; each document's permissions decide
`
	if got := findings(f.Sink.Check(t.Context())); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	f.Config.Datasource.URLRegex = ".*"
	if got := findings(f.Sink.Check(t.Context())); !strings.Contains(got,
		`false datasource: datasource "backstage" differs between the file and Glean: urlRegex is .* in the file`) ||
		!strings.Contains(got, "pipe datasource apply") {
		t.Errorf("got\n%s", got)
	}
	f.Server.Fail(faults.Fault{Path: "/status", Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
		Body: `{"documents":{"bulkUploadHistory":[{"uploadId":"u"}]}}`})
	if got := findings(f.Sink.Check(t.Context())); !strings.Contains(got,
		"false holds: Glean lists uploads but does not count") {
		t.Errorf("got\n%s", got)
	}
	f.Server.Heal()
	f.Server.Fail(faults.Fault{Status: 401})
	if got := findings(f.Sink.Check(t.Context())); !strings.Contains(got, "401") ||
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
	f := gleantest.Start(t, sandbox.Rules{})
	for _, status := range []string{`{}`, `{"datasourceVisibility":"NOT_ENABLED"}`,
		`{"documents":{"counts":{"uploaded":[]},"bulkUploadHistory":[]}}`, `{"documents":{"counts":{"uploaded":null}}}`} {
		f.Server.Fail(faults.Fault{Path: "/status", Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: status})
		if got := findings(f.Sink.Check(t.Context())); strings.Contains(got, "false") {
			t.Errorf("%s: got\n%s", status, got)
		}
		f.Server.Heal()
	}
}
