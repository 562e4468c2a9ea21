package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// odd is an entity that no validator would let pass. Either it is rejected,
// for a field and with a reason, or delivered, and then looks as it should.
type odd struct {
	json     string
	ref      string // "" when it is component:default/NAME
	rejected string // stage or field, or a part of them
	withheld bool
	looks    func(gleanapi.Document) bool
}

// aComponent returns a component that is owned by a team and open to everyone, with unusual
// metadata or additional members.
func aComponent(name, metadata, more string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Component","metadata":{"name":%q%s},"spec":{"type":"service","owner":"team"},"relations":[{"type":"ownedBy","targetRef":"group:default/team"}]%s}`, name, metadata, more)
}

func titled(want string) func(gleanapi.Document) bool {
	return func(d gleanapi.Document) bool { return d.Title == want }
}

func property(d gleanapi.Document, name string) any {
	for _, p := range d.CustomProperties {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

var odds = map[string]odd{
	"no-spec":           {json: `{"kind":"Component","metadata":{"name":"no-spec"},"relations":[]}`, looks: func(d gleanapi.Document) bool { return property(d, "type") == nil }},
	"null-spec":         {json: `{"kind":"Component","metadata":{"name":"null-spec"},"spec":null,"relations":null}`, looks: titled("null-spec")},
	"spec-is-text":      {json: `{"kind":"Component","metadata":{"name":"spec-is-text"},"spec":"service"}`, rejected: "documents.title"},
	"no-relations":      {json: `{"kind":"Component","metadata":{"name":"no-relations"},"spec":{"type":"x"}}`, looks: func(d gleanapi.Document) bool { return property(d, "owner") == nil }},
	"relations-object":  {json: aComponent("relations-object", "", `,"relations":{}`), rejected: "read"},
	"no-kind-of-target": {json: `{"kind":"Component","metadata":{"name":"no-kind-of-target"},"relations":[{"type":"ownedBy"}]}`, rejected: "relations[0].targetRef"},
	"relation-is-text":  {json: `{"kind":"Component","metadata":{"name":"relation-is-text"},"relations":["ownedBy"]}`, rejected: "relations[0]"},
	"null-relations":    {json: `{"kind":"Component","metadata":{"name":"null-relations"},"relations":[null]}`, rejected: "relations[0]"},
	"no name":           {json: `{"kind":"Component","metadata":{"title":"Nameless"},"spec":{}}`, ref: "component:default/(no name,", rejected: "metadata.name"},
	"empty name":        {json: `{"kind":"Component","metadata":{"name":"","title":"Empty"},"spec":{}}`, ref: "component:default/(no name,", rejected: "metadata.name"},
	"name is a number":  {json: `{"kind":"Component","metadata":{"name":7},"spec":{}}`, ref: "component:default/(no name,", rejected: "metadata.name"},
	"namespace-number":  {json: aComponent("namespace-number", `,"namespace":5`, ""), rejected: "metadata.namespace"},
	"namespace-null": {json: aComponent("namespace-null", `,"namespace":null`, ""), looks: func(d gleanapi.Document) bool {
		return property(d, "namespace") == "default"
	}},

	"title-number":       {json: aComponent("title-number", `,"title":5`, ""), looks: titled("5")},
	"title-list":         {json: aComponent("title-list", `,"title":["a"]`, ""), rejected: "documents.title"},
	"title-null":         {json: aComponent("title-null", `,"title":null`, ""), looks: titled("title-null")},
	"title-empty":        {json: aComponent("title-empty", `,"title":""`, ""), looks: titled("title-empty")},
	"description-list":   {json: aComponent("description-list", `,"description":[]`, ""), rejected: "documents.summary"},
	"description-object": {json: aComponent("description-object", `,"description":{"a":1}`, ""), rejected: "documents.summary"},
	"description-number": {json: aComponent("description-number", `,"description":7.5`, ""), looks: func(d gleanapi.Document) bool {
		return strings.Contains(d.Body.TextContent, "7.5")
	}},
	"description-long": {json: aComponent("description-long", `,"description":"`+strings.Repeat("word ", 120<<10)+`"`, ""),
		looks: func(d gleanapi.Document) bool { return strings.Count(d.Body.TextContent, "word") == 120<<10 }},
	"tags-text":       {json: aComponent("tags-text", `,"tags":"x"`, ""), looks: tagged("x")},
	"tags-mixed":      {json: aComponent("tags-mixed", `,"tags":[1,null,"a","",true]`, ""), looks: tagged("1", "a", "true")},
	"tags-null":       {json: aComponent("tags-null", `,"tags":null`, ""), looks: tagged()},
	"tags-object":     {json: aComponent("tags-object", `,"tags":{"a":1}`, ""), rejected: "documents.tags"},
	"tags-nested":     {json: aComponent("tags-nested", `,"tags":[["a"]]`, ""), rejected: "documents.tags"},
	"links-null":      {json: aComponent("links-null", `,"links":null`, ""), looks: titled("links-null")},
	"links-empty":     {json: aComponent("links-empty", `,"links":[{}]`, ""), looks: titled("links-empty")},
	"links-of-null":   {json: aComponent("links-of-null", `,"links":[null]`, ""), looks: titled("links-of-null")},
	"links-of-texts":  {json: aComponent("links-of-texts", `,"links":["https://example.com"]`, ""), rejected: "documents.body"},
	"links-object":    {json: aComponent("links-object", `,"links":{"url":"https://example.com"}`, ""), rejected: "documents.body"},
	"labels-number":   {json: aComponent("labels-number", `,"labels":5`, ""), rejected: "private to its owners"},
	"type-is-a-list":  {json: `{"kind":"Component","metadata":{"name":"type-is-a-list"},"spec":{"type":["a","b"]}}`, rejected: "customProperties.type"},
	"type-is-a-truth": {json: `{"kind":"Component","metadata":{"name":"type-is-a-truth"},"spec":{"type":true}}`, looks: func(d gleanapi.Document) bool { return property(d, "type") == "true" }},

	// Members that decide who may find it: an unreadable one must not publish (invariant 2).
	"annotations-null":   {json: aComponent("annotations-null", `,"annotations":null`, ""), looks: titled("annotations-null")},
	"annotations-empty":  {json: aComponent("annotations-empty", `,"annotations":{}`, ""), looks: titled("annotations-empty")},
	"annotations-list":   {json: aComponent("annotations-list", `,"annotations":[]`, ""), rejected: "not orphaned"},
	"annotations-text":   {json: aComponent("annotations-text", `,"annotations":"glean.com/visibility=private"`, ""), rejected: "not orphaned"},
	"annotations-number": {json: aComponent("annotations-number", `,"annotations":0`, ""), rejected: "not orphaned"},
	"annotations-false":  {json: aComponent("annotations-false", `,"annotations":false`, ""), rejected: "not orphaned"},
	"mark-false":         {json: aComponent("mark-false", `,"annotations":{"glean.com/visibility":false}`, ""), withheld: true},
	"mark-number":        {json: aComponent("mark-number", `,"annotations":{"glean.com/visibility":1}`, ""), withheld: true},
	"mark-list":          {json: aComponent("mark-list", `,"annotations":{"glean.com/visibility":["private"]}`, ""), rejected: "private to its owners"},
	"mark-object":        {json: aComponent("mark-object", `,"annotations":{"glean.com/visibility":{"a":"private"}}`, ""), rejected: "private to its owners"},
	"mark-empty":         {json: aComponent("mark-empty", `,"annotations":{"glean.com/visibility":""}`, ""), withheld: true},
	"mark-misspelt":      {json: aComponent("mark-misspelt", `,"annotations":{"glean.com/visibility":"privat"}`, ""), withheld: true},
	"mark-null":          {json: aComponent("mark-null", `,"annotations":{"glean.com/visibility":null}`, ""), withheld: true},
	"mark-in-other-case": {json: aComponent("mark-in-other-case", `,"annotations":{"Glean.com/VISIBILITY":"privat"}`, ""), withheld: true},
	"mark-as-label":      {json: aComponent("mark-as-label", `,"labels":{"glean.com/visibility":"privat"}`, ""), withheld: true},
	"mark-in-odd-case":   {json: aComponent("mark-in-odd-case", `,"annotations":{"glean.com/visibility":" PriVate\t"}`, ""), looks: private},

	"emoji": {json: aComponent("emoji", `,"title":"👩‍💻🚀 \u200fשלום مرحبا","description":"𝔘𝔫𝔦 \ud83d\ude80 \ufeffBOM"`, ""), looks: titled("👩‍💻🚀 \u200fשלום مرحبا")},
	"nul": {json: aComponent("nul", `,"title":"a\u0000b\u0007c","description":"x\u0000y"`, ""), looks: func(d gleanapi.Document) bool {
		return utf8.ValidString(d.Title) && strings.HasPrefix(d.Title, "a")
	}},
	"surrogate": {json: aComponent("surrogate", `,"title":"a\ud83d b","description":"\udc00"`, ""), looks: func(d gleanapi.Document) bool {
		return utf8.ValidString(d.Title)
	}},
	"not-utf-8": {json: aComponent("not-utf-8", ",\"title\":\"a\xff\xfeb\"", ""), looks: func(d gleanapi.Document) bool {
		return utf8.ValidString(d.Title)
	}},

	"Upper-Case": {json: aComponent("Upper-Case", "", ""), ref: "component:default/upper-case",
		looks: titled("Upper-Case")},
	"odd kind":     {json: `{"kind":"cOmPonent","metadata":{"name":"odd-kind","namespace":"Edge"},"spec":{"type":"x"}}`, ref: "component:edge/odd-kind", looks: titled("odd-kind")},
	"system-kind":  {json: `{"kind":"SYSTEM","metadata":{"name":"shouted"}}`, ref: "system:default/shouted", looks: titled("shouted")},
	"extra-fields": {json: aComponent("extra-fields", `,"uid":5,"etag":[],"x":{"y":1}`, `,"status":"broken","y":[1,[2,[3]]]`), looks: titled("extra-fields")},
}

func tagged(want ...string) func(gleanapi.Document) bool {
	return func(d gleanapi.Document) bool { return strings.Join(d.Tags, " ") == strings.Join(want, " ") }
}

func private(d gleanapi.Document) bool {
	return !d.Permissions.AllowAllDatasourceUsersAccess && !d.Permissions.AllowAnonymousAccess &&
		len(d.Permissions.AllowedGroups) == 1 && d.Permissions.AllowedGroups[0] == "group:default/team"
}

// TestOddEntities: each odd entity is delivered as well as possible, or rejected alone;
// other entities are not affected.
func TestOddEntities(t *testing.T) {
	t.Parallel()
	raw := [][]byte{
		[]byte(`{"kind":"Group","metadata":{"name":"team","title":"Team"},"spec":{"type":"team"},"relations":[{"type":"hasMember","targetRef":"user:default/ann"}]}`),
		[]byte(`{"kind":"User","metadata":{"name":"ann"},"spec":{"profile":{"email":"ann@example.com"}}}`),
	}
	for name := range odds {
		raw = append(raw, []byte(odds[name].json))
	}
	for i := range 100 {
		raw = append(raw, []byte(aComponent(fmt.Sprintf("plain-%d", i), "", "")))
	}
	w := newWorld(t, backstagesandbox.Options{Entities: raw}, gleansandbox.Options{})
	out := t.TempDir()
	c := w.pipe(t, "run", "--json", "--output", out, shipped)
	if c.code != int(job.Rejected) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	r, index := runReport(t, c), w.index()
	letters := deadLetters(t, out)
	rejected, withheld := 0, 0
	for name, o := range odds {
		ref := o.ref
		if ref == "" {
			ref = "component:default/" + name
		}
		d, there := index.Document(ref)
		letter, has := letterFor(letters, ref, o.rejected)
		switch {
		case o.rejected != "":
			rejected++
			if there || !has || letter.Reason == "" {
				t.Errorf("%s: in the index %t; rejected for %q wanted, and the dead letters are %+v", name, there, o.rejected,
					lettersOf(letters, ref))
			}
		case o.withheld:
			withheld++
			if there || has {
				t.Errorf("%s: in the index %t, rejected %t", name, there, has)
			}
		case !there:
			t.Errorf("%s is not in the index: %+v", name, letter)
		case !o.looks(d):
			t.Errorf("%s looks wrong: %.500s", name, fmt.Sprintf("%+v", d))
		}
	}
	if r.Data.Endings["rejected"] != rejected || len(letters) != rejected || r.Data.Endings["withheld"] != withheld {
		t.Errorf("endings %v, %d dead letters; %d are to be rejected, %d withheld", r.Data.Endings, len(letters), rejected,
			withheld)
	}
	for i := range 100 {
		if ref := fmt.Sprintf("component:default/plain-%d", i); len(index.WhoFinds(ref)) != 1 {
			t.Errorf("%s is found by %v", ref, index.WhoFinds(ref))
		}
	}
}

func deadLetters(t *testing.T, dir string) (out []component.DeadLetter) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "rejected.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var d component.DeadLetter
		if err := codec.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

func lettersOf(all []component.DeadLetter, ref string) (out []component.DeadLetter) {
	for _, d := range all {
		if strings.HasPrefix(d.Ref, ref) {
			out = append(out, d)
		}
	}
	return out
}

// letterFor finds the dead letter of a ref that names a field.
func letterFor(all []component.DeadLetter, ref, field string) (component.DeadLetter, bool) {
	for _, d := range lettersOf(all, ref) {
		if strings.Contains(string(d.Stage)+" "+d.Field, field) {
			return d, true
		}
	}
	return component.DeadLetter{}, false
}
