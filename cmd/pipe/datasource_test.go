package main

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/contract"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// bare is a world whose Glean has no datasource yet and echoes configs as the
// real one does. Every exchange is held against Glean's OpenAPI document, where
// there is one.
func bare(t *testing.T) *world {
	t.Helper()
	o := gleansandbox.Options{Datasources: []gleanapi.DatasourceConfig{}, Rules: gleansandbox.Rules{EchoCustomNames: true, EchoDefaults: true}}
	if path := os.Getenv(contract.Env); path != "" {
		spec, err := contract.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		o.Observe = func(e gleansandbox.Exchange) {
			if e.Status == http.StatusForbidden {
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
	return newWorld(t, backstagesandbox.Options{}, o)
}

// expect holds a call against its exit code and what it is to say, in order;
// what begins with ! it must not say.
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

// TestDatasourcePlanApply: plan, apply, plan says no change; what somebody
// changed in Glean comes back, and what the file does not mention stays.
func TestDatasourcePlanApply(t *testing.T) {
	w := bare(t)
	w.pipe(t, "datasource", "plan", shipped).expect(t, exitChanges, "it is not there, and would be made", "+ objectDefinitions.component.propertyDefinitions.type", `propertyType "PICKLIST"`, `quicklinks."Create a component"`)
	w.pipe(t, "datasource", "apply", shipped).expect(t, exitWrong, "--yes", "the input is not a terminal", "+ urlRegex")
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
	last.PropertyDefinitions = append(slices.Clone(last.PropertyDefinitions), gleanapi.PropertyDefinition{Name: "tier", HideUIFacet: new(true)})
	c.Quicklinks = append(c.Quicklinks, gleanapi.Quicklink{Name: "Old link", URL: "https://old.example"})
	c.Quicklinks[0].Name, c.Quicklinks[0].ShortName = "Browse the catalog", "Elsewhere"
	put(t, w, c)
	plan := w.pipe(t, "datasource", "plan", shipped)
	plan.expect(t, exitChanges, "2 changes", `~ urlRegex  ".*" → "http://`, `~ quicklinks."Browse the catalog".shortName  "Elsewhere" → "Catalog"`,
		"kept as Glean has it", `suggestionText  "Try payments"`, "objectDefinitions.component.propertyDefinitions.tier", `quicklinks."Old link"`)
	w.pipe(t, "datasource", "apply", shipped, "--yes").expect(t, 0, "applied")
	if c := w.config(t); c.SuggestionText != "Try payments" || len(c.Quicklinks) != 3 || c.URLRegex == ".*" {
		t.Errorf("%+v", c)
	}
	w.pipe(t, "datasource", "plan", shipped).expect(t, 0, "no changes", "Try payments")

	// What the file says to be empty goes, and with --replace all that it lacks.
	cleared := edited(t, "      datasourceCategory:", "      suggestionText: \"\"\n      datasourceCategory:")
	w.pipe(t, "datasource", "plan", cleared).expect(t, exitChanges, "1 change", `- suggestionText  "Try payments"`)
	w.pipe(t, "datasource", "plan", shipped, "--replace").expect(t, exitChanges, "3 changes", "- suggestionText", `- quicklinks."Old link"`, "- objectDefinitions.component.propertyDefinitions.tier", "!kept")
	w.pipe(t, "datasource", "apply", shipped, "--replace", "--yes").expect(t, 0, "applied")
	if c := w.config(t); c.SuggestionText != "" || len(c.Quicklinks) != 2 {
		t.Errorf("%+v", c)
	}
	w.pipe(t, "run", shipped, "--progress", "none").expect(t, 0)
}

// put sets a datasource up as somebody else does.
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
	w := bare(t)
	answer := func(text string) call {
		var out, errs strings.Builder
		code := run(t.Context(), host{args: []string{"pipe", "datasource", "apply", shipped}, env: func(n string) (string, bool) { v, ok := w.env[n]; return v, ok },
			stdin: strings.NewReader(text), stdout: &out, stderr: &errs, interactive: true})
		return call{code, out.String(), errs.String()}
	}
	for _, no := range []string{"", "no\n", "y\n"} {
		answer(no).expect(t, exitWrong, "Write yes", "nothing was changed")
	}
	if w.config(t).Name != "" {
		t.Fatal("it was made without a yes")
	}
	answer("yes\n").expect(t, 0, "applied, read back and verified")
	answer("").expect(t, 0, "no changes", "!Write yes")
}

// TestDatasourceIcons: icons are files of SVG or PNG by their content, or
// addresses; whatever else they are is found when the file is checked.
func TestDatasourceIcons(t *testing.T) {
	w := bare(t)
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>`
	var small, large bytes.Buffer
	if err := png.Encode(&small, image.NewNRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&large, image.NewNRGBA(image.Rect(0, 0, 5000, 5000))); err != nil {
		t.Fatal(err)
	}
	with := func(icon string) string {
		path := edited(t, "      datasourceCategory:", "      iconUrl: "+icon+"\n      datasourceCategory:")
		for name, data := range map[string]string{
			"a.svg": svg, "a.png": small.String(), "svg.png": svg, "large.png": large.String(), "cut.png": small.String()[:30], "bare.svg": "<svg/>", "cut.svg": svg[:60],
			"a.jpg": "\xff\xd8\xff\xe0", "empty.svg": "", "huge.svg": svg + strings.Repeat(" ", 300<<10),
		} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	for icon, want := range map[string]string{
		"${file:none.svg}":                     "does not exist",
		"${file:large.png}":                    "5000 × 5000 pixels",
		"${file:cut.png}":                      "cannot be decoded",
		"${file:bare.svg}":                     "no namespace",
		"${file:cut.svg}":                      "cannot be parsed",
		"${file:a.jpg}":                        "image/jpeg by its content",
		"${file:empty.svg}":                    "by its content",
		"${file:huge.svg}":                     "more than 256KiB",
		"${file:.}":                            "is a directory",
		"icons/a.svg":                          "neither an address nor a file",
		"x${file:a.svg}":                       "not a secret",
		"data:image/svg+xml;utf8,x":            "not in base64",
		"data:image/png;base64,?":              "cannot be decoded",
		"ftp://icons.example/a.svg":            "neither an address nor a file",
		"data:image/svg+xml;base64,/9j/4AAQ==": "cannot be decoded",
	} {
		c := w.pipe(t, "check", with("'"+icon+"'"))
		c.expect(t, exitWrong, want, "pipeline.yaml:", "iconUrl: ", "^^^")
	}
	for _, icon := range []string{"${file:a.svg}", "${file:a.png}", "${file:svg.png}", "https://icons.example/a.svg?x=1"} {
		path := with(icon)
		w.pipe(t, "datasource", "apply", "--yes", path).expect(t, 0, "iconUrl", "!base64")
		w.pipe(t, "datasource", "plan", path).expect(t, 0, "no changes")
		want := map[string]string{"${file:a.png}": "data:image/png;base64,", "https://icons.example/a.svg?x=1": "https://"}[icon]
		if want == "" {
			want = "data:image/svg+xml;base64,"
		}
		if got := w.config(t).IconURL; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.40s", icon, got)
		}
	}
	w.pipe(t, "config", with("${file:a.svg}")).expect(t, 0, "datasource.iconUrl", "a.svg}", "!base64")
}

// TestDatasourceTesters: the people who see a test datasource go through
// betausers, each time.
func TestDatasourceTesters(t *testing.T) {
	w := bare(t)
	path := edited(t, "      datasourceCategory:", "      isTestDatasource: true\n      testers: [ann@example.com, bob@example.com]\n      datasourceCategory:")
	w.pipe(t, "datasource", "apply", "--yes", path).expect(t, 0, "sent with each apply", "testers  ann@example.com, bob@example.com", "verified")
	if got := w.index().Testers; !slices.Equal(got, []string{"ann@example.com", "bob@example.com"}) || w.config(t).IsTestDatasource == nil {
		t.Errorf("%v", got)
	}
	w.pipe(t, "datasource", "plan", path).expect(t, 0, "no changes", "sent with each apply")
	fewer := edited(t, "      datasourceCategory:", "      isTestDatasource: true\n      testers: [bob@example.com]\n      datasourceCategory:")
	w.pipe(t, "datasource", "apply", fewer).expect(t, exitWrong, "--yes")
	w.pipe(t, "datasource", "apply", "--yes", fewer).expect(t, 0, "verified")
	if got := w.index().Testers; !slices.Equal(got, []string{"bob@example.com"}) {
		t.Errorf("%v", got)
	}
	w.glean.Fail(gleansandbox.Fault{Path: "betausers", Status: 400, Body: "emails: nobody of this name"})
	w.pipe(t, "datasource", "apply", "--yes", path).expect(t, exitWrong, "name the testers", "nobody of this name", "testers: [ann@example.com")
	w.pipe(t, "check", edited(t, "      datasourceCategory:", "      testers: [ann@example.com]\n      datasourceCategory:")).expect(t, exitWrong, "isTestDatasource: true")
	w.pipe(t, "check", edited(t, "      datasourceCategory:", "      isTestDatasource: true\n      testers:\n        - ann@example.com\n        - bob\n      datasourceCategory:")).expect(t, exitWrong, "a tester is an e-mail address", "- bob")
}

// TestDatasourceRefusals: what Glean refuses is shown with its reason and the
// line that it follows from.
func TestDatasourceRefusals(t *testing.T) {
	w := bare(t)
	lent := edited(t, "      datasourceCategory:", "      identityDatasourceName: people\n      datasourceCategory:")
	w.pipe(t, "datasource", "apply", "--yes", lent).expect(t, exitWrong, `there is no datasource "people"`, "identityDatasourceName: people", "^^^", "refused")
	for reason, want := range map[string]string{
		`objectDefinitions: component: uiFacetOrder of "lifecycle" is wrong`: "uiFacetOrder: 2",
		`object type "api" cannot be changed`:                                "name: api",
		`homeUrl is not reachable`:                                           "homeUrl is not written in the file",
		`quicklinks: "Browse the catalog": url: refused`:                     "url: /catalog",
		`something is wrong`:                                                 "datasource:",
	} {
		w.glean.Heal()
		w.glean.Fail(gleansandbox.Fault{Path: "adddatasource", Status: 400, Body: reason})
		w.pipe(t, "datasource", "apply", "--yes", shipped).expect(t, exitWrong, reason, want, "^", "backstage.yaml:")
		c := w.pipe(t, "datasource", "apply", "--yes", "--json", shipped)
		c.expect(t, exitWrong, `"ok": false`, "backstage.yaml:")
		w.pipe(t, "run", "--apply-datasource", "--progress", "none", shipped).expect(t, exitWrong, reason, "backstage.yaml:")
	}
	w.glean.Heal()
	w.glean.Fail(gleansandbox.Fault{Path: "adddatasource", Status: 401, Body: "Not Authorized"})
	w.pipe(t, "datasource", "apply", "--yes", shipped).expect(t, exitFailed, "401", "Not Authorized", "!backstage.yaml:")
	w.glean.Heal()
	w.glean.Fail(gleansandbox.Fault{Path: "adddatasource", LoseAnswer: true, Times: 1})
	w.pipe(t, "datasource", "apply", "--yes", shipped).expect(t, 0, "verified")
	w.glean.Fail(gleansandbox.Fault{Path: "getdatasourceconfig", Status: 403, Body: "no"})
	w.pipe(t, "datasource", "plan", shipped).expect(t, exitFailed, "403")
}

// TestDatasourceExport: what is exported applies to another Glean without a
// difference, icons and all, and nothing is overwritten unasked.
func TestDatasourceExport(t *testing.T) {
	w, other := bare(t), bare(t)
	path := edited(t, "      datasourceCategory:", "      suggestionText: \"a: b # ${NAME\\n second\"\n      iconUrl: ${file:a.svg}\n      aliases: [catalog, 'true']\n      trustUrlRegexForViewActivity: false\n      datasourceCategory:")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("# ${NAME"), []byte("# $${NAME"), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const svg = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "a.svg"), []byte(svg), 0o600); err != nil {
		t.Fatal(err)
	}
	w.pipe(t, "datasource", "export", path).expect(t, exitFailed, `Glean has no datasource "backstage"`)
	w.pipe(t, "datasource", "apply", "--yes", path).expect(t, 0)

	home := t.TempDir() // of another pipeline file
	pipeline := filepath.Join(home, "elsewhere.yaml")
	if err := os.WriteFile(pipeline, text, 0o600); err != nil { // whose icon is not there
		t.Fatal(err)
	}
	dir := filepath.Join(home, "exported")
	w.pipe(t, "datasource", "export", path, filepath.Join(filepath.Dir(path), "out")).expect(t, 0)
	w.pipe(t, "datasource", "export", "--set", "sink.glean.datasource.iconUrl=", pipeline, dir).expect(t, 0, "datasource.yaml", "icon.svg", "!note")
	w.pipe(t, "datasource", "export", "--set", "sink.glean.datasource.iconUrl=", pipeline, dir).expect(t, exitWrong, "is there already", "--force")
	w.pipe(t, "datasource", "export", "--set", "sink.glean.datasource.iconUrl=", pipeline, dir, "--force").expect(t, 0, "icon.svg")
	if b, err := os.ReadFile(filepath.Join(dir, "icon.svg")); err != nil || string(b) != svg {
		t.Errorf("%s, %v", b, err)
	}
	block, err := os.ReadFile(filepath.Join(dir, "datasource.yaml"))
	if err != nil || !strings.Contains(string(block), "iconUrl: ${file:exported/icon.svg}") || !strings.Contains(string(block), "trustUrlRegexForViewActivity: false") {
		t.Fatalf("%s, %v", block, err)
	}
	replaceBlock(t, pipeline, string(block))
	w.pipe(t, "datasource", "plan", pipeline).expect(t, 0, "no changes", "!kept")
	w.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "no changes")
	other.pipe(t, "datasource", "apply", "--yes", pipeline).expect(t, 0, "verified")
	other.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "no changes")
	a, b := w.config(t), other.config(t)
	if x, y := a.SuggestionText, b.SuggestionText; x != y || x != "a: b # ${NAME\n second" || a.IconURL != b.IconURL || !slices.Equal(a.Aliases, b.Aliases) {
		t.Errorf("%q and %q", x, y)
	}

	// Without a folder the block is printed, the icon within; another datasource by its name.
	printed := w.pipe(t, "datasource", "export", path)
	printed.expect(t, 0, "iconUrl: data:image/svg+xml;base64,")
	replaceBlock(t, pipeline, printed.stdout)
	w.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "no changes")
	second := w.config(t)
	second.Name, second.DisplayName, second.IsTestDatasource = "second", "The second", new(true)
	put(t, w, second)
	named := w.pipe(t, "datasource", "export", path, "--name", "second")
	named.expect(t, 0, "name: second", "displayName: The second", "Glean does not say who its testers are")
	replaceBlock(t, pipeline, named.stdout)
	w.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "datasource second: no changes")
	w.pipe(t, "datasource", "export", path, "--name", "third").expect(t, exitFailed, `no datasource "third"`)
}

// replaceBlock puts an exported block in the place of a file's own.
func replaceBlock(t *testing.T, path, block string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(b), "    datasource:")
	text := string(b[:i])
	for line := range strings.Lines(block) {
		text += "    " + line
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRunAppliesDatasource: a run applies nothing silently, and with the flag
// only after the guards.
func TestRunAppliesDatasource(t *testing.T) {
	w := bare(t)
	w.pipe(t, "run", shipped, "--progress", "none").expect(t, exitFailed, "pipe datasource apply", `no datasource "backstage"`)
	w.pipe(t, "run", shipped, "--progress", "none", "--dry-run", "--apply-datasource").expect(t, exitWrong, "--dry-run changes nothing", "datasource plan")
	w.pipe(t, "run", shipped, "--progress", "none", "--apply-datasource").expect(t, 0, "the datasource backstage was made")
	more := edited(t, "        - name: api\n          displayLabel: API", "        - name: endpoint\n          displayLabel: Endpoint\n        - name: api\n          displayLabel: API")
	before := len(w.index().Uploads)
	w.pipe(t, "run", more, "--progress", "none").expect(t, exitFailed, "object type endpoint is not defined in Glean", "pipe datasource apply")
	if len(w.index().Uploads) != before {
		t.Error("it uploaded all the same")
	}
	w.pipe(t, "run", more, "--progress", "none", "--apply-datasource").expect(t, 0, "was brought to what the file says, in 1 of its fields")
	w.pipe(t, "run", more, "--progress", "none", "--apply-datasource").expect(t, 0, "!was brought")
	w.pipe(t, "run", shipped, "--progress", "none").expect(t, 0)

	fresh := bare(t)
	fresh.backstage.Fail(backstagesandbox.Fault{Status: 401})
	if c := fresh.pipe(t, "run", shipped, "--progress", "none", "--apply-datasource"); c.code == 0 || fresh.config(t).Name != "" {
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
