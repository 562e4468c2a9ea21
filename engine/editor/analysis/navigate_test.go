package analysis

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

// shownAt returns the lines of places, each place in brackets.
func (x *world) shownAt(places []Place) (out []string) {
	for _, p := range places {
		d := x.Document(p.Path)
		from, to := d.LineSpan(d.LineAt(p.From))
		s := d.Text()
		out = append(out, strings.TrimLeft(s[from:p.From], " ")+"["+s[p.From:p.To]+"]"+s[p.To:to])
	}
	return out
}

// TestDefinition: where a name, a variable, a fixture or a rule is defined.
func TestDefinition(t *testing.T) {
	for name, one := range map[string]struct {
		test     bool // in the tests
		old, new string
		want     string
	}{
		"define": {false, "title: name\n", "title: na§me\n",
			"[name]: coalesce(metadata.title, spec.profile.displayName, metadata.name)"},
		"at its end": {false, "title: name\n", "title: name§\n",
			"[name]: coalesce(metadata.title, spec.profile.displayName, metadata.name)"},
		"at itself":  {false, "  owner: first", "  ow§ner: first", "[owner]: first(related(\"ownedBy\"))"},
		"in a block": {false, "display(owner)", "display(ow§ner)", "[owner]: first(related(\"ownedBy\"))"},
		"in a folded value": {false, "title: name\n", "title: >\n          lower(\n          na§me)\n",
			"[name]: coalesce(metadata.title, spec.profile.displayName, metadata.name)"},
		"in quotes": {false, "title: name\n", "title: \"kind == \\\"API\\\" ? na§me : nil\"\n",
			"[name]: coalesce(metadata.title, spec.profile.displayName, metadata.name)"},
		"second line, quoted": {false, "title: name\n", "title: 'lower(\n          na§me)'\n",
			"[name]: coalesce(metadata.title, spec.profile.displayName, metadata.name)"},
		"in a flow": {false, "    - name: payments\n",
			"    - {name: x, when: len(na§me) > 3, allow: none}\n    - name: payments\n",
			"[name]: coalesce(metadata.title, spec.profile.displayName, metadata.name)"},
		"variable":            {false, "vars.visibility", "vars.visi§bility", "[visibility]: glean.com/visibility"},
		"member of that name": {false, "metadata.title, spec", "metadata.na§me, spec", ""},
		"in a text":           {false, "title: name\n", "title: '\"na§me\"'\n", ""},
		"alias":               {false, "title: name\n", "title: &name kind\n        summary: *na§me\n", ""},
		"in a comment":        {false, "title: name\n", "title: name # na§me\n", ""},
		"function":            {false, "objectType: lower(kind)", "objectType: low§er(kind)", ""},
		"fixture":             {true, "      - fixture: checkout\n", "      - fixture: check§out\n", "[checkout]:"},
		"fixture in a flow":   {true, "{fixture: payments}", "{fixture: pay§ments}", "[payments]:"},
		"rule":                {true, "{rule: payments}", "{rule: pay§ments}", "- name: [payments]"},
		"no rule":             {true, "{rule: payments}", "{rule: pay§ment}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			path := x.file
			if one.test {
				path = x.test
			}
			offset := x.edit(path, one.old, one.new)
			if got := strings.Join(x.shownAt(x.Definition(path, offset)), "\n"); got != one.want {
				t.Errorf("got %s, want %s", got, one.want)
			}
		})
	}
}

// TestReferences: all places where a name is read, in every style of values, and nothing else.
func TestReferences(t *testing.T) {
	for _, crlf := range []bool{false, true} {
		x := newWorld(t)
		if crlf {
			x.crlf()
		}
		x.edit(x.file, "        tags: metadata.tags\n", `        tags: ["name"]
        summary: "name == \"name\" ? name : lower(name)"
        author: &a name # name
        updatedAt: *a
        owner: >-
          kind == "name" ? name :
          name
        container: metadata.name ??
          name
        containerObjectType: 'name matches ''name'' ? ''é name'' + name : nil'
        permissions: metadata.labels.name
`)
		offset := x.edit(x.file, "title: name\n", "title: na§me\n")
		got := x.shownAt(x.References(x.file, offset))
		want := []string{
			`[name]: coalesce(metadata.title, spec.profile.displayName, metadata.name)`,
			`name: [name]`,
			`title: [name]`,
			`summary: "[name] == \"name\" ? name : lower(name)"`,
			`summary: "name == \"name\" ? [name] : lower(name)"`,
			`summary: "name == \"name\" ? name : lower([name])"`,
			`author: &a [name] # name`,
			`kind == "name" ? [name] :`,
			`[name]`,
			`[name]`,
			`containerObjectType: '[name] matches ''name'' ? ''é name'' + name : nil'`,
			`containerObjectType: 'name matches ''name'' ? ''é name'' + [name] : nil'`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("CRLF %v:\n%s\nwant:\n%s", crlf, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestRename: a name or variable gets another name at all places, and the file has no more
// problems than before; else nothing is renamed.
func TestRename(t *testing.T) {
	for name, one := range map[string]struct {
		old, new, to string
		want         []string // in the result
		wrong        string
	}{
		"define": {"title: name\n", "title: na§me\n", "label", []string{"  label: coalesce", "title: label\n",
			"      name: label\n"}, ""},
		"quoted": {"title: name\n", "title: \"kind == \\\"API\\\" ? na§me : nil\"\n", "label",
			[]string{"title: \"kind == \\\"API\\\" ? label : nil\"\n"}, ""},
		"variable": {"vars.visibility", "vars.visi§bility", "shown", []string{"  shown: glean.com",
			"[vars.shown]"}, ""},
		"taken":        {"title: name\n", "title: na§me\n", "owner", nil, "the name owner is taken"},
		"a function":   {"title: name\n", "title: na§me\n", "kind", nil, "the name kind is taken"},
		"no name":      {"title: name\n", "title: na§me\n", "a-b", nil, "a name has letters, digits and _"},
		"not a define": {"viewURL: page\n", "viewURL: pa§ge\n", "x", nil, "only names under define and vars"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			offset := x.edit(x.file, one.old, one.new)
			before := x.Document(x.file).Text()
			edits, err := x.Rename(x.file, offset, one.to)
			if got := fmt.Sprint(err); one.wrong != "" {
				if !strings.Contains(got, one.wrong) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			after := text.Apply(before, edits)
			for _, want := range one.want {
				if !strings.Contains(after, want) {
					t.Errorf("no %q in\n%s", want, after)
				}
			}
			x.Set(x.file, after)
			if found := x.Problems(x.file); len(found) > 0 {
				t.Error(found)
			}
		})
	}
}

// TestOutline: blocks, and below them names, mappings, rules and tests, each at its place. A file with a
// mistake in YAML has the parts that can be read.
func TestOutline(t *testing.T) {
	x := newWorld(t)
	got := map[string][]string{}
	for _, path := range []string{x.file, x.test} {
		for _, one := range x.Outline(path) {
			for _, below := range one.Children {
				got[one.Name] = append(got[one.Name], below.Name)
				d := x.Document(path)
				if s := d.Text()[below.Place.From:below.Place.To]; s != below.Name && s != "name" && s != "when" {
					t.Errorf("%s is at %q", below.Name, s)
				}
			}
		}
	}
	for block, want := range map[string]string{"define": "owner name", "mapping": "users groups documents",
		"transforms": "not orphaned", "fixtures": "checkout payments",
		"tests": "everyone finds it only its owners find it"} {
		if s := strings.Join(got[block], " "); s != want {
			t.Errorf("%s: %s", block, s)
		}
	}
	x.Set(x.file, "guards:\n  max_loss: 20%\n x: [\n")
	half := x.Outline(x.file)
	if len(half) != 1 || half[0].Name != "guards" || len(half[0].Children) == 0 || half[0].Children[0].Name != "max_loss" {
		t.Errorf("a file with a mistake in YAML: %+v", half)
	}
}

// TestLenses: each test can be run, and each mapping explained.
func TestLenses(t *testing.T) {
	x := newWorld(t)
	var got []string
	for _, path := range []string{x.file, x.test} {
		for _, l := range x.Lenses(path) {
			got = append(got, l.Title+l.Test+"@"+x.Document(path).Text()[l.Place.From:l.Place.To])
		}
	}
	want := []string{"explain for the sample@users", "explain for the sample@groups", "explain for the sample@documents",
		"explain for the sample@when", "run this testeveryone finds it@everyone finds it",
		"run this testonly its owners find it@only its owners find it"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
