package config

import (
	"strings"
	"testing"
)

// The mark ‸ is in the file at the position of the word TARGET of the expression.
func TestExpressionPos(t *testing.T) {
	for name, text := range map[string]string{
		"plain":         "a: x + TARGET\n",
		"accents":       "é: ééé + TARGET\n",
		"quoted":        "a: 'x + TARGET'\n",
		"double quoted": "a: \"x + TARGET\"\n",
		"literal":       "a: |\n  x +\n    TARGET\n",
		"literal blank": "a: |\n\n      x +\n\n      TARGET\n",
		"indicator":     "a: |2-\n    x +\n    TARGET\n",
		"list":          "- |\n  TARGET\n",
		"plain lines":   "a: x +\n    y + z\n   + TARGET\nb: 1\n",
		"folded":        "a: >\n  x +\n  y +\n  TARGET\n",
		"folded blank":  "a: >-\n\n    x +\n\n\n    y + TARGET\n",
		"folded deeper": "a: >\n  x +\n    y\n      + TARGET\n  z\n",
		"windows":       "a: |\r\n  x +\r\n  TARGET\r\n",
	} {
		doc, problems := Parse("p.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		n := doc.Root()
		if n.Kind() == Mapping {
			n = n.Entries()[0].Value
		} else {
			n = n.Items()[0]
		}
		var e Expression
		if problems := Decode(n, &e, nil); len(problems) > 0 {
			t.Fatal(problems)
		}
		before, _, ok := strings.Cut(e.Text, "TARGET")
		if !ok || e.Node() != n {
			t.Fatalf("%s: %q", name, e.Text)
		}
		line := strings.Count(before, "\n") + 1
		col := len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
		pos := e.Pos(line, col)
		if got := []rune(doc.line(pos.Line)); pos.Col < 1 ||
			!strings.HasPrefix(string(got[min(pos.Col-1, len(got)):]), "TARGET") {
			t.Errorf("%s: %d:%d is at %v", name, line, col, pos)
		}
	}
	if pos := NewExpression("x").Pos(1, 0); pos != (Pos{}) {
		t.Errorf("no file: %v", pos)
	}
}

func TestExpressionText(t *testing.T) {
	for text, want := range map[string]struct {
		text   string
		quoted bool
	}{
		"a: 1":                     {"1", false},
		"a: true":                  {"true", false},
		"a: 1.50":                  {"1.50", false},
		"a: null":                  {"", false},
		"a: ~":                     {"", false},
		"a:":                       {"", false},
		"a: ''":                    {"", true},
		"a: \"Hello\"":             {"Hello", true},
		"a: '\"team\"'":            {"\"team\"", true},
		"a: $${x}":                 {"", false},
		"a: x # a comment":         {"x", false},
		"a: f(x) # it's":           {"f(x)", false},
		"a: |\n  x # + 1\n  y\n\n": {"x # + 1\ny", false},
	} {
		var into struct {
			A Expression `yaml:"a" doc:"x"`
		}
		_, problems := decodeText(t, text, &into, nil)
		if (len(problems) > 0) != (text == "a: $${x}") || into.A.Text != want.text || into.A.IsSet() != (want.text != "") {
			t.Errorf("%s: %q %v", text, into.A.Text, problems)
		}
		if want.text != "" && into.A.Quoted() != want.quoted {
			t.Errorf("%s: quoted is %v", text, into.A.Quoted())
		}
	}
}

func TestExpressionOrList(t *testing.T) {
	for text, want := range map[string]ExpressionOrList{
		"a: x":               {Expression: Expression{Text: "x"}},
		"a: [x, \"${URL}\"]": {List: []string{"x", "https://backstage"}, IsList: true},
		"a: []":              {List: []string{}, IsList: true},
		"a:":                 {},
	} {
		var into struct {
			A ExpressionOrList `yaml:"a" doc:"x"`
		}
		_, problems := decodeText(t, text, &into, environment())
		got := into.A
		if len(problems) > 0 || got.Expression.Text != want.Expression.Text ||
			strings.Join(got.List, ",") != strings.Join(want.List, ",") ||
			got.IsList != want.IsList || got.IsSet() != (text != "a:") || (got.Node() == nil) != (text == "a:") {
			t.Errorf("%s: %+v %v", text, got, problems)
		}
	}
}
