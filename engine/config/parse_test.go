package config

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// For any text, parsing and decoding end without a panic, the positions of problems are inside
// the file, and a variable never adds a node.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4<<10 {
			return
		}
		doc, problems := Parse("p.yaml", data)
		nodes := count(doc.Root())
		problems = append(problems, Decode(doc.Root(), &pipeline{}, environment())...)
		for _, p := range problems {
			if p.Line < 1 || p.Line > len(doc.lines)+1 || p.Col < 1 || p.Message == "" || p.Code == "" {
				t.Errorf("%+v", p)
			}
		}
		var out bytes.Buffer
		problems.Render(&out, func(string) []byte { return doc.Source() })
		if count(doc.Root()) != nodes {
			t.Error("nodes were added")
		}
	})
}

func count(n *Node) int {
	total := 1
	for _, e := range n.Entries() {
		total += count(e.Value)
	}
	for _, item := range n.Items() {
		total += count(item)
	}
	return total
}

func TestByteOrderMark(t *testing.T) {
	doc, problems := Parse("p.yaml", []byte("\ufeffversion: 1\n"))
	if len(problems) > 0 || doc.Root().Get("version").Pos() != (Pos{"p.yaml", 1, 10}) ||
		bytes.HasPrefix(doc.Source(), []byte("\ufeff")) {
		t.Error(problems)
	}
}

// The rest of a file with a syntax problem is still read and checked.
func TestGoesOnAfterSyntax(t *testing.T) {
	doc, problems := Parse("p.yaml", []byte("version: 1\nname: a: b\nsource:\n  url: \"x\" y\n  page_size: none\n"))
	problems = append(problems, Decode(doc.Root(), &pipeline{}, nil)...)
	if len(problems) != 3 || problems[0].Code != codeTrapColon || problems[1].Code != codeTrapQuote ||
		problems[2].Code != codeInvalid {
		t.Error(problems)
	}
}
