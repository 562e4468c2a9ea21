package preview_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// replaced returns a text with pieces replaced. It must contain each of them.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the text", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// earlierWorld is an index after a run in which Cat was in the red team, and the merger was for
// members of the blue and the red team.
func earlierWorld(t *testing.T) *preview.Index {
	t.Helper()
	w := newWorld(t)
	w.write(people + pages + `{"id":"of-three","kind":"page","name":"Three","both":["blue","red","department"]}`)
	w.publish()
	w.write(replaced(t, people+pages, `["bob","cat"]`, `["bob","dan"]`, `"name":"Merger","both":["blue","red"]`,
		`"name":"Merger","teams":["red"]`) + `
{"id":"eve","kind":"person","name":"Eve","mail":"eve@example.com"}
{"id":"new","kind":"page","name":"New","text":"shared"}
{"id":"of-three","kind":"page","name":"Three"}`)
	return w.build()
}

// TestEarlier: a document says through which groups a person found it before this run, and who
// else did, whatever the view.
func TestEarlier(t *testing.T) {
	x := earlierWorld(t)
	for _, c := range []struct {
		who, id string
		why     string
		chains  string
		groups  string
		people  string
	}{
		{"cat", "of-red", `the rule "named teams" allowed red`, "[[cat red]]", "[{red 2}]", "bob cat"},
		{"ann", "of-department", `the rule "named teams" allowed department`, "[[ann blue department]]",
			"[{department 2}]", "ann cat"},
		{"cat", "of-both", `the rule "all of the teams" allowed members of all of blue and red`,
			"[[cat blue] [cat red]]", "[{members of all of blue and red 1}]", "cat"},
		{"bob", "of-bob", `the rule "named people" allowed bob`, "[]", "[]", "bob"},
		{"dan", "open", "the default allowed every user of the datasource, and dan was one", "[]", "[]", ""},
		{"eve", "open", "the default allowed every user of the datasource, and eve was not", "[]", "[]", ""},
		{"dan", "of-red", `the rule "named teams" allowed red, which did not include dan`, "[]", "[{red 2}]", "bob cat"},
		{"dan", "new", "the last good run did not publish it", "[]", "[]", ""},
		{"cat", "of-three", `the rule "all of the teams" allowed a user, a group or a set of groups that cannot be ` +
			"named, and it is not known whether cat was in one", "[]", "[]", ""},
	} {
		p := pick(t, x, c.who)
		d, err := x.Document(t.Context(), c.id, p, preview.Before)
		if err != nil {
			d, err = x.Document(t.Context(), c.id, p, preview.After)
		}
		if err != nil {
			t.Errorf("%s, %s: %v", c.who, c.id, err)
			continue
		}
		e := d.Earlier
		var people []string
		for _, p := range e.People {
			people = append(people, p.Refs[0])
		}
		if e.Answer.Why != c.why || fmt.Sprint(e.Answer.Chains()) != c.chains || fmt.Sprint(e.Groups) != c.groups ||
			strings.Join(people, " ") != c.people || e.Everyone != 4 || (e.Unknown == 1) != (c.id == "of-three") {
			t.Errorf("%s, %s: %+v, %s, %+v, %v", c.who, c.id, e.Answer, e.Answer.Chains(), e, people)
		}
	}
}

// TestEarlierAgrees: for every person and document, the search in the view before and the page of
// the document give the same answer.
func TestEarlierAgrees(t *testing.T) {
	x := earlierWorld(t)
	for _, p := range x.Match("", 10) {
		found := " " + ids(t, x, preview.Query{Person: p, View: preview.Before}) + " "
		for _, id := range []string{"open", "of-blue", "of-red", "of-department", "of-bob", "of-both", "of-three", "new"} {
			for _, view := range []preview.View{preview.Before, preview.After} {
				d, err := x.Document(t.Context(), id, p, view)
				inSearch := strings.Contains(found, " "+id+" ")
				if view == preview.Before && (err == nil) != inSearch {
					t.Errorf("%s found %s: %v, but its page says %v", p, id, inSearch, err)
				}
				if err == nil && (d.Earlier.Answer.Finds != inSearch || d.FindsBefore != inSearch) {
					t.Errorf("%s found %s: %v, but: %+v", p, id, inSearch, d.Earlier.Answer)
				}
			}
		}
	}
}

// TestPageOfEarlier: the page shows the paths before and after this run, and what the baseline
// does not keep.
func TestPageOfEarlier(t *testing.T) {
	s := newSite(t, earlierWorld(t), preview.Options{})
	for _, c := range []struct {
		who, id, view string
		has, lacks    []string
	}{
		{"ann", "of-department", "after", []string{"finds it: the rule", "found it: the rule",
			`<ol class="chain"`, "Everyone who found it before this run", "department: 2 people",
			"only people of this run are counted"}, nil},
		{"cat", "of-red", "before", []string{"does not find it: the rule", "found it: the rule", "<li><bdi>red</bdi></li>",
			"2 people of this run found it", "Bob Baker"}, []string{"cannot be named"}},
		{"cat", "of-three", "after", []string{"It is not known whether Cat Cook",
			"The document also named a user, a group or a set of groups that cannot be named."}, nil},
		{"", "open", "before", []string{"Before this run, any user of the datasource found it",
			"All users of the datasource found it: 4 before this run"}, []string{"only people of this run"}},
		{"", "new", "after", []string{"Before this run, not every user of the datasource found it",
			"No one: the last good run did not publish it"}, nil},
	} {
		code, body := s.get("/document", "as", c.who, "id", c.id, "view", c.view)
		if code != http.StatusOK {
			t.Errorf("%s, %s: %d", c.who, c.id, code)
		}
		for _, want := range c.has {
			if !strings.Contains(body, want) {
				t.Errorf("%s, %s: %q is missing:\n%s", c.who, c.id, want, body)
			}
		}
		for _, other := range c.lacks {
			if strings.Contains(body, other) {
				t.Errorf("%s, %s: %q is on the page:\n%s", c.who, c.id, other, body)
			}
		}
	}
	_, body := newSite(t, newWorld(t).build(), preview.Options{}).get("/document", "id", "open")
	if strings.Contains(body, "before this run") {
		t.Errorf("without an earlier run:\n%s", body)
	}
}
