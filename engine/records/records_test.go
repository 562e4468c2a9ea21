package records

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// named reports whether an object has a name, which makes it a record.
func named(object []byte) bool { return strings.Contains(string(object), `"name"`) }

// TestParse covers every supported form of a file, with the position of each record.
func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"array":        {"\n[{\"a\":1},\n{\"a\":2}]", "2:1 3:2"},
		"items":        {`{"totalItems":2,"items":[{"a":1},{"a":2}]}`, "1:1 1:2"},
		"with items":   {`{"a":1,"name":"x","items":[{"a":2},{"a":3}]}`, "1:1"},
		"one object":   {"{\n \"a\": 1\n}\n", "1:1"},
		"NDJSON":       {"{\"a\":1}\n\n{\"a\":2}\n", "1:1 3:2"},
		"one in YAML":  {"# one\na: 1\n", "2:1"},
		"YAML list":    {"- a: 1\n- a: 2\n", "1:1 2:2"},
		"documents":    {"---\na: 1\n--- # two\n# b\na: 2\n---\n", "2:1 5:2"},
		"a block":      {"a: 1\nb: |\n  ---\n  x\n", "1:1"},
		"BOM and CRLF": {"\ufeffa: 1\r\n---\r\na: 2\r\n", "1:1 3:2"},
	} {
		records, err := Parse("x", []byte(c.text), named)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, r := range records {
			v, err := codec.Decode(r.Raw)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got = append(got, fmt.Sprintf("%d:%v", r.Pos.Line, v["a"]))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "x holds no records",
		"# nothing\n":          "x holds no records",
		"[{\"a\":1},":          "at or after its record 2",
		"{\"a\":1}\n{\"a\":\n": "x:2: this line is no JSON object",
		"a: 1\n---\nb: [1\n":   "x:3:",
		"- a: 1\n- 7\n":        "x:2:3: wrong-kind: not a record",
	} {
		if _, err := Parse("x", []byte(text), named); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := Load("/nowhere/x", named); err == nil || strings.Contains(err.Error(), "open") {
		t.Error(err)
	}
}
