package pipeline_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/engine/run"
)

const file = `version: 1
name: test
source:
  catalog:
    url: ${CATALOG_URL}
mapping:
  users:
    when: kind == "User"
    fields:
      id: ref
  documents:
    when: kind in ["Component", "API"]
    fields:
      id: ref
permissions:
  default: all-users
sink:
  store:
    token: ${STORE_TOKEN}
`

func open(t *testing.T, k *pipelinetest.Kit, text string) (*pipeline.Definition, *component.Pipeline) {
	t.Helper()
	d := pipelinetest.Parse(text, k.Registry())
	if d.Problems.HasErrors() {
		t.Fatalf("%v\n%s", d.Problems, text)
	}
	p, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Cleanup(done)
	return d, p
}

// TestAcceptedRuns is invariant 9: a file that loads without errors can fail at run time only
// for single records, never as a whole and never with a panic.
func TestAcceptedRuns(t *testing.T) {
	loaded := 0
	for i := range 300 {
		e := pipelinetest.NewExpressions(i)
		block := func(text string) string { return "|\n      " + text + "\n" }
		text := strings.Replace(file, "      id: ref\n  documents", "      id: "+block("  "+e.Next())+"  documents", 1) +
			"define:\n  a: " + block(e.Next()) + "  b: " + block("coalesce(a, "+e.Next()+")") +
			"transforms:\n  - name: t\n    when: " + block(e.Condition()) + "    keep: " + block(e.Condition()+" or b == a")
		k := &pipelinetest.Kit{Records: pipelinetest.Records()}
		d := pipelinetest.Parse(text, k.Registry())
		if d.Problems.HasErrors() {
			continue
		}
		loaded++
		p, done, err := d.Open(component.Settings{})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		p.Limits.MaxRejected = component.Bound{Share: 1, Items: 1000}
		_, err = run.Run(t.Context(), p, run.Options{RunID: "r", Until: run.Reviewed})
		var refused *fault.Refusal
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%v\n%s", err, text)
		}
		done()
	}
	if loaded < 20 {
		t.Errorf("only %d files loaded", loaded)
	}
}

// TestConditional: `when` of a transform hides other records from it, and a record for which
// `when` fails is rejected with the field NAME.when.
func TestConditional(t *testing.T) {
	_, p := open(t, &pipelinetest.Kit{},
		file+"transforms:\n  - name: a\n    when: metadata.title == \"x\" or (spec.flag ?? false)\n"+
			"    keep: spec.fail == nil or lower(spec.fail) == \"\"\n")
	record := func(title string, spec map[string]any) *component.Record {
		return pipelinetest.Record(map[string]any{"kind": "API", "metadata": map[string]any{"name": "a", "title": title},
			"spec": spec})
	}
	bad := map[string]any{"fail": []any{}}
	out, err := p.Transforms[0].Apply(t.Context(), component.NewWorker(p.Language, nil), []*component.Record{
		record("hidden", bad), record("x", bad), record("x", nil), record("hidden", map[string]any{"flag": "yes"}),
		record("hidden", nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "takes text", "", "a.when: ", ""} {
		if got := out[i].Err; (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
			t.Errorf("record %d: %v, want %q", i, got, want)
		}
	}
	if p.Transforms[0].Name() != "a" {
		t.Error("the name is lost")
	}
}

// TestConditionalCounts: a transform that returns too few outcomes does not shift the outcomes
// of other records.
func TestConditionalCounts(t *testing.T) {
	k := &pipelinetest.Kit{}
	r := k.Registry()
	r.Transforms[1].New = func(any, component.TransformSettings) component.Transform { return forgetful{} }
	d := pipelinetest.Parse(file+"transforms:\n  - name: a\n    when: kind == \"API\"\n    note: {text: x}\n", r)
	p, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	record := pipelinetest.Record(map[string]any{"kind": "API"})
	if _, err := p.Transforms[0].Apply(t.Context(), component.NewWorker(p.Language, nil),
		[]*component.Record{record, record}); err == nil {
		t.Error("one outcome for two records is fine with it")
	}
}

type forgetful struct{}

func (forgetful) Name() string { return "forgetful" }

func (forgetful) Apply(context.Context, *component.Worker, []*component.Record) ([]component.Outcome, error) {
	return make([]component.Outcome, 1), nil
}

// TestUnwritten covers each reason why a stream is not written.
func TestUnwritten(t *testing.T) {
	for name, c := range map[string]struct {
		text, stream, want string
		only               []string
	}{
		"written":     {file, "users", "", nil},
		"no mapping":  {file, "groups", "no mapping for groups", nil},
		"in only":     {file, "users", "", []string{"users"}},
		"not in only": {file, "documents", "documents not in --only", []string{"users"}},
		"off": {strings.Replace(file, "mapping:", "    kinds:\n      User: false\nmapping:", 1), "users",
			"User switched off", nil},
		"one of two off": {strings.Replace(file, "mapping:", "    kinds:\n      API: false\nmapping:", 1), "documents", "",
			nil},
		"both off": {strings.Replace(file, "mapping:",
			"    kinds:\n      API: false\n      Component: false\nmapping:", 1), "documents",
			"no kind that feeds documents is read", nil},
		"a misspelt kind":  {strings.Replace(file, `"User"`, `"Usr"`, 1), "users", "no kind that feeds users is read", nil},
		"nothing excluded": {strings.Replace(file, "    when: kind == \"User\"\n", "", 1), "users", "", nil},
	} {
		d := pipeline.Parse("f", []byte(c.text),
			pipeline.Options{Registry: new(pipelinetest.Kit).Registry(), Variables: pipelinetest.Variables(), Only: c.only})
		p, done, err := d.Open(component.Settings{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := p.Unwritten(c.stream); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		done()
	}
}

// TestElsewhere: a stream that the sink gets from another system is mapped but not written, and
// no warning asks for it.
func TestElsewhere(t *testing.T) {
	k := &pipelinetest.Kit{}
	r := k.Registry()
	r.Sinks[0].Streams = func(any) []component.Stream {
		streams := pipelinetest.Streams()
		streams[0].Elsewhere, streams[1].Elsewhere = "known from elsewhere", "known from elsewhere"
		return streams
	}
	d := pipelinetest.Parse(file, r)
	p, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if users, groups := p.Unwritten("users"), p.Unwritten("groups"); users != "known from elsewhere" ||
		groups != "no mapping for groups" {
		t.Errorf("%q, %q", users, groups)
	}
	if strings.Contains(d.Problems.Error(), "identities-off") {
		t.Error(d.Problems)
	}
}

// TestSettings: a path below @source or @sink is below the component's block, and its value is
// taken literally; variables in other values are replaced.
func TestSettings(t *testing.T) {
	text := strings.Replace(strings.Replace(file, "${CATALOG_URL}", "${NOT_SET}", 1), "${STORE_TOKEN}", "${NOT_SET}", 1)
	d := pipeline.Parse("f", []byte(text),
		pipeline.Options{Registry: new(pipelinetest.Kit).Registry(), Settings: []pipeline.Setting{
			{Path: "@source.url", Value: "http://127.0.0.1/${HOME}"}, {Path: "@source.page_size", Value: "7"},
			{Path: "@sink.token", Value: "t"}, {Path: "name", Value: "other"},
			{Path: "mapping.users.when", Value: `kind == "Group"`}, {Path: "limits.batch.records", Value: "${RECORDS}"},
		}, Variables: config.Variables{Lookup: func(name string) (string, bool) { return "3", name == "RECORDS" }}})
	if d.Problems.HasErrors() {
		t.Fatal(d.Problems)
	}
	source := d.SourceCfg.(*pipelinetest.Source)
	if source.URL != "http://127.0.0.1/${HOME}" || source.Pages != 7 || d.File.Name != "other" ||
		!d.SinkCfg.(*pipelinetest.Sink).Token.IsSet() || d.File.Limits.Batch.Records != 3 {
		t.Errorf("%+v %+v", source, d.File)
	}
	if !slices.Equal(d.Facts[0].Kinds, []string{"Group"}) {
		t.Error(d.Facts[0])
	}
}

// TestRulesHash: whatever decides about records and their access changes the hash, wherever it is
// written; nothing else does.
func TestRulesHash(t *testing.T) {
	variables := map[string]string{"CATALOG_URL": "https://a.example.com", "STORE_TOKEN": "a"}
	hash := func(text string, variables map[string]string, settings ...pipeline.Setting) string {
		t.Helper()
		d := pipeline.Parse("test.yaml", []byte(text), pipeline.Options{Registry: (&pipelinetest.Kit{}).Registry(),
			Settings: settings, Variables: config.Variables{Lookup: func(name string) (string, bool) {
				v, ok := variables[name]
				return v, ok
			}}})
		if d.Problems.HasErrors() {
			t.Fatal(d.Problems)
		}
		return d.RulesHash()
	}
	with := func(name, value string) map[string]string {
		out := maps.Clone(variables)
		out[name] = value
		return out
	}
	base := hash(file, variables)
	for name, other := range map[string]string{
		"a comment":               hash("# a comment\n"+file, variables),
		"the description":         hash(file+"description: Other.\n", variables),
		"the schedule":            hash(file+"schedule:\n  - cron: \"30 12 * * *\"\n", variables),
		"a secret":                hash(file, with("STORE_TOKEN", "b")),
		"a variable of no use":    hash(file, with("OTHER", "b")),
		"a setting of a sandbox":  hash(file, variables, pipeline.Setting{Path: "@source.page_size", Value: "7"}),
		"a setting that is equal": hash(file, variables, pipeline.Setting{Path: "permissions.default", Value: "all-users"}),
	} {
		if other != base {
			t.Errorf("%s changes the hash", name)
		}
	}
	for name, other := range map[string]string{
		"a rule":     hash(strings.Replace(file, "default: all-users", "default: none", 1), variables),
		"a mapping":  hash(strings.Replace(file, "id: ref\nperm", "id: kind\nperm", 1), variables),
		"a guard":    hash(file+"guards:\n  max_widen: 50%\n", variables),
		"a limit":    hash(file+"limits:\n  workers: 3\n", variables),
		"publish":    hash(file+"publish:\n  mode: full\n", variables),
		"a variable": hash(file, with("CATALOG_URL", "https://b.example.com")),
		"a setting":  hash(file, variables, pipeline.Setting{Path: "permissions.default", Value: "none"}),
		"the source": hash(strings.Replace(file, "url: ${CATALOG_URL}", "url: https://c.example.com", 1), variables),
	} {
		if other == base {
			t.Errorf("%s does not change the hash", name)
		}
	}
}

// TestAuditKeep: the ledger is kept for 400 days, or as long as the file says.
func TestAuditKeep(t *testing.T) {
	for text, days := range map[string]int{"": 400, "audit: {keep: 90d}\n": 90} {
		k := &pipelinetest.Kit{}
		p, done, err := pipelinetest.Parse(file+text, k.Registry()).Open(component.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		if p.KeepAudit != time.Duration(days)*24*time.Hour {
			t.Errorf("%q: %s", text, p.KeepAudit)
		}
		done()
	}
}

// TestSinkLenient: with SinkLenient, only settings of the sink may be missing.
func TestSinkLenient(t *testing.T) {
	set := map[string]string{"CATALOG_URL": "http://localhost"}
	o := pipeline.Options{Registry: new(pipelinetest.Kit).Registry(), SinkLenient: true,
		Variables: config.Variables{Lookup: func(name string) (string, bool) {
			v, ok := set[name]
			return v, ok
		}}}
	d := pipeline.Parse("f", []byte(file), o)
	if d.Problems.HasErrors() || len(d.SinkMissing) == 0 {
		t.Error(d.Problems, d.SinkMissing)
	}
	// The blocks after the sink are strict again: permissions (invariant 2).
	d = pipeline.Parse("f", []byte(strings.Replace(file, "default: all-users", "default: ${WHO}", 1)), o)
	if !strings.Contains(d.Problems.Error(), "WHO is not set") {
		t.Error(d.Problems)
	}
	clear(set)
	if d = pipeline.Parse("f", []byte(file), o); len(d.Problems.Errors()) != 1 ||
		!strings.Contains(d.Problems.Error(), "CATALOG_URL is not set") {
		t.Error(d.Problems)
	}
	o.SinkLenient = false
	if d = pipeline.Parse("f", []byte(file), o); len(d.Problems.Errors()) != 2 {
		t.Error(d.Problems)
	}
	var names []string
	for _, v := range d.Variables {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"CATALOG_URL", "STORE_TOKEN"}) {
		t.Error(names)
	}
}

// TestKnown: the text of a program for a kind is known when the program reads nothing else of
// the record.
func TestKnown(t *testing.T) {
	got := map[string]string{}
	k := &pipelinetest.Kit{}
	r := k.Registry()
	r.Transforms[1].New = func(_ any, s component.TransformSettings) component.Transform {
		for _, text := range []string{`lower(kind)`, `"team"`, `kind == "API" ? "api" : "other"`, `ref`, `display(ref)`, `display("a:b/c")`, `page`, `metadata.name`, `nil`, `5`, `a`, `b`, `len(kind) / 0`, `vars.v`} {
			if v, ok := s.Known(s.Compile(config.NewExpression(text), expression.WantAny), "kind", "API"); ok {
				got[text] = v
			}
		}
		return forgetful{}
	}
	d := pipelinetest.Parse(file+
		"vars:\n  v: w\ndefine:\n  a: upper(kind)\n  b: metadata.title\ntransforms:\n  - name: a\n    note:\n      text: x\n",
		r)
	want := map[string]string{`lower(kind)`: "api", `"team"`: "team", `kind == "API" ? "api" : "other"`: "api", `a`: "API", `vars.v`: "w"}
	if d.Problems.HasErrors() || !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v\n%v", got, want, d.Problems)
	}
}

// TestOpen: a definition with errors cannot be opened; one without errors can be opened
// repeatedly, because its problems are only those of the file.
func TestOpen(t *testing.T) {
	d := pipelinetest.Parse(strings.Replace(file, "ref", "rf", 1), new(pipelinetest.Kit).Registry())
	if p, _, err := d.Open(component.Settings{}); p != nil || err == nil {
		t.Error("opened with errors")
	}
	k := &pipelinetest.Kit{}
	r := k.Registry()
	r.Sinks[0].Open = func(any, component.Settings) (component.Sink, error) { return nil, errors.New("no certificate") }
	if _, _, err := pipelinetest.Parse(file, r).Open(component.Settings{}); err == nil ||
		err.Error() != "sink.store: no certificate" {
		t.Error(err)
	}
}

func TestSpec(t *testing.T) {
	if err := config.CheckSpec(&pipeline.File{}); err != nil {
		t.Error(err)
	}
}
