//go:build backstage

package e2e

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// real is a real Backstage, and an index server to deliver to.
type real struct {
	url      string
	glean    *gleansandbox.Server
	env      map[string]string
	manifest []string // the refs that were put into the catalog
}

func realBackstage(t *testing.T, tokenVariable string) real {
	t.Helper()
	values := map[string]string{}
	for _, name := range []string{"BACKSTAGE_URL", "BACKSTAGE_MANIFEST", tokenVariable} {
		if values[name] = os.Getenv(name); values[name] == "" {
			t.Skipf("%s is not set: there is no real Backstage to read", name)
		}
	}
	r := real{url: values["BACKSTAGE_URL"]}
	text, err := os.ReadFile(values["BACKSTAGE_MANIFEST"])
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Refs []string `json:"refs"`
	}
	if err := codec.Unmarshal(text, &manifest); err != nil || len(manifest.Refs) == 0 {
		t.Fatalf("%s: %d refs, %v", values["BACKSTAGE_MANIFEST"], len(manifest.Refs), err)
	}
	r.manifest = manifest.Refs
	r.glean, err = gleansandbox.Start(gleansandbox.Options{Token: sinkToken,
		Datasources: []gleanapi.DatasourceConfig{datasourceOf(shipped, r.url)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.glean.Close)
	r.env = map[string]string{
		"BACKSTAGE_BASE_URL": r.url, "BACKSTAGE_API_TOKEN": values[tokenVariable],
		"GLEAN_SERVER_URL": r.glean.URL(), "GLEAN_INDEXING_API_KEY": sinkToken, "CI": "true", "XDG_STATE_HOME": t.TempDir(),
	}
	return r
}

// entities returns the whole catalog, read without the source's code.
func (r real) entities(t *testing.T) [][]byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/api/catalog/entities", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+r.env["BACKSTAGE_API_TOKEN"])
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", request.URL, answer.Status, err)
	}
	var out [][]byte
	if err := codec.Elements(body, func(v []byte) error {
		out = append(out, append([]byte(nil), v...))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRealBackstage: every entity of a real Backstage is in the index, or is
// not for a reason that is counted under its name.
func TestRealBackstage(t *testing.T) {
	r := realBackstage(t, "BACKSTAGE_TOKEN")
	out := t.TempDir()
	c := pipe(t, r.env, "run", "--json", "--output", out, "--set", "@sink.requests_per_second=0", shipped)
	if c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	catalog, index := catalogOf(t, r.entities(t)), r.glean.Index("backstage")
	for _, ref := range r.manifest {
		if _, there := catalog[ref]; !there {
			t.Errorf("%s is in the manifest, and Backstage does not have it", ref)
		}
	}
	if extra := len(catalog) - len(r.manifest); extra < 0 || extra > 20 {
		t.Errorf("Backstage has %d entities, and the manifest %d", len(catalog), len(r.manifest))
	}
	catalog.account(t, index, runReport(t, c))
	catalog.access(t, index)
	if letters := deadLetters(t, out); len(letters) > 0 {
		t.Errorf("rejected: %+v", letters)
	}

	again := pipe(t, r.env, "run", "--json", "--set", "@sink.requests_per_second=0", "--set", "@source.page_size=97",
		shipped)
	if again.code != int(job.Done) {
		t.Fatalf("the second run: exit %d\n%s", again.code, again.both())
	}
	catalog.account(t, r.glean.Index("backstage"), runReport(t, again))
}

// TestRealBackstageDoctor: doctor reports how many people can be users of Glean.
func TestRealBackstageDoctor(t *testing.T) {
	r := realBackstage(t, "BACKSTAGE_TOKEN")
	c := pipe(t, r.env, "doctor", shipped)
	users, withMail := 0, 0
	for _, e := range catalogOf(t, r.entities(t)) {
		if e.kind == "User" {
			users++
			if e.email != "" {
				withMail++
			}
		}
	}
	want := display.Number(withMail) + " of " + display.Number(users)
	if c.code != int(job.Done) || !strings.Contains(c.stdout, want) || !strings.Contains(c.stdout, "e-mail") {
		t.Errorf("exit %d, %q is not said in\n%s", c.code, want, c.both())
	}
}

// TestRealBackstageDenied: with a token that may not read the catalog nothing is sent, and
// the message says what to change in Backstage.
func TestRealBackstageDenied(t *testing.T) {
	r := realBackstage(t, "BACKSTAGE_TOKEN_OTHER")
	for _, command := range []string{"run", "doctor"} {
		c := pipe(t, r.env, command, shipped)
		if c.code != int(job.Failed) || !strings.Contains(c.both(), "403") ||
			!strings.Contains(c.both(), "accessRestrictions") {
			t.Errorf("%s: exit %d\n%s", command, c.code, c.both())
		}
	}
	if n := len(r.glean.Index("backstage").Uploads); n > 0 {
		t.Errorf("%d uploads were begun", n)
	}
}
