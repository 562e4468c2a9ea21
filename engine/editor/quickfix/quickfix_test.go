package quickfix

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// marked returns the text without the «» around what a problem marks, and the problem.
func marked(t *testing.T, s, code, hint string) (string, config.Problem) {
	t.Helper()
	before, rest, ok := strings.Cut(s, "«")
	inside, after, closed := strings.Cut(rest, "»")
	if !ok || !closed {
		t.Fatalf("no mark in %q", s)
	}
	s = before + inside + after
	line, col := text.New(s).PlaceOf(len(before))
	return s, config.Problem{Pos: config.Pos{File: "x.yaml", Line: line, Col: col}, Width: len([]rune(inside)),
		Code: code, Message: "wrong", Hint: hint}
}

// TestForms: each form of hint has the fix that gives the wanted text, and nothing else is changed.
func TestForms(t *testing.T) {
	for name, one := range map[string]struct{ hint, text, want string }{
		"meant":            {"did you mean title?", "  «titel»: name # why\n", "  title: name # why\n"},
		"meant, two":       {"did you mean owner or other?", "a: «ownr»\n", "a: other\n"},
		"meant, in quotes": {"did you mean Component?", "a: kind == «\"Componnt\"»\n", "a: kind == \"Component\"\n"},
		"after an emoji":   {"did you mean name?", "a: \"😀\" + «nmae»\n", "a: \"😀\" + name\n"},
		"one of":           {"write one of: stop, tighten", "a: «stopp» # x\n", "a: tighten # x\n"},
		"column":           {"start it in column 3", "a:\n    «b»: 1\n    c: 2\n", "a:\n  b: 1\n    c: 2\n"},
		"column, all":      {"start it in column 3", "a:\n    «b»:\n      c: 2\nd: 1\n", "a:\n  b:\n    c: 2\nd: 1\n"},
		"tabs":             {"indent with spaces", "a:\n  b: 1\n«\t»c: 2\n", "a:\n  b: 1\n  c: 2\n"},
		"quoted":           {"for the text write '\"team\"'", "a: «team»\n", "a: '\"team\"'\n"},
		"brackets": {"write it in square brackets: [\"a\", \"b\"]", "a: kind in «(\"a\", \"b\")»\n",
			"a: kind in [\"a\", \"b\"]\n"},
		"a ref": {"if a is a ref, write display(owner)", "a: «owner».title\n", "a: display(owner).title\n"},
		"condition": {"write x == true, or write x != nil for whether it is there", "a: «x» and y\n",
			"a: x != nil and y\n"},
		"https": {"write https://; the token is sent as it is", "a: «http://x.example.com»\n",
			"a: https://x.example.com\n"},
		"scheme": {"write http:// or https:// and a host", "a: «x.example.com» # x\n",
			"a: https://x.example.com # x\n"},
		"colon":   {"write name: …", "a:\n  «name» x\n", "a:\n  name: x\n"},
		"default": {"write ${X:-…}", "a: «${X:5}»\n", "a: ${X:-5}\n"},
		"braces":  {"write names without {{ }}", "a: «{{ name }}»\n", "a: name\n"},
		"values": {"for the values write metadata.tags; put literal texts in quotes", "a:  «x» # why\n",
			"a:  metadata.tags # why\n"},
		"dash": {"start each item with a dash: - name: x", "a:\n  «b»: 1\n  c: 2\n\nd: 3\n", "a:\n" +
			"  - b: 1\n    c: 2\n\nd: 3\n"},
		"principals": {"write users: or groups: below allow", "a: «[\"group:x\"]»\n",
			"a: {groups: [\"group:x\"]}\n"},
		"closed":        {"check for a missing bracket", "a: len(first(x[0]«»\n", "a: len(first(x[0]))\n"},
		"number":        {"wrap the number in text(…)", "a: \"n\" «+» 5 # n\n", "a: \"n\" + text(5) # n\n"},
		"number before": {"wrap the number in text(…)", "a: 5 «+» name\n", "a: text(5) + name\n"},
		"text":          {"wrap it in text(…)", "a: «len(x)» # n\n", "a: text(len(x)) # n\n"},
		"element":       {"take one element with first(…), or join them", "a: «x»\n", "a: join(x, \", \")\n"},
		"lambda":        {"# is the element: write map(x, #)", "a: map(x, y «=>» y.z)\n", "a: 'map(x, #.z)'\n"},
		"yaml quotes":   {"put quotes around an expression with # in it", "a: «{x}»\n", "a: '{x}'\n"},
		"duration":      {"write 5s for seconds, 5m for minutes or 5d for days", "a: «5» # x\n", "a: 5d # x\n"},
		"size":          {"write 4B for bytes, or use KB, KiB, MB, MiB, GB, GiB", "a: «4»\n", "a: 4MiB\n"},
		"date, dots":    {"write year, month and day, as 2027-01-31", "a: «1.12.2027»\n", "a: 2027-12-01\n"},
		"date, slashes": {"write year, month and day, as 2027-01-31", "a: «12/31/2027»\n", "a: 2027-12-31\n"},
		"date, order":   {"write year, month and day, as 2027-01-31", "a: «2027/1/31»\n", "a: 2027-01-31\n"},
		"variable": {"define it under vars and write vars.NAME here", "vars: # x\n    b: 1\n" +
			"a: x == \"«${NS:-y}»\"\n", "vars: # x\n    ns: ${NS:-y}\n    b: 1\na: x == vars.ns\n"},
		"variable, no vars": {"define it under vars and write vars.NAME here", "source:\n  x: 1\na: x == «${NS}»\n",
			"vars:\n  ns: ${NS}\nsource:\n  x: 1\na: x == vars.ns\n"},
		"variable, there": {"define it under vars and write vars.NAME here", "vars:\n  b: ${NS}\na: x == «${NS}»\n",
			"vars:\n  b: ${NS}\na: x == vars.b\n"},
		"removed":     {"keep one of the two lines", "a: 1\n«b»: 2\n\n  c: 3\nd: 4\n", "a: 1\nd: 4\n"},
		"removed, or": {"write it lower, or remove the line", "«a»: 1\nb: 2\n", "b: 2\n"},
		"added": {"add id: ref", "- «when»: x\n  fields:\n    a: b\n", "- when: x\n  fields:\n" +
			"    id: ref\n    a: b\n"},
		"lines": {"write one value per line:\n- a\n- b", "x:\n  «- a, b»\ny: 1\n", "x:\n  - a\n  - b\n" +
			"y: 1\n"},
		"block":           {"write a: |\n  x", "a: «x: y» \n", "a: |\n  x: y \n"},
		"written":         {"write metadata.name", "a: lower(«entity.metadata.name»)\n", "a: lower(metadata.name)\n"},
		"written, longer": {"write metadata.name", "a: lower(entity.metadata.«name»)\n", "a: lower(metadata.name)\n"},
		"written, call":   {"write len(x)", "a: «x.length»() > 1\n", "a: len(x) > 1\n"},
		"written, line":   {"write a: '\"x\" # y'", "a: «\"x\"» # y\n", "a: '\"x\" # y'\n"},
		"curly quotes":    {"write \"", "a: kind == «“»API” # x\n", "a: kind == \"API\" # x\n"},
	} {
		for _, eol := range []string{"\n", "\r\n"} {
			t.Run(name, func(t *testing.T) {
				s, p := marked(t, strings.ReplaceAll(one.text, "\n", eol), "x", one.hint)
				want := strings.ReplaceAll(one.want, "\n", eol)
				var tried []string
				check := func(changed []byte) config.Problems {
					tried = append(tried, string(changed))
					if string(changed) == want {
						return nil
					}
					return config.Problems{p}
				}
				fixes := New(text.New(s), config.Problems{p}, check).Of(p)
				if len(fixes) != 1 {
					t.Fatalf("%d fixes; tried %q, want %q", len(fixes), tried, want)
				}
				if got := text.Apply(s, fixes[0].Bytes()); got != want || fixes[0].Title == "" {
					t.Errorf("%q: %q", fixes[0].Title, got)
				}
			})
		}
	}
}

// TestNoPlace: a problem without a place has no fix.
func TestNoPlace(t *testing.T) {
	s, p := marked(t, "«ownr»: 1\n", "x", "did you mean owner?")
	p.Line = 0
	if got := New(text.New(s), config.Problems{p}, func([]byte) config.Problems { return nil }).Of(p); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// TestNoClaim: a hint with a gap, a text that only its author knows, and a place outside of the text
// have no fix.
func TestNoClaim(t *testing.T) {
	for hint, s := range map[string]string{
		"add name: …":                                   "«a»: 1\n",
		"write a: …, as in b: 1":                        "«a»: 1\n",
		"put the narrower first":                        "«a»: 1\n",
		"define it under vars and write vars.NAME here": "source: {}\na: \"x-«${NS}»-y\"\n",
		"write year, month and day, as 2027-01-31":      "a: «soon»\n",
		"": "«a»: 1\n",
	} {
		s, p := marked(t, s, "x", hint)
		if got := New(text.New(s), config.Problems{p}, func([]byte) config.Problems { return nil }).Of(p); len(got) > 0 {
			t.Errorf("%q: %+v", hint, got)
		}
	}
}

// TestOnlyBetter: a change after which the problem is there, or another one instead, is no fix.
func TestOnlyBetter(t *testing.T) {
	s, p := marked(t, "a: «ownr»\n", "unknown-name", "did you mean owner?")
	other, warning := p, p
	other.Code, warning.Code, warning.Warning = "other", "a-warning", true
	yaml, second := p, p
	yaml.Code, second.Code, second.Line = "yaml-syntax", "yaml-syntax", 2
	second.Message = "another"
	for name, one := range map[string]struct {
		before, after config.Problems
		fixes         int
	}{
		"gone":                        {config.Problems{p}, nil, 1},
		"still there":                 {config.Problems{p}, config.Problems{p}, 0},
		"another error":               {config.Problems{p}, config.Problems{other}, 0},
		"an error becomes a warning":  {config.Problems{p}, config.Problems{warning}, 1},
		"a warning becomes two":       {config.Problems{warning}, config.Problems{other}, 0},
		"one of two alike":            {config.Problems{p, p}, config.Problems{p}, 1},
		"what YAML hid":               {config.Problems{yaml}, config.Problems{other, other}, 1},
		"another thing YAML can't be": {config.Problems{yaml}, config.Problems{second}, 0},
	} {
		asked := one.before[0]
		got := New(text.New(s), one.before, func([]byte) config.Problems { return one.after }).Of(asked)
		if len(got) != one.fixes {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestCertain: the only fix is certain, one of several and a guess are not, and only the certain are
// applied.
func TestCertain(t *testing.T) {
	for hint, certain := range map[string]bool{"did you mean owner?": true, "did you mean owner or other?": false,
		"if ownr is a ref, write display(owner)": false, "write it otherwise, or remove the line": false} {
		s, p := marked(t, "a: «ownr»\nb: 1\n", "x", hint)
		check := func(changed []byte) config.Problems {
			if strings.Contains(string(changed), "ownr") {
				return config.Problems{p}
			}
			return nil
		}
		all := New(text.New(s), config.Problems{p}, check).Of(p)
		if len(all) == 0 || all[0].Certain != certain {
			t.Errorf("%q: %+v", hint, all)
		}
		fixed, applied := All([]byte(s), check)
		if (string(fixed) != s) != certain || (len(applied) > 0) != certain {
			t.Errorf("%q: %+v %q", hint, applied, fixed)
		}
	}
}

// TestAll: each problem of a text is fixed after the other, at the places that the text has then.
func TestAll(t *testing.T) {
	s := "titel: a\r\n# b\r\nx: \"é\" + nmae\r\n"
	check := func(changed []byte) (out config.Problems) {
		for wrong, right := range map[string]string{"titel": "title", "nmae": "name"} {
			if i := strings.Index(string(changed), wrong); i >= 0 {
				line, col := text.New(string(changed)).PlaceOf(i)
				out = append(out, config.Problem{Pos: config.Pos{Line: line, Col: col}, Width: len(wrong), Code: "x",
					Message: wrong, Hint: "did you mean " + right + "?"})
			}
		}
		return out
	}
	fixed, applied := All([]byte(s), check)
	if want := "title: a\r\n# b\r\nx: \"é\" + name\r\n"; string(fixed) != want || len(applied) != 2 {
		t.Errorf("%+v %q", applied, fixed)
	}
	for _, one := range applied {
		if e := one.Fix.Edits[0]; one.Problem.Message == "nmae" && (e.Line != 3 || e.Col != 10 || e.EndCol != 14) {
			t.Errorf("%+v", e)
		}
	}
}

// TestBounded: the checks of one call and the passes of All are bounded.
func TestBounded(t *testing.T) {
	var words []string
	for i := range 1000 {
		words = append(words, strings.Repeat("y", i+1))
	}
	s, p := marked(t, "a: «x»\n", "x", "did you mean "+strings.Join(words, " or ")+"?")
	checks := 0
	New(text.New(s), config.Problems{p}, func([]byte) config.Problems { checks++; return config.Problems{p} }).Of(p)
	if checks != mostChecks {
		t.Errorf("%d checks", checks)
	}
	_, applied := All([]byte(strings.Repeat("x\n", mostFixes+50)), func(changed []byte) (out config.Problems) {
		for n, line := range strings.Split(string(changed), "\n") {
			if line == "x" {
				out = append(out, config.Problem{Pos: config.Pos{Line: n + 1, Col: 1}, Width: 1, Code: "x", Message: "x",
					Hint: "did you mean y?"})
			}
		}
		return out
	})
	if len(applied) != mostFixes {
		t.Errorf("%d fixes", len(applied))
	}
}
