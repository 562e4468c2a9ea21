package config

import (
	"fmt"
	"strings"
	"testing"
)

// written is a node with its paths and values, in one line.
func written(n *Node) string {
	var out []string
	switch n.Kind() {
	case Mapping:
		for _, e := range n.Entries() {
			out = append(out, e.Key+"="+written(e.Value))
		}
		return "{" + strings.Join(out, " ") + "}"
	case List:
		for _, item := range n.Items() {
			out = append(out, written(item))
		}
		return "[" + strings.Join(out, " ") + "]"
	}
	return fmt.Sprintf("%s@%s", n.Text(), n.Path())
}

// TestAliases: an alias is the value of its anchor, at a path of its own, and a merge key
// adds what a mapping lacks.
func TestAliases(t *testing.T) {
	for text, want := range map[string]string{
		"a: &x 1\nb: *x":                                      "{a=1@a b=1@b}",
		"a: &x {p: 1, q: [2]}\nb: *x":                         "{a={p=1@a.p q=[2@a.q.0]} b={p=1@b.p q=[2@b.q.0]}}",
		"a: [&x 1, *x]":                                       "{a=[1@a.0 1@a.1]}",
		"a: &x 1\nb: &x 2\nc: *x":                             "{a=1@a b=2@b c=2@c}",
		"a: &x {p: &y 1}\nb: {q: *y}":                         "{a={p=1@a.p} b={q=1@b.q}}",
		"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}":               "{a={p=1@a.p q=2@a.q} b={q=3@b.q p=1@b.p}}",
		"a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}": "{a={p=1@a.p} b={p=2@b.p q=2@b.q} c={p=1@c.p q=2@c.q}}",
		"a: &x {p: 1}\nb: {<<: *x, <<: {p: 2, q: 2}}":         "{a={p=1@a.p} b={p=1@b.p q=2@b.q}}",
		"a: &x {p: 1}\nb: &y {<<: *x}\nc: {<<: *y}":           "{a={p=1@a.p} b={p=1@b.p} c={p=1@c.p}}",
	} {
		doc, problems := Parse("p.yaml", []byte(text))
		if got := written(doc.Root()); got != want || len(problems) > 0 {
			t.Errorf("%q: %s, want %s %v", text, got, want, problems)
		}
	}
}

// TestSetBelowAlias: a setting from outside changes one use of an anchor.
func TestSetBelowAlias(t *testing.T) {
	doc, _ := Parse("p.yaml", []byte("a: &x {p: 1}\nb: *x"))
	if err := doc.Set("b.p", "2"); err != nil {
		t.Fatal(err)
	}
	if got := written(doc.Root()); got != "{a={p=1@a.p} b={p=2@b.p}}" {
		t.Error(got)
	}
}
