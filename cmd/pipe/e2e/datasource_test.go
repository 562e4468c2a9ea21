package e2e

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/contract"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// bare is a world whose Glean has no datasource yet and echoes configs as the real one does.
// Every exchange is checked against Glean's OpenAPI document, if there is one.
func bare(t *testing.T) *world {
	t.Helper()
	o := gleansandbox.Options{Datasources: []gleanapi.DatasourceConfig{},
		Rules: gleansandbox.Rules{EchoCustomNames: true, EchoDefaults: true}}
	o.Observe = judged(t)
	return newWorld(t, backstagesandbox.Options{}, o)
}

// judged checks exchanges against Glean's OpenAPI document; nil if there is none.
func judged(t *testing.T) func(gleansandbox.Exchange) {
	t.Helper()
	path := os.Getenv(contract.Env)
	if path == "" {
		return nil
	}
	spec, err := contract.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return func(e gleansandbox.Exchange) {
		if e.Status == http.StatusForbidden || e.Status == http.StatusNotFound || e.Status >= http.StatusTooManyRequests {
			return // of a fault
		}
		if err := spec.Request(e.Method, e.Path, e.ContentType, e.Body); err != nil {
			t.Errorf("a request that is not Glean's: %v", err)
		}
		if err := spec.Response(e.Method, e.Path, e.Status, e.AnswerType, e.Answer); err != nil {
			t.Errorf("an answer that is not Glean's: %v", err)
		}
	}
}

// expect checks a call's exit code and that its output has the texts in order; a text that
// begins with ! must be absent.
func (c call) expect(t *testing.T, code int, says ...string) {
	t.Helper()
	text := c.both()
	for _, s := range says {
		unsaid := strings.HasPrefix(s, "!")
		if strings.Contains(text, strings.TrimPrefix(s, "!")) == unsaid {
			t.Errorf("%q is wrong about\n%s", s, text)
		}
	}
	if c.code != code {
		t.Errorf("exit %d, want %d\n%s", c.code, code, text)
	}
}

func (w *world) config(t *testing.T) gleanapi.DatasourceConfig {
	t.Helper()
	return w.index().Config
}

// TestDatasourcePlanApply: plan, apply, plan shows no change; settings that others changed
// in Glean are restored, and settings that the file does not mention stay.
func TestDatasourcePlanApply(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.pipe(t, "datasource", "plan", shipped).expect(t, int(job.Changes), "it does not exist and would be created",
		"+ objectDefinitions.component.propertyDefinitions.type", `propertyType "PICKLIST"`, `quicklinks."Create a component"`)
	w.pipe(t, "datasource", "apply", shipped).expect(t, int(job.Wrong), "--yes", "standard input is not a terminal",
		"+ urlRegex")
	if w.config(t).Name != "" {
		t.Fatal("it was made without a yes")
	}
	w.pipe(t, "datasource", "apply", shipped, "--yes").expect(t, 0, "applied, read back and verified")
	w.pipe(t, "datasource", "plan", shipped).expect(t, 0, "no changes", "!kept")
	w.pipe(t, "datasource", "plan", shipped, "--replace").expect(t, 0, "no changes")
	if c := w.config(t); c.URLRegex != regexp.QuoteMeta(w.backstage.URL())+"/.*" || c.HomeURL != w.backstage.URL() {
		t.Errorf("%+v", c)
	}

	// By hand: a field, a property, a quick link and the order of everything.
	c := w.config(t)
	c.SuggestionText, c.URLRegex = "Try payments", ".*"
	slices.Reverse(c.ObjectDefinitions)
	slices.Reverse(c.Quicklinks)
	last := &c.ObjectDefinitions[len(c.ObjectDefinitions)-1]
	last.PropertyDefinitions = append(slices.Clone(last.PropertyDefinitions),
		gleanapi.PropertyDefinition{Name: "tier", HideUIFacet: new(true)})
	c.Quicklinks = append(c.Quicklinks, gleanapi.Quicklink{Name: "Old link", URL: "https://old.example"})
	c.Quicklinks[0].Name, c.Quicklinks[0].ShortName = "Browse the catalog", "Elsewhere"
	put(t, w, c)
	plan := w.pipe(t, "datasource", "plan", shipped)
	plan.expect(t, int(job.Changes), "2 changes", `~ urlRegex  ".*" → "http://`, `~ quicklinks."Browse the catalog".shortName  "Elsewhere" → "Catalog"`,
		"kept, because the "+
			"file does "+
			"not "+
			"mention it", `suggestionText  "Try payments"`, "objectDefinitions.component.propertyDefinitions.tier", `quicklinks."Old link"`)
	w.pipe(t, "datasource", "apply", shipped, "--yes").expect(t, 0, "applied")
	if c := w.config(t); c.SuggestionText != "Try payments" || len(c.Quicklinks) != 3 || c.URLRegex == ".*" {
		t.Errorf("%+v", c)
	}
	w.pipe(t, "datasource", "plan", shipped).expect(t, 0, "no changes", "Try payments")

	// Settings that are empty in the file are emptied, and --replace drops all that it
	// lacks.
	cleared := edited(t, "      datasourceCategory:", "      suggestionText: \"\"\n      datasourceCategory:")
	w.pipe(t, "datasource", "plan", cleared).expect(t, int(job.Changes), "1 change", `- suggestionText  "Try payments"`)
	w.pipe(t, "datasource", "plan", shipped, "--replace").expect(t, int(job.Changes), "3 changes", "- suggestionText", `- quicklinks."Old link"`,
		"- objectDefinitions.component.propertyDefinitions.tier", "!kept")
	w.pipe(t, "datasource", "apply", shipped, "--replace", "--yes").expect(t, 0, "applied")
	if c := w.config(t); c.SuggestionText != "" || len(c.Quicklinks) != 2 {
		t.Errorf("%+v", c)
	}
	w.pipe(t, "run", shipped, "--progress", "none").expect(t, 0)
}

// put sets up a datasource as another client does.
func put(t *testing.T, w *world, c gleanapi.DatasourceConfig) {
	t.Helper()
	body, err := codec.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, gleanapi.PathAddDatasource, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+sinkToken)
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.glean.Handler().ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
}

// TestDatasourceAsks: a person at a terminal is asked.
func TestDatasourceAsks(t *testing.T) {
	t.Parallel()
	w := bare(t)
	answer := func(text string) call {
		var out, errs strings.Builder
		code := cli.Run(t.Context(),
			cli.Host{Registry: components.Registry(), Args: []string{"pipe", "datasource", "apply", shipped},
				Env: func(n string) (string, bool) {
					v, ok := w.env[n]
					return v, ok
				},
				Stdin: strings.NewReader(text), Stdout: &out, Stderr: &errs, Width: oneLine, Interactive: true})
		return call{code, out.String(), errs.String()}
	}
	for _, no := range []string{"", "no\n", "y\n"} {
		answer(no).expect(t, int(job.Wrong), "Write yes", "nothing was changed")
	}
	if w.config(t).Name != "" {
		t.Fatal("it was made without a yes")
	}
	answer("yes\n").expect(t, 0, "applied, read back and verified")
	answer("").expect(t, 0, "no changes", "!Write yes")
}

// TestRunAppliesDatasource: a run applies nothing silently, and with the flag
// only after the guards.
func TestRunAppliesDatasource(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.pipe(t, "run", shipped, "--progress", "none").expect(t, int(job.Wrong), "pipe datasource apply", `no datasource "backstage"`)
	w.pipe(t, "run", shipped, "--progress", "none", "--dry-run", "--apply-datasource").expect(t, int(job.Wrong),
		"--dry-run changes nothing", "datasource plan")
	w.pipe(t, "run", shipped, "--progress", "none", "--apply-datasource").expect(t, 0, "the datasource backstage was "+
		"created")
	more := edited(t, "        - {name: api,", "        - {name: endpoint, displayLabel: Endpoint}\n        - {name: api,")
	before := len(w.index().Uploads)
	w.pipe(t, "run", more, "--progress", "none").expect(t, int(job.Wrong), "object type endpoint is not defined in Glean",
		"pipe datasource apply")
	if len(w.index().Uploads) != before {
		t.Error("it uploaded all the same")
	}
	w.pipe(t, "run", more, "--progress", "none", "--apply-datasource").expect(t, 0,
		"1 fields of the datasource")
	w.pipe(t, "run", more, "--progress", "none", "--apply-datasource").expect(t, 0, "!were updated to match the file")
	w.pipe(t, "run", shipped, "--progress", "none").expect(t, 0)

	fresh := bare(t)
	fresh.backstage.Fail(backstagefaults.Fault{Status: 401})
	if c := fresh.pipe(t, "run", shipped, "--progress", "none", "--apply-datasource"); c.code == 0 ||
		fresh.config(t).Name != "" {
		t.Errorf("a run that read nothing made the datasource: exit %d\n%s", c.code, c.both())
	}
}

func TestDatasourceCategories(t *testing.T) {
	c := pipe(t, nil, "datasource", "categories")
	c.expect(t, 0, "KNOWLEDGE_HUB", "AI_ARTIFACT", "!UNCATEGORIZED")
	for _, field := range []string{`"name": "ENTITY"`, `"ok": true`} {
		pipe(t, nil, "datasource", "categories", "--json").expect(t, 0, field)
	}
}
