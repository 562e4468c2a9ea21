package sdk

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pieces are what JSON is made of, right and wrong.
var pieces = []string{
	`{`, `}`, `[`, `]`, `:`, `,`, ` `, "\n", "\t", "\f", `"`, `\`, `"a"`, `"b"`, `""`, `"a":`, `"é":`, `"\u00e9"`,
	`"\n\/\""`, `"\ud83d\ude00"`, `"\ud800"`, `"\u12g4"`, `"\x"`, "\"\xff\"", "\"\x01\"", `0`, `-`, `-0`, `01`, `1.5`,
	`1.`, `.5`, `1e9`, `1e`, `1E+2`, `-1.25e-3`, `+1`, `true`, `false`, `null`, `nul`, `{"a":1}`, `[1,2]`, `{}`, `[]`,
	"\x00", "\ufeff",
}

// checkMembers compares accepted input with encoding/json: both find the same members, and
// encoding/json accepts it, too.
func checkMembers(t *testing.T, raw string) (ok bool) {
	t.Helper()
	list, ok := membersIn([]byte(raw))
	if !ok {
		return false
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &want); err != nil {
		t.Fatalf("%q was accepted: %v", raw, err)
	}
	got := map[string]string{}
	for _, m := range list {
		got[m.name] = string(m.raw)
	}
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Fatalf("%q: %q, want %q", raw, got, want)
	}
	for name, value := range got {
		if value != string(want[name]) {
			t.Fatalf("%q: %s is %q, want %q", raw, name, value, want[name])
		}
		if value[0] == '"' {
			var text string
			if err := json.Unmarshal([]byte(value), &text); err != nil {
				t.Fatal(err)
			}
			if s, ok := unquote([]byte(value)); !ok || s != text {
				t.Fatalf("%q: %q, want %q", value, s, text)
			}
		}
	}
	return true
}

// TestMembersIn compares with encoding/json on valid and invalid JSON.
func TestMembersIn(t *testing.T) {
	for _, raw := range []string{
		`{}`, ` { "a" : 1 } `, `{"a":1,"a":2}`, `{"a":{"b":[true,null,-0.5e-7]},"c":"\u00e9\"\n"}`, `{"é":"😀"}`,
		`{"a":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `}`,
	} {
		if !checkMembers(t, raw) {
			t.Errorf("%s is left to encoding/json", raw)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 300_000 {
		var raw strings.Builder
		raw.WriteByte('{')
		for range random.IntN(4) { // the inside of an object, mostly as it should be
			if random.IntN(8) > 0 {
				raw.WriteString(`"a":`)
			}
			for range 1 + random.IntN(2)*random.IntN(4) {
				raw.WriteString(pieces[random.IntN(len(pieces))])
			}
			if random.IntN(2) == 0 {
				raw.WriteString(`,"b":1`)
			}
		}
		raw.WriteByte('}')
		if checkMembers(t, raw.String()) {
			accepted++
		}
	}
	if accepted < 10_000 {
		t.Errorf("only %d objects were accepted", accepted)
	}
}

func FuzzMembersIn(f *testing.F) {
	f.Add(`{"a":{"b":[true,null,-0.5e-7]},"c":"\u00e9\"\n"}`)
	f.Fuzz(func(t *testing.T, raw string) { checkMembers(t, raw) })
}

// TestDeepRecord: a value deeper than the stack should hold is left to encoding/json.
func TestDeepRecord(t *testing.T) {
	raw := `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,"b":"x"}`
	if _, ok := membersIn([]byte(raw)); ok {
		t.Error("a very deep value was accepted")
	}
	if r := (&Record{raw: []byte(raw)}); r.Text("b") != "x" || r.err != nil {
		t.Error(r.Text("b"), r.err)
	}
}

// TestTextAfterSet: a value that was set is read back, also after earlier reads of the
// record.
func TestTextAfterSet(t *testing.T) {
	r := &Record{raw: []byte(`{"spec":{"type":"a","owner":"b"}}`), writes: []string{"spec"}}
	if r.Text("spec.type") != "a" || !r.Has("spec.owner") {
		t.Fatal("the record was not read")
	}
	r.Set("spec.type", "c")
	r.Delete("spec.owner")
	if r.Text("spec.type") != "c" || r.Has("spec.owner") || r.err != nil {
		t.Error(r.Text("spec.type"), r.Has("spec.owner"), r.err)
	}
}
