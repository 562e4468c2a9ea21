package dotenv

import (
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
)

func environment(name string) (string, bool) {
	v, ok := map[string]string{"HOST": "example.com", "EMPTY": "", "BOTH": "of the environment"}[name]
	return v, ok
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"plain": {"A=1\nB = two words \n", map[string]string{"A": "1", "B": "two words"}},
		"comments and blank lines": {"# one\n\n  # two\nA=1 # three\nB=x#y\nC= # none\nD=#x\nE=\n",
			map[string]string{"A": "1", "B": "x#y", "C": "", "D": "#x", "E": ""}},
		"export": {"export A=1\n  export\tB=2\nexported=3",
			map[string]string{"A": "1", "B": "2", "exported": "3"}},
		"an = in the value":            {"A=b=c==\n", map[string]string{"A": "b=c=="}},
		"Windows line ends and a mark": {"\ufeffA=1\r\nB='2'\r\n", map[string]string{"A": "1", "B": "2"}},
		"the last of two":              {"A=1\nA=2\n", map[string]string{"A": "2"}},

		"a dollar sign stays": {"A=abc$DEF9xyz\nB=$HOST\nC=\"$HOST\"\nD=a$\nE=$(id)$$1\n",
			map[string]string{"A": "abc$DEF9xyz", "B": "$HOST", "C": "$HOST", "D": "a$", "E": "$(id)$$1"}},
		"a known name": {"A=https://${HOST}/home\nB=\"${A}/x\"\nC=${EMPTY}.\n",
			map[string]string{"A": "https://example.com/home", "B": "https://example.com/home/x", "C": "."}},
		"an unknown name": {"A=x${NOBODY}y\nB=${B}\nC=${LATER}\nLATER=1\n",
			map[string]string{"A": "x${NOBODY}y", "B": "${B}", "C": "${LATER}", "LATER": "1"}},
		"braces without a name": {"A=${}\nB=${HOST:-x}\nC=${1}\n",
			map[string]string{"A": "${}", "B": "${HOST:-x}", "C": "${1}"}},
		"the environment wins": {"BOTH=of the file\nA=${BOTH}\n",
			map[string]string{"BOTH": "of the file", "A": "of the environment"}},
		"the replaced file is unchanged": {"A='${HOST}'\nB=${A}\n", map[string]string{"A": "${HOST}", "B": "${HOST}"}},

		"single quotes":          {`A='a "b" ${HOST} \n ${ $' # c`, map[string]string{"A": `a "b" ${HOST} \n ${ $`}},
		"double quotes":          {`A="a\tb\n\"c\" \\ \$ \x ' # d"`, map[string]string{"A": "a\tb\n\"c\" \\ $ \\x ' # d"}},
		"an escaped brace":       {`A="\${HOST}"`, map[string]string{"A": "${HOST}"}},
		"several lines":          {"A=\"one\ntwo\"\nB=2\n", map[string]string{"A": "one\ntwo", "B": "2"}},
		"a quote in the middle":  {"A=it's \"so\"\n", map[string]string{"A": `it's "so"`}},
		"quotes around nothing":  {"A=\"\"\nB=''\n", map[string]string{"A": "", "B": ""}},
		"a backslash, no quotes": {`A=C:\new\t$x`, map[string]string{"A": `C:\new\t$x`}},
	} {
		f, err := Parse("x.env", []byte(c.text), environment)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !maps.Equal(f.values, c.want) {
			t.Errorf("%s: got %q, want %q", name, f.values, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nB=canary${HOST\n":   "x.env:2: the value has a ${ without a closing }",
		"A=\"canary\n${HOST\"\n":  "x.env:2: the value has a ${ without a closing }",
		"\nA='canary\nB=1\n":      "x.env:2: the quotation mark at the start of the value is not closed",
		"A=1\nB=\"canary\nC=2\n":  "x.env:2: the quotation mark at the start of the value is not closed",
		"A=\"canary\nB=\"2\"\n":   "x.env:1: the quotation mark at the start of the value is not closed on this line",
		"A=\"canary\\\"\n":        "x.env:1: the quotation mark at the start of the value is not closed",
		"A=1\ncanary-token\n":     "x.env:2: this line has no =",
		"A=1\nexport canary\n":    "x.env:2: this line has no =",
		"A: canary\n":             "x.env:1: this line has no =",
		"=canary\n":               "x.env:1: the text before the =",
		"canary b=1\n":            "x.env:1: the text before the =",
		"A='x'canary\n":           "x.env:1: there is text after the closing quotation mark",
		"A='x'#canary\n":          "x.env:1: there is text after the closing quotation mark",
		"A=\"b\nc\"\nD='canary":   "x.env:3: the quotation mark at the start of the value is not closed",
		"A=1\nB=canary\xff\n":     "x.env:2: this line is not UTF-8 text",
		"A=1\nB=canary\x00\n":     "x.env:2: this line is not UTF-8 text",
		"\xff\xfeA\x00=\x001\x00": "x.env:1: the file is UTF-16 text",
	} {
		f, err := Parse("x.env", []byte(text), environment)
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %s", text, f, err, want)
			continue
		}
		if wrong.Hint == "" || strings.Contains(err.Error()+wrong.Hint, "canary") {
			t.Errorf("%q: %s\n%s", text, err, wrong.Hint)
		}
	}
}

// TestCases covers problems from public reports: a token with a dollar sign, and the byte order
// mark of Windows editors.
func TestCases(t *testing.T) {
	for file, want := range map[string]map[string]string{
		"testdata/dollar.env": {"BACKSTAGE_API_TOKEN": "abc$DEF9xyz", "GLEAN_INDEXING_API_KEY": "k"},
		"testdata/bom.env":    {"BACKSTAGE_BASE_URL": "http://127.0.0.1:28998", "GLEAN_INDEXING_API_KEY": "k"},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(file, text, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for name, value := range want {
			if got, _ := f.Lookup(name); got != value {
				t.Errorf("%s: %s is %q, want %q", file, name, got, value)
			}
		}
	}
}

func TestNamesAndLines(t *testing.T) {
	f, err := Parse("x.env", []byte("A=\"1\n2\"\nB=1\nA=2\n"), nil)
	if err != nil || strings.Join(f.Names(), " ") != "A B" || f.Line("A") != 4 || f.Line("B") != 3 {
		t.Errorf("%v, names %q, lines %d and %d", err, f.Names(), f.Line("A"), f.Line("B"))
	}
	var none *File
	if _, ok := none.Lookup("A"); ok || none.Names() != nil {
		t.Error("no file sets a variable")
	}
}
