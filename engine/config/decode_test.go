package config

import (
	"strings"
	"testing"
	"time"
)

// decodeText decodes a text that has no syntax problems.
func decodeText(t *testing.T, text string, into any, vars *Variables) (*Document, Problems) {
	t.Helper()
	doc, problems := Parse("p.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return doc, Decode(doc.Root(), into, vars)
}

const least = "version: 1\nname: x\nsource:\n  url: ${URL}\n"

func TestDefaults(t *testing.T) {
	var p pipeline
	_, problems := decodeText(t, least, &p, environment())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := p.Source
	if s.PageSize != 500 || s.Ratio != 0.5 || s.Mode != "fast" || s.Batch != 4<<20 || s.Timeout.D() != time.Minute ||
		s.Verify == nil || !*s.Verify || s.Plan != nil || p.Loss != 0.2 || p.Loss.Of(50) != 10 {
		t.Errorf("%+v", p)
	}
}

func TestFileOverDefaults(t *testing.T) {
	p := pipeline{Source: source{PageSize: 7, Mode: "careful", Kinds: map[string]bool{"User": true, "Group": true},
		Filters: []string{"a", "b"}}}
	_, problems := decodeText(t,
		least+"  page_size:\n  mode: fast\n  verify: false\n  kinds:\n    User: false\n    API:\n  filters: [c]\n  plan:\n"+
			"    key: ${TOKEN}\n", &p, environment())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := p.Source
	if s.PageSize != 7 || s.Mode != "fast" || *s.Verify || s.Kinds["User"] || !s.Kinds["Group"] || len(s.Kinds) != 2 ||
		strings.Join(s.Filters, "") != "c" || s.Plan.Window.D() != time.Hour || s.Plan.Key.Reveal() != canary {
		t.Errorf("%+v", s)
	}
}

func TestBooleansOfVariables(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "TRUE": true, "Yes": true, "on": true, "1": true,
		" true ": true,
		"false":  false, "no": false, "OFF": false, "0": false} {
		var into struct {
			B bool `yaml:"b" doc:"x"`
		}
		into.B = !want
		_, problems := decodeText(t, "b: ${V}", &into, &Variables{Lookup: func(string) (string, bool) { return value, true }})
		if len(problems) > 0 || into.B != want {
			t.Errorf("%q: %v %v", value, into.B, problems)
		}
		if want := strings.EqualFold(value, "true") || value == "false"; value != " true " {
			if _, problems := decodeText(t, "b: "+value, &into, nil); (len(problems) == 0) != want {
				t.Errorf("literal %q: %v", value, problems)
			}
		}
	}
}

func TestEmptyVariableIsAbsent(t *testing.T) {
	_, problems := decodeText(t, "version: ${EMPTY}\nname: x\nsource: {url: \"${URL}\"}\n", &pipeline{}, environment())
	if len(problems) != 1 || problems[0].Code != codeRequired {
		t.Error(problems)
	}
	var p pipeline
	_, problems = decodeText(t,
		least+"  kinds: {User: \"${EMPTY}\"}\n  page_size: ${EMPTY}\n  timeout: ${EMPTY}\n  verify: ${EMPTY}\n", &p,
		environment())
	if len(problems) > 0 || p.Source.PageSize != 500 || !*p.Source.Verify || len(p.Source.Kinds) > 0 {
		t.Errorf("%+v %v", p.Source, problems)
	}
}

// In lenient mode an unset variable is not a problem, and values that depend on it are
// neither missing nor invalid.
func TestLenient(t *testing.T) {
	vars := &Variables{Lenient: true, SkipSecrets: true, ReadFile: func(string) ([]byte, error) {
		t.Error("a file was read")
		return nil, nil
	}}
	var p pipeline
	doc, problems := decodeText(t, `
version: 1
name: ${NAME}
source:
  url: https://${HOST}
  mirror: ${MIRROR:-}
  page_size: ${SIZE}
  mode: ${MODE}
  token: ${file:token}
  kinds:
    User: ${USER}
  filters: [fixed, "${FILTER}"]
  plan:
    key: ${KEY}
  timeout: ${TIMEOUT:-5s}
`, &p, vars)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if s := p.Source; s.URL != "" || s.PageSize != 500 || s.Token.IsSet() || s.Timeout.D() != 5*time.Second ||
		len(s.Kinds) != 0 {
		t.Errorf("%+v", p)
	}
	for path, want := range map[string]bool{"name": true, "source": true, "source.url": true, "source.mirror": true,
		"source.token": true,
		"source.kinds": true, "source.filters.1": true, "source.filters.0": false, "source.timeout": false, "version": false,
		"sour": false, "": true} {
		if vars.Unresolved(path) != want {
			t.Errorf("%q: unresolved is %v", path, !want)
		}
	}
	path := doc.Root().Get("source").Get("plan").Get("key").Path()
	if vars.Unresolved("source.plan.key") != (path == "source.plan.key") {
		t.Error("paths differ")
	}
	_, problems = decodeText(t, least+"  mode: quick\n  plan: {}\n", &p, &Variables{Lenient: true, SkipSecrets: true})
	if len(problems) != 2 {
		t.Errorf("lenient forgives too much: %v", problems)
	}
}

func TestUsed(t *testing.T) {
	vars := environment()
	decodeText(t, "version: 1\nname: ${B:-${A}}\nsource:\n  url: ${URL}${B}\n  token: ${TOKEN:-${file:${DIR:-.}/token}}\n",
		&pipeline{}, vars)
	got := vars.Used()
	want := []Variable{
		{"A", false, false, false, "", Pos{"p.yaml", 2, 12}},
		{"B", false, false, false, "", Pos{"p.yaml", 2, 7}},
		{"DIR", false, true, false, ".", Pos{"p.yaml", 5, 26}},
		{"TOKEN", true, true, true, "", Pos{"p.yaml", 5, 10}},
		{"URL", true, false, false, "", Pos{"p.yaml", 4, 8}},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

// Reports of Validate about a field that already has a problem are ignored, and one report
// gives one problem.
func TestValidateAfterProblems(t *testing.T) {
	_, problems := decodeText(t, "version: 1\nname: x\nsource:\n  url: [a]\n  mirror: http://x\n", &pipeline{}, nil)
	if len(problems) != 1 || problems[0].Code != codeWrongKind {
		t.Error(problems)
	}
}

func TestDecodeOfNothing(t *testing.T) {
	var p plan
	problems := Decode(nil, &p, nil)
	if len(problems) != 1 || p.Window.D() != time.Hour {
		t.Error(problems, p)
	}
}
