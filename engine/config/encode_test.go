package config

import (
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
)

type encoded struct {
	Name   string   `yaml:"name" doc:"x"`
	Icon   string   `yaml:"icon" file:"true" doc:"x"`
	Number int      `yaml:"number" doc:"x"`
	Flag   *bool    `yaml:"flag" doc:"x"`
	Plain  bool     `yaml:"plain" doc:"x"`
	Texts  []string `yaml:"texts" doc:"x"`
	Parts  []struct {
		Name string `yaml:"name" doc:"x"`
		Sub  *struct {
			Text string `yaml:"text" doc:"x"`
		} `yaml:"sub" doc:"x"`
	} `yaml:"parts" doc:"x"`
}

// TestEncode: what is written decodes to the same, whatever the texts hold.
func TestEncode(t *testing.T) {
	no := false
	texts := []string{"plain", "true", "1", "null", "~", "a: b", "a #b", "- a", "[a]", "{a}", `"a`, `'a'`, "!x", "&x", "*x",
		"@x", "`x", "%x", " a ", "a\nb\n", "a\n\n b", "tab\there",
		"${NAME}", "$${NAME}", "${", "é – 漢", "? :", "https://portal\\.example/.*", "a,b", "2026-08-22", "0x1F", "key:", "#a",
		"\x07bell"}
	for _, text := range texts {
		in := encoded{Name: text, Number: 3, Flag: &no, Plain: true, Texts: []string{text, "x"}}
		in.Parts = make([]struct {
			Name string `yaml:"name" doc:"x"`
			Sub  *struct {
				Text string `yaml:"text" doc:"x"`
			} `yaml:"sub" doc:"x"`
		}, 2)
		in.Parts[0].Name, in.Parts[1].Name = text, "second"
		in.Parts[1].Sub = &struct {
			Text string `yaml:"text" doc:"x"`
		}{text}
		out, err := Encode(&in, "sink", "datasource")
		if err != nil {
			t.Fatal(err)
		}
		doc, problems := Parse("p.yaml", out)
		if len(problems) > 0 {
			t.Errorf("%q: %v\n%s", text, problems, out)
			continue
		}
		var back encoded
		if problems := Decode(doc.Root().Get("sink").Get("datasource"), &back, nil); len(problems) > 0 ||
			!reflect.DeepEqual(in, back) {
			t.Errorf("%q: %v\n%+v\n%s", text, problems, back, out)
		}
	}
	if out, err := Encode(&encoded{Icon: FileText("icons/a.svg")}); err != nil ||
		string(out) != "icon: ${file:icons/a.svg}\n" {
		t.Errorf("%s, %v", out, err)
	}
}

// TestFileText: a text that may be a file holds its path, from the folder of
// the pipeline file.
func TestFileText(t *testing.T) {
	vars := &Variables{Lookup: func(name string) (string, bool) {
		v, ok := map[string]string{"DIR": "icons"}[name]
		return v, ok
	}}
	absolute := "/abs/a.svg"
	if runtime.GOOS == "windows" {
		absolute = "C:" + absolute
	}
	for text, want := range map[string]string{
		"icon: ${file:a.svg}":            FileText(filepath.Join("folder", "a.svg")),
		"icon: ${file:${DIR}/a.svg}":     FileText(filepath.Join("folder", "icons", "a.svg")),
		"icon: ${file:" + absolute + "}": FileText(absolute),
		"icon: https://x/a.svg":          "https://x/a.svg",
		"icon: ${DIR}":                   "icons",
		"icon: x${file:a.svg}":           "! p.yaml:1:8: bad-variable: ${file:…} is allowed only in a secret",
		"name: ${file:a.svg}":            "! p.yaml:1:7: bad-variable: ${file:…} is allowed only in a secret",
		"icon: ${file:}":                 "! p.yaml:1:7: invalid-value: the path of the file is empty",
		"icon: ${file:${NONE}/a.svg}":    "! p.yaml:1:14: undefined-variable: NONE is not set",
	} {
		doc, _ := Parse(filepath.Join("folder", "p.yaml"), []byte(text))
		var got encoded
		problems := Decode(doc.Root(), &got, vars)
		have := got.Icon
		if len(problems) > 0 {
			problems[0].File = "p.yaml"
			have = "! " + problems[0].String()
		}
		if have != want {
			t.Errorf("%s: %q, want %q", text, have, want)
		}
	}
	if _, ok := FileNamed("https://x/${file:a}"); ok {
		t.Error("a text within which a file stands names none")
	}
}

func TestNearestNode(t *testing.T) {
	doc, problems := Parse("p.yaml", []byte("a:\n  - name: x\n    b: 1\n  - name: y\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for path, want := range map[[3]string]string{
		{"a", "x", "b"}: "p.yaml:3:8: c: m", {"a", "y", "b"}: "p.yaml:4:5: c: m", {"a", "z", "b"}: "p.yaml:1:1: c: m",
		{"q", "", ""}: "p.yaml:1:1: c: m",
	} {
		n, exact := doc.Nearest(path[:]...)
		if got := n.Problem("c", "m", "").String(); got != want || exact != (path[1] == "x") {
			t.Errorf("%v: %s %v, want %s", path, got, exact, want)
		}
	}
}
