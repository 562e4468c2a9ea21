package e2e

import (
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/contract"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestContract: every request of a run, and every answer of the sandbox, conforms to Glean's
// OpenAPI document.
func TestContract(t *testing.T) {
	t.Parallel()
	spec := contract.FromEnv(t)
	for name, entities := range map[string]func(testing.TB) [][]byte{
		"the bundled company": func(testing.TB) [][]byte { return backstagesandbox.Company() },
		"the demo catalog":    demoCatalog,
		"a generated catalog": func(testing.TB) [][]byte { return generate.Catalog(300, 7) },
		"a team of nobody":    func(testing.TB) [][]byte { return lonely },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen exchanges
			w := newWorld(t, backstagesandbox.Options{Entities: entities(t)}, gleansandbox.Options{Observe: seen.add})
			for _, command := range []string{"doctor", "run", "run"} {
				if c := w.pipe(t, command, shipped, "--set", "@sink.batch.documents=20"); command == "run" && c.code != 0 {
					t.Fatalf("%s: exit %d\n%s", command, c.code, c.both())
				}
			}
			seen.judge(t, spec)
		})
	}
}

// lonely is a team without members: all its lists are empty.
var lonely = [][]byte{
	[]byte(`{"apiVersion":"backstage.io/v1alpha1","kind":"Group","metadata":{"name":"lonely","namespace":"default","tags":[],"links":null},"spec":{"type":"team","children":[]},"relations":[]}`),
	[]byte(`{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":"ann","namespace":"default"},"spec":{"profile":{"email":"ann@example.com"},"memberOf":[]}}`),
}

// exchanges collects the requests and answers of a server.
type exchanges struct {
	mu  sync.Mutex
	all []gleansandbox.Exchange
}

func (x *exchanges) add(e gleansandbox.Exchange) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = append(x.all, e)
}

func (x *exchanges) judge(t *testing.T, spec *contract.Spec) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	paths := map[string]int{}
	for _, e := range x.all {
		paths[e.Path[strings.LastIndex(e.Path, "/")+1:]]++
		if err := spec.Request(e.Method, e.Path, e.ContentType, e.Body); err != nil {
			t.Errorf("the request %s %s %.300s: %v", e.Method, e.Path, e.Body, err)
		}
		if err := spec.Response(e.Method, e.Path, e.Status, e.AnswerType, e.Answer); err != nil {
			t.Errorf("the answer of %s %s: %d %.300s: %v", e.Method, e.Path, e.Status, e.Answer, err)
		}
	}
	for _, want := range []string{"bulkindexusers", "bulkindexgroups", "bulkindexmemberships", "bulkindexdocuments",
		"getdatasourceconfig", "status"} {
		if paths[want] == 0 {
			t.Errorf("no request to %s was seen", want)
		}
	}
}
