package expression

import (
	"reflect"
	"testing"
)

func TestExamples(t *testing.T) {
	l := testLanguage(t)
	for _, f := range l.Functions() {
		if f.Doc == "" || f.Signature == "" || len(f.Examples) == 0 {
			t.Errorf("%s has no doc, signature or example", f.Name)
		}
		for _, e := range f.Examples {
			got, err := evaluate(t, l, e.Expr, e.Record)
			if err != nil || !reflect.DeepEqual(got, e.Result) {
				t.Errorf("%s = %#v, %v; want %#v", e.Expr, got, err, e.Result)
			}
		}
	}
}

func TestValues(t *testing.T) {
	for text, want := range map[string]any{
		`ref`:                                       "component:default/billing",
		`page`:                                      "https://backstage.example.com/component:default/billing",
		`page("x")`:                                 "https://backstage.example.com/x",
		`owner`:                                     "group:default/payments",
		`display(parent)`:                           "Money",
		`name`:                                      "Billing",
		`metadata.annotations[vars.visibility]`:     " Owner ",
		`vars.limit + 1`:                            11,
		`vars["limit"]`:                             10,
		`metadata.links[0].title`:                   "Docs",
		`metadata.links[-1].url`:                    "https://example.com/runbook",
		`metadata.links[7].url`:                     nil,
		`metadata.tags[spec.replicas - 2]`:          "payments",
		`metadata.nothing ?? 1`:                     "error",
		`metadata.labels.nothing.at.all`:            nil,
		`metadata.labels["no"]["such"] ?? "x"`:      "x",
		`spec?.profile?.displayName`:                "Billing service",
		`{"service": "Service"}[spec.type]`:         "Service",
		`{"service": "Service"}[spec.nothing]`:      nil,
		`kind | lower()`:                            "component",
		`let t = spec.type; t + "!"`:                "service!",
		`let m = metadata; m.name`:                  "billing",
		`first(metadata.links).title`:               "Docs",
		`metadata.tags[0:1]`:                        []any{"go"},
		`metadata.name[1:3]`:                        "il",
		`"größe"[2:4]`:                              "öß",
		`spec.nothing[1:]`:                          nil,
		`spec.replicas > 2 and spec.replicas <= 3`:  true,
		`1 < spec.replicas < 3`:                     false,
		`spec.type == "x" ? 1 : 2`:                  2,
		`if kind == "Component" { "c" } else { 1 }`: "c",
		`[kind, nil, 1.5]`:                          []any{"Component", nil, 1.5},
		`{"a": kind}`:                               map[string]any{"a": "Component"},
		`map(metadata.links, link(.title, .url))`:   []any{"Docs (https://example.com/docs)", "https://example.com/runbook"},
		`map(metadata.tags, #index)`:                []any{0, 1},
		`filter(relations, .type == "ownedBy")[1].targetRef`:       "user:default/ann",
		`any(relations, .type == "partOf" or .type == "x")`:        true,
		`sortBy(relations, .targetRef, "desc")[0].targetRef`:       "user:default/ann",
		`sum(metadata.tags, len(#))`:                               10,
		`spec.type matches "^ser.*e$"`:                             true,
		`"pay" in metadata.tags`:                                   false,
		`"tier" in metadata.labels`:                                true,
		`spec.replicas in [1, 3]`:                                  true,
		`metadata.tags not contains "x"`:                           "error",
		`metadata.annotations["backstage.io/orphan"] != "true"`:    true,
		`kind != "Location" or not (metadata.name startsWith "g")`: true,
		`(spec.a ?? spec.b) == nil`:                                true,
		`(kind == "x" ? nil : "y") == "y"`:                         true,
		`(kind == "Component" ? nil : "y") == "y"`:                 false,
		`-spec.replicas`:                                           -3.0,
		`spec.replicas / 2`:                                        1.5,
		`7 % 4`:                                                    3,
		`titlecase(spec.lifecycle)`:                                "Production",
		`plain(metadata.description)`:                              "Sends bills.\n\nSee docs (https://example.com).",
	} {
		l := testLanguage(t)
		if want == "error" {
			if _, err := l.Compile(text, WantAny); err == nil {
				t.Errorf("%s compiles", text)
			}
			continue
		}
		if got, err := evaluate(t, l, text, testEntity()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v; want %#v", text, got, err, want)
		}
	}
}

// TestNilSafe: an absent value is nil, through any number of members, except for operators.
func TestNilSafe(t *testing.T) {
	l := testLanguage(t)
	empty := map[string]any{"kind": "Component"}
	for text, want := range map[string]any{
		`metadata.annotations["x"]`:                        nil,
		`metadata.annotations["x"] == nil`:                 true,
		`metadata.annotations["x"] != "true"`:              true,
		`metadata.annotations[vars.visibility] in ["a"]`:   false,
		`nil in ["", "a"]`:                                 false,
		`"a" in metadata.tags`:                             false,
		`"a" in metadata.labels`:                           false,
		`map(metadata.links, .title)`:                      []any{},
		`filter(metadata.tags, # == "a")`:                  []any{},
		`any(metadata.tags, # == "a")`:                     false,
		`all(metadata.tags, # == "a")`:                     true,
		`none(metadata.tags, # == "a")`:                    true,
		`one(metadata.tags, # == "a")`:                     false,
		`count(metadata.tags, # == "a")`:                   0,
		`find(metadata.links, .title == "a").url`:          nil,
		`sum(metadata.tags)`:                               0,
		`sortBy(metadata.links, .title)`:                   []any{},
		`first(metadata.links).title`:                      nil,
		`lower(trim(metadata.annotations["x"])) in ["a"]`:  false,
		`lower(metadata.name)`:                             nil,
		`upper(titlecase(slug(sha256(plain(spec.x)))))`:    nil,
		`split(spec.x, ",")`:                               []any{},
		`join(spec.x)`:                                     nil,
		`concat(metadata.tags, spec.x)`:                    []any{},
		`keys(metadata.labels)`:                            []any{},
		`len(metadata.tags)`:                               0,
		`epoch(spec.x)`:                                    nil,
		`text(spec.x)`:                                     nil,
		`int(spec.x) ?? 1`:                                 1,
		`max(spec.x)`:                                      nil,
		`lines(metadata.description, metadata.tags)`:       nil,
		`entry("Owner", display(owner))`:                   nil,
		`bullets("Links", map(metadata.links, link(1,2)))`: nil,
		`metadata.tags[0]`:                                 nil,
		`metadata.links[0].url`:                            nil,
		`name`:                                             nil,
		`owner`:                                            nil,
	} {
		for _, record := range []map[string]any{empty, {"metadata": map[string]any{}, "spec": map[string]any{}}, nil} {
			if got, err := evaluate(t, l, text, record); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s = %#v, %v; want %#v", text, got, err, want)
			}
		}
	}
}

func TestRecordErrors(t *testing.T) {
	entity := testEntity()
	for _, test := range []struct {
		text    string
		record  map[string]any
		col     int
		message string
	}{
		{`metadata.annotations["x"] == nil`, with(entity, "metadata.annotations", []any{}), 21,
			"`metadata.annotations` is a list here, but an object is expected"},
		{`metadata.annotations["x"] == nil`, with(entity, "metadata", "text"), 9, "`metadata` is text here, but " +
			"an object is expected"},
		{`metadata.annotations[lower("X")] == nil`, with(entity, "metadata.annotations", []any{}), 0,
			"`metadata.annotations` is a list here: select an element by number"},
		{`spec.profile.email`, with(entity, "spec.profile", 5.0), 13, "`spec.profile` is a number here, but an " +
			"object is expected"},
		{`kind[0]`, entity, 5, "`kind` is text here, but a list is expected"},
		{`map(metadata.links, .title)`, with(entity, "metadata.links", map[string]any{}), 4,
			"`metadata.links` is an object here, but a list is expected"},
		{`map(metadata.links, .title)`, with(entity, "metadata.links", []any{"x"}), 21, "`#` is text here, but an " +
			"object is expected"},
		{`metadata.name startsWith "generated-"`, without(entity, "metadata.name"), 0, "`metadata.name` is missing here; write coalesce(metadata.name, \"\")"},
		{`metadata.name contains "a"`, with(entity, "metadata.name", 5.0), 0, "`metadata.name` is a number here, " +
			"but text is expected"},
		{`"x" + metadata.title`, without(entity, "metadata.title"), 6, "`metadata.title` is missing here; write coalesce(metadata.title, \"\")"},
		{`not metadata.annotations["a/x"]`, entity, 4, "`metadata.annotations[\"a/x\"]` is missing here; " +
			"write metadata.annotations[\"a/x\"] == true, or metadata.annotations[\"a/x\"] != nil"},
		{`spec.a and true`, entity, 0, "`spec.a` is missing here; write spec.a == true, or spec.a != nil"},
		{`spec.type ? 1 : 2`, entity, 0, "`spec.type` is text here, but true or false is expected"},
		{`spec.score > 5`, entity, 0, "`spec.score` is missing here; write (spec.score ?? 0)"},
		{`spec.score * 5`, entity, 0, "`spec.score` is missing here; write (spec.score ?? 0)"},
		{`filter(metadata.links, .title)`, entity, 23, "`.title` is text here, but true or false is expected"},
		{`any(metadata.links, .title startsWith "D" and .url == "")`, with(entity, "metadata.links", []any{map[string]any{}}), 20,
			"`.title` is missing here; write coalesce(.title, \"\")"},
		{`sortBy(metadata.links, .title)`, entity, 23, "`.title` is missing here; write coalesce(.title, \"\")"},
		{`lower(metadata.tags)`, entity, 0, "lower(…) takes text, but is given a list here"},
		{`kind + lower(metadata.tags)`, entity, 7, "lower(…) takes text, but is given a list here"},
		{`epoch(kind)`, entity, 0, "epoch(…) takes a time such as 2024-05-01T12:00:00Z, but is given another " +
			"text here"},
		{`"a" in kind`, entity, 7, "`kind` is text here, but a list or an object is expected"},
		{`spec.replicas in metadata.labels`, entity, 14, "the members of an object have text names"},
		{`broken()`, entity, 0, "broken(…): out of order"},
		{`1 / (spec.replicas - 3)`, entity, 0, "the result is not a finite number; is something divided by zero?"},
		{`[1, int(spec.replicas) % 0]`, entity, 23, "a number is divided by zero"},
		{`spec.type + spec.replicas`, entity, 10, "+ does not take text and a number"},
	} {
		l := testLanguage(t)
		_, err := evaluate(t, l, test.text, test.record)
		got, ok := err.(*RuntimeError)
		if !ok || got.Col != test.col || got.Line != 1 || got.Message != test.message {
			t.Errorf("%s: %#v\nwant %d: %s", test.text, err, test.col, test.message)
		}
	}
}

func TestConditions(t *testing.T) {
	l := testLanguage(t)
	r := l.NewRun()
	r.Start("x:y/z", testEntity(), nil)
	for text, want := range map[string]string{
		`kind == "Component"`:           "true",
		`spec.flag`:                     "`spec.flag` is missing",
		`spec.type`:                     "is text here",
		`hasPrefix(spec.nope, "a")`:     "is missing here",
		`any(metadata.tags, # == "no")`: "false",
	} {
		p, compileErr := l.Compile(text, WantCondition)
		if compileErr != nil {
			t.Fatal(compileErr)
		}
		got, err := r.True(p)
		switch {
		case want == "true" || want == "false":
			if err != nil || got != (want == "true") {
				t.Errorf("%s: %v, %v", text, got, err)
			}
		case err == nil || got:
			t.Errorf("%s: %v, %v; want an error", text, got, err)
		}
	}
}
