package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestData checks that the shape is kept, variables are replaced, files are read, and each
// scalar reports what is known about it.
func TestData(t *testing.T) {
	type spec struct {
		Config Data `yaml:"config" doc:"any"`
	}
	if err := CheckSpec(&spec{}); err != nil {
		t.Error(err)
	}
	doc, problems := Parse("x.yaml",
		[]byte("config:\n  plain: 12\n  quoted: \"12\"\n  list: [a, {b: c}]\n  nothing:\n  var: ${NAME}\n"+
			"  both: x-${NAME}\n  token: ${file:/token}\n  unset: ${UNSET}\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var s spec
	vars := &Variables{
		Lookup:   func(name string) (string, bool) { v, ok := map[string]string{"NAME": "canary"}[name]; return v, ok },
		ReadFile: func(string) ([]byte, error) { return []byte("canary-file\n"), nil },
	}
	problems = Decode(doc.Root(), &s, vars)
	if len(problems) != 1 || problems[0].Code != codeUndefined || problems[0].Line != 9 {
		t.Errorf("%v", problems)
	}
	for path, want := range map[string]string{
		"plain":    "12 quoted=false variable=false written=true unknown=false file=false",
		"quoted":   "12 quoted=true variable=false written=true unknown=false file=false",
		"list 0":   "a quoted=false variable=false written=true unknown=false file=false",
		"list 1 b": "c quoted=false variable=false written=true unknown=false file=false",
		"nothing":  " quoted=false variable=false written=false unknown=false file=false",
		"var":      "canary quoted=false variable=true written=false unknown=false file=false",
		"both":     "x-canary quoted=false variable=true written=true unknown=false file=false",
		"token":    "canary-file quoted=false variable=true written=false unknown=false file=true",
		"unset":    " quoted=false variable=true written=false unknown=true file=false",
		"nowhere":  " quoted=false variable=false written=false unknown=false file=false",
		"list 7":   " quoted=false variable=false written=false unknown=false file=false",
	} {
		v := s.Config.Get(strings.Fields(path)...)
		got := fmt.Sprintf("%s quoted=%v variable=%v written=%v unknown=%v file=%v", v.Text.Reveal(), v.Quoted, v.Variable,
			v.Written, v.Unknown, v.Text.FromFile())
		if got != want {
			t.Errorf("%s: %s\nwant %s", path, got, want)
		}
		if shown := fmt.Sprintf("%v %+v", v, &v.Text); strings.Contains(shown, "canary") {
			t.Errorf("%s is shown: %s", path, shown)
		}
	}
}

// TestDataLenient checks that no file is read and no problem is reported when variables may
// be unset.
func TestDataLenient(t *testing.T) {
	doc, _ := Parse("x.yaml", []byte("a: ${UNSET}\nb: ${file:/nowhere}\n"))
	var v Data
	problems := Decode(doc.Root(), &v, &Variables{Lenient: true, SkipSecrets: true})
	if len(problems) > 0 || !v.Get("a").Unknown || !v.Get("b").Unknown {
		t.Errorf("%v %+v", problems, v.Entries)
	}
}
