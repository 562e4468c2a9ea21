package expression

import (
	"strings"
	"testing"
)

func TestCompileErrors(t *testing.T) {
	l := testLanguage(t)
	for _, test := range []struct {
		text      string
		want      Want
		line, col int
		width     int
		code      string
		contains  string // in message and hint
	}{
		{`metadata.nmae`, WantAny, 1, 9, 4, CodeUnknownName, "metadata has no member nmae; did you mean name?"},
		{`metadata["nmae"]`, WantAny, 1, 9, 6, CodeUnknownName, "did you mean name?"},
		{`map(metadata.links, .titel)`, WantAny, 1, 21, 5, CodeUnknownName, "the element has no member titel; did you mean title?"},
		{`map(filter(metadata.links, .url != nil), link(.titel, .url))`, WantAny, 1, 47, 5, CodeUnknownName, "did you mean title?"},
		{`first(metadata.links).titel`, WantAny, 1, 22, 5, CodeUnknownName, "did you mean title?"},
		{`first(sort(take(metadata.links, 9))).titel`, WantAny, 1, 37, 5, CodeUnknownName, "did you mean title?"},
		{`find(metadata.links, .url == "a").titel`, WantAny, 1, 34, 5, CodeUnknownName, "did you mean title?"},
		{`metadata.links[0].titel`, WantAny, 1, 18, 5, CodeUnknownName, "did you mean title?"},
		{`metadata?.nmae`, WantAny, 1, 10, 4, CodeUnknownName, "did you mean name?"},
		{`let m = metadata; m.nmae`, WantAny, 1, 20, 4, CodeUnknownName, "did you mean name?"},
		{`spec.x[metadata.nmae:]`, WantAny, 1, 16, 4, CodeUnknownName, "did you mean name?"},
		{`lower(metadata.nmae)`, WantAny, 1, 15, 4, CodeUnknownName, "did you mean name?"},
		{`any(relations, any(metadata.links, .titel == "x"))`, WantAny, 1, 36, 5, CodeUnknownName, "did you mean title?"},
		{"lines(\n  kind,\n  entry(\"größe\", metadata.nmae))", WantAny, 3, 26, 4, CodeUnknownName, "did you mean name?"},
		{`vars.visibilty`, WantAny, 1, 5, 9, CodeUnknownName, "did you mean visibility?"},
		{`metadta.name`, WantAny, 1, 0, 7, CodeUnknownName, "there is no name metadta; did you mean metadata?"},
		{`kind == Component`, WantAny, 1, 8, 9, CodeUnknownName, `quote it: "Component"`},
		{`team`, WantAny, 1, 0, 4, CodeBareWord, `'"team"'`},
		{`  payments team`, WantAny, 1, 2, 13, CodeBareWord, `'"payments team"'`},
		{`all-users`, WantAny, 1, 0, 9, CodeBareWord, `'"all-users"'`},
		{`ownr`, WantAny, 1, 0, 4, CodeBareWord, `did you mean owner?`},
		{`lowr(kind)`, WantAny, 1, 0, 4, CodeUnknownFunction, "did you mean lower?"},
		{`string(kind)`, WantAny, 1, 0, 6, CodeUnknownFunction, "write text(…)"},
		{`kind.lower()`, WantAny, 1, 5, 5, CodeUnknownFunction, "write lower(…)"},
		{`kind()`, WantAny, 1, 0, 4, CodeUnknownFunction, "without parentheses"},
		{`owner()`, WantAny, 1, 0, 5, CodeUnknownFunction, "without parentheses"},
		{`lower`, WantAny, 1, 0, 5, CodeWrongArguments, "write lower(text)"},
		{`lower()`, WantAny, 1, 0, 5, CodeWrongArguments, "takes 1 argument, but got 0"},
		{`related("a", "b", "c")`, WantAny, 1, 0, 7, CodeWrongArguments, "takes 1 to 2 arguments, but got 3"},
		{`count(metadata.tags)`, WantAny, 1, 0, 5, CodeWrongArguments, "len(…)"},
		{`map(metadata.tags)`, WantAny, 1, 17, 1, CodeWrongArguments, "an argument is missing"},
		{`reduce(metadata.tags, #acc + #)`, WantAny, 1, 0, 6, CodeForbidden, "reduce is not part"},
		{`now()`, WantAny, 1, 0, 3, CodeForbidden, "the same record"},
		{`$env.kind`, WantAny, 1, 0, 4, CodeForbidden, "$env is not part"},
		{`$env["kind"]`, WantAny, 1, 0, 4, CodeForbidden, "$env is not part"},
		{`1..100000`, WantAny, 1, 1, 2, CodeForbidden, "ranges are not part"},
		{`groupBy(relations, .type)`, WantAny, 1, 0, 7, CodeUnknownFunction, "no function groupBy"},
		{`upper::x`, WantAny, 1, 5, 2, CodeSyntax, "is not allowed here"},
		{`let ref = 1; ref`, WantAny, 1, 4, 3, CodeTaken, "a special meaning"},
		{`let kind = 1; kind`, WantAny, 1, 4, 4, CodeTaken, "a member of the record"},
		{`kind = "x"`, WantAny, 1, 5, 1, CodeSyntax, "write =="},
		{`kind == "x" and`, WantAny, 1, 15, 1, CodeSyntax, "ends too early"},
		{`(kind`, WantAny, 1, 5, 1, CodeSyntax, "ends too early"},
		{``, WantAny, 1, 0, 1, CodeSyntax, "the expression is empty"},
		{`spec.a ?? "b" + "c"`, WantAny, 1, 14, 1, CodeSyntax, "(a ?? b) + c"},
		{`"abc`, WantAny, 1, 4, 1, CodeSyntax, "literal not terminated"},
		{`kind; ref`, WantAny, 1, 0, 4, CodeForbidden, "one value"},
		{`kind`, WantCondition, 1, 0, 4, "", ""},
		{`"yes"`, WantCondition, 1, 0, 5, CodeNotACondition, "this is text"},
		{`lower(kind)`, WantCondition, 1, 0, 5, CodeNotACondition, "this is text"},
		{`metadata.tags`, WantCondition, 1, 0, 8, CodeNotACondition, "this is a list"},
		{`owners`, WantCondition, 1, 0, 6, CodeNotACondition, "this is a list"},
		{`kind == "x" and lower(kind)`, WantAny, 1, 16, 5, CodeNotACondition, "this is text"},
		{`not metadata.tags`, WantAny, 1, 0, 3, CodeWrongType, "not does not take a list"},
		{`metadata.tags contains "pci"`, WantAny, 1, 14, 8, CodeWrongType, "VALUE in LIST"},
		{`any(relations, lower(.type))`, WantAny, 1, 15, 5, CodeNotACondition, "this is text"},
		{`any(relations, "x")`, WantAny, 1, 15, 3, CodeNotACondition, "this is text"},
		{`"a" ? 1 : 2`, WantAny, 1, 0, 3, CodeNotACondition, "this is text"},
		{`"a" + 1`, WantAny, 1, 4, 1, CodeWrongType, "+ does not take text and a number"},
		{`lower(kind) * 2`, WantAny, 1, 0, 5, CodeWrongType, "this is text"},
		{`map(metadata.labels, #)`, WantAny, 1, 13, 6, CodeWrongType, "keys(…)"},
		{`map(kind == "x", #)`, WantAny, 1, 9, 2, CodeWrongType, "map takes a list"},
		{`metadata.tags`, WantText, 1, 0, 8, CodeWrongType, "first(…)"},
		{`kind == "x"`, WantText, 1, 0, 4, CodeWrongType, "text(…)"},
		{`len(kind)`, WantList, 1, 0, 3, CodeWrongType, "a list is expected"},
		{`kind`, WantList, 1, 0, 4, "", ""},
		{`kind matches spec.pattern`, WantAny, 1, 13, 4, CodeForbidden, "must be a literal in the expression"},
		{`kind matches "("`, WantAny, 1, 5, 7, CodeWrongType, "missing closing )"},
		{strings.Repeat("[", 5000), WantAny, 1, 0, 0, CodeSyntax, ""},
		{strings.Repeat("(", 16000), WantAny, 1, 0, 0, CodeSyntax, ""},
		{strings.Repeat("!", 5000) + "kind", WantAny, 1, 0, 0, CodeTooComplex, "more than 1,000"},
		{"1" + strings.Repeat("+1", 1000), WantAny, 1, 0, 0, CodeTooComplex, "define"},
		{strings.Repeat(" ", 20000) + "kind", WantAny, 1, 0, 0, CodeTooComplex, "longer than 16 KiB"},
	} {
		if test.text == "owners" {
			l = testLanguage(t, Define{"owners", `related("ownedBy")`})
		}
		_, err := l.Compile(test.text, test.want)
		shown := test.text[:min(60, len(test.text))]
		if test.code == "" {
			if err != nil {
				t.Errorf("%s: %v", shown, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s compiles", shown)
			continue
		}
		if err.Code != test.code || !strings.Contains(err.Message+"; "+err.Hint, test.contains) {
			t.Errorf("%s: %s: %s; %s\nwant %s: %s", shown, err.Code, err.Message, err.Hint, test.code, test.contains)
		}
		if test.width > 0 && (err.Line != test.line || err.Col != test.col || err.Width != test.width) {
			t.Errorf("%s: %s at %d:%d+%d, want %d:%d+%d", shown, err.Message, err.Line, err.Col, err.Width, test.line, test.col,
				test.width)
		}
	}
}

func TestReads(t *testing.T) {
	l := testLanguage(t)
	for text, want := range map[string]string{
		`1`:    "",
		`kind`: "kind",
		`metadata.annotations["backstage.io/orphan"] != "true"`: "metadata.annotations",
		`metadata.annotations[vars.visibility]`:                 "metadata.annotations",
		`metadata.annotations[kind]`:                            "kind metadata.annotations",
		`spec.profile.email`:                                    "spec.profile.email",
		`spec["profile"].email`:                                 "spec.profile.email",
		`map(metadata.links, link(.title, .url))`:               "metadata.links",
		`metadata.links[0].title`:                               "metadata.links",
		`first(metadata.links).title`:                           "metadata.links",
		`name`:                                                  "metadata.name metadata.title spec.profile.displayName",
		`display(owner)`:                                        "relations",
		`spec.type + text(spec)`:                                "spec",
		`let m = metadata; m.name`:                              "metadata",
		`metadata.name == metadata.namespace`:                   "metadata.name metadata.namespace",
		`spec.definition[0:10]`:                                 "spec.definition",
		`ref == page`:                                           "",
	} {
		if got := strings.Join(mustCompile(t, l, text).Reads(), " "); got != want {
			t.Errorf("%s reads %q, want %q", text, got, want)
		}
	}
}

// TestSharedNodes: a node with two parents is processed twice; nesting doubles that each time.
func TestSharedNodes(t *testing.T) {
	l := testLanguage(t)
	for _, text := range []string{
		strings.Repeat("(", 60) + "true" + strings.Repeat(" ?: false)", 60),
		strings.Repeat("1 < (", 60) + "len(kind)" + strings.Repeat(") < 2", 60),
	} {
		if _, err := l.Compile(text, WantAny); err == nil || err.Code != CodeTooComplex {
			t.Errorf("%s: %v", text, err)
		}
	}
}
