package preview_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/verify"
)

// TestSearchAsPerson: every person finds their documents: by user, group, group in a group, and
// all of several groups.
func TestSearchAsPerson(t *testing.T) {
	x := newWorld(t).build()
	for who, want := range map[string]string{
		"":                              "open",
		"ann@example.com":               "of-blue of-department open",
		"bob":                           "of-bob of-red open",
		"Cat Cook <cat@example.com>":    "of-blue of-both of-department of-red open",
		"DAN@example.com":               "open",
		"diver":                         "open",
		" Ann Archer <ANN@example.com>": "of-blue of-department open",
	} {
		q := preview.Query{Person: pick(t, x, who), View: preview.After}
		if got := ids(t, x, q); got != want {
			t.Errorf("%q finds %s, want %s", who, got, want)
		}
		q.Text = "shared"
		if got := ids(t, x, q); got != want {
			t.Errorf("%q finds %s by a word of all documents, want %s", who, got, want)
		}
	}
	if x.Documents != 6 || x.People() != 4 {
		t.Errorf("%d documents, %d people", x.Documents, x.People())
	}
}

// TestSearchAgreesWithExplain: for every person and every record, the search, the page of the
// document, its explanation and verify give the same answer.
func TestSearchAgreesWithExplain(t *testing.T) {
	w := newWorld(t)
	w.write(people + pages + `{"id":"of-two-sets","kind":"page","name":"Two","both":[["blue","red"],["department","red"]]}
{"id":"of-unknown","kind":"page","name":"Lost","both":["blue","none"]}`)
	owned, open := catalog(50, "owner"), catalog(30, "datasource-users")
	for _, o := range []*job.Options{&owned, &open} { // some people are not active
		o.Settings = []pipeline.Setting{{Path: "mapping.users.fields.isActive", Value: `not (metadata.name endsWith "3")`}}
	}
	for name, o := range map[string]job.Options{"pages": w.options(), "owned": owned, "open": open} {
		t.Run(name, func(t *testing.T) { agree(t, o) })
	}
}

func agree(t *testing.T, o job.Options) {
	x := build(t, o, t.TempDir())
	j, err := job.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	trace := explain.New(j.Pipeline, func(string) bool { return true })
	if _, err := explain.Watch(t.Context(), j.Pipeline, j.State, trace); err != nil {
		t.Fatal(err)
	}
	documents, err := verify.Read(t.Context(), j.Pipeline, j.State, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range trace.People() {
		if len(trace.PrincipalsOf(p)) > 0 {
			continue
		}
		compared, err := documents.Compare(p.Email, nil)
		if err != nil || compared.Found > 0 {
			t.Errorf("%s, who is not active, finds %d documents: %v", p.Email, compared.Found, err)
		}
		for _, ref := range trace.Refs() {
			if e, err := x.Explain(t.Context(), ref, p.Email); err != nil || e.Answer.Finds {
				t.Errorf("%s, who is not active, finds %s: %+v, %v", p.Email, ref, e, err)
			}
		}
	}
	finds := map[bool]int{}
	for _, p := range x.Match("", 1000) {
		found := map[string]string{} // the ID by ref
		q := preview.Query{Person: p, View: preview.After}
		for total := 1; q.Page*preview.PageSize < total; q.Page++ {
			r, err := x.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			total = r.Total
			for _, hit := range r.Hits {
				found[hit.Ref] = hit.ID
			}
		}
		compared, err := documents.Compare(p.Email, nil)
		if err != nil {
			t.Fatal(err)
		}
		verified := map[string]bool{}
		for _, d := range compared.Hidden { // nothing is shown
			verified[d.Ref] = true
		}
		for _, ref := range trace.Refs() {
			id, inSearch := found[ref]
			finds[inSearch]++
			e, err := x.Explain(t.Context(), ref, p.Email)
			if err != nil || e.Answer.Finds != inSearch || verified[ref] != inSearch {
				t.Fatalf("%s finds %s: %v, verify says %v, explain %+v, %v", p, ref, inSearch, verified[ref], e, err)
			}
			doc := trace.Document(trace.Journey(ref))
			if doc == nil {
				continue
			}
			d, err := x.Document(t.Context(), doc.ID, p, preview.After)
			if inSearch != (err == nil) || err == nil && (!d.Explanation.Answer.Finds || !d.FindsAfter || d.ID != id) {
				t.Fatalf("%s finds %s: %v, but its page says %+v, %v", p, ref, inSearch, d, err)
			}
		}
	}
	if finds[true] < 8 || finds[false] < 8 {
		t.Errorf("%v", finds)
	}
}

// TestSearchText: any text is words to look for, and never a syntax.
func TestSearchText(t *testing.T) {
	x := newWorld(t).build()
	cat := pick(t, x, "cat")
	for text, want := range map[string]string{
		"indigo":                  "of-blue",
		"INDIGO paint":            "of-blue",
		"pain":                    "of-blue of-both of-red",
		"pain ":                   "",
		"paint NOT indigo":        "",
		"blue room":               "of-blue",
		"budget":                  "of-department",
		"title:budget":            "",
		`"`:                       "of-blue of-both of-department of-red open",
		"*":                       "of-blue of-both of-department of-red open",
		"paint*":                  "of-blue of-both of-red",
		"OR":                      "",
		"lünch":                   "open",
		"of-both":                 "of-both",
		"of-":                     "of-blue of-both of-department of-red",
		"scarlet\x00paint":        "of-red",
		"wages":                   "",
		"\xff\xfe lunch":          "open",
		"lunch (noon)":            "open",
		strings.Repeat("a ", 999): "of-blue of-both of-department of-red",
	} {
		if got := ids(t, x, preview.Query{Text: text, Person: cat, View: preview.After}); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}

// FuzzSearchText: no text is an error.
func FuzzSearchText(f *testing.F) {
	x := newWorld(f).build()
	for _, text := range []string{`"`, `a"b`, "NEAR(a b)", "a AND", "-a", "^a", "{a}:b", "a*", "'", "\x00", "\xff", "日本"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids(t, x, preview.Query{Text: text, View: preview.After})
	})
}

// TestSearchRanks: a hit in the title is better than one in the text, and is marked.
func TestSearchRanks(t *testing.T) {
	w := newWorld(t)
	w.write(people + `
{"id":"a","kind":"page","name":"Other","text":"payments payments \u0002payments\u0003"}
{"id":"b","kind":"page","name":"Payments","text":"nothing"}`)
	r, err := w.build().Search(t.Context(), preview.Query{Text: "paym", View: preview.After})
	if err != nil || len(r.Hits) != 2 || r.Hits[0].ID != "b" {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := fmt.Sprint(r.Hits[0].Title, r.Hits[1].Snippet); got !=
		"[{Payments true}] [{payments true} {  false} {payments true} {   false} {payments true} {  false}]" {
		t.Error(got)
	}
}

// TestSearchLeaksNothing: totals, facets and snippets are of documents that the person finds.
func TestSearchLeaksNothing(t *testing.T) {
	x := newWorld(t).build()
	ann := pick(t, x, "ann")
	for _, text := range []string{"", "shared", "page", "wages", "Bob", "Safe", "secret", "scarlet"} {
		r, err := x.Search(t.Context(), preview.Query{Text: text, Person: ann, View: preview.After})
		if err != nil {
			t.Fatal(err)
		}
		all := fmt.Sprint(r)
		for _, secret := range []string{"Bob", "Safe", "wages", "secret", "scarlet", "Red room", "Attic"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q gives Ann %s: %s", text, secret, all)
			}
		}
		if n := r.Total; n > 3 {
			t.Errorf("%q has %d documents", text, n)
		}
	}
	r, err := x.Search(t.Context(), preview.Query{Person: ann, View: preview.After,
		Facets: []preview.FacetValue{{Name: "place", Value: "Safe"}}})
	if err != nil || r.Total != 0 || len(r.Facets) != 0 {
		t.Errorf("a facet of another document gives %+v, %v", r, err)
	}
}

// TestSearchFacets: results have one of the values of each facet.
func TestSearchFacets(t *testing.T) {
	x := newWorld(t).build()
	value := func(name, value string) preview.FacetValue { return preview.FacetValue{Name: name, Value: value} }
	for want, facets := range map[string][]preview.FacetValue{
		"of-bob":      {value("type", "secret")},
		"of-red open": {value("place", "Hall"), value("place", "Red room")},
		"":            {value("place", "Hall"), value("type", "secret")},
		"open":        {value("place", "Hall"), value("place", "page")}, // page is a type
	} {
		if got := ids(t, x, preview.Query{Person: pick(t, x, "bob"), View: preview.After, Facets: facets}); got != want {
			t.Errorf("%v: %q", facets, got)
		}
	}
	r, err := x.Search(t.Context(), preview.Query{Person: pick(t, x, "bob"), View: preview.After})
	if err != nil || len(r.Facets) != 2 ||
		fmt.Sprint(r.Facets[0]) != "{type Type [{type Type page 2} {type Type secret 1}] 0}" {
		t.Errorf("%+v, %v", r.Facets, err)
	}
}

// TestSearchPages: pages have all documents once, and a page beyond the last one is the last.
func TestSearchPages(t *testing.T) {
	w := newWorld(t)
	var text, want strings.Builder
	const n = 125
	for i := range n {
		place := "Hall"
		if i >= 120 {
			place = "Attic"
		}
		fmt.Fprintf(&text, `{"id":"page-%03d","kind":"page","name":"Page %03d","place":%q}`+"\n", n-1-i, i, place)
		fmt.Fprintf(&want, "%03d ", n-1-i)
	}
	w.write(people + text.String())
	x := w.build()
	for _, words := range []string{"", "page"} { // with words, all are as good, and come as they were read
		seen := ""
		for page := range 14 {
			r, err := x.Search(t.Context(), preview.Query{Text: words, View: preview.After, Page: page})
			if err != nil || r.Total != n {
				t.Fatal(r, err)
			}
			if page == 13 && r.Hits[0].ID != "page-004" {
				t.Errorf("page 14 begins with %s", r.Hits[0].ID)
			}
			for _, h := range r.Hits {
				if page < 13 {
					seen += h.ID[5:] + " "
				}
			}
		}
		if seen != want.String() {
			t.Errorf("by %q: %s", words, seen)
		}
	}
	for i, facets := range [][]preview.FacetValue{nil, {{Name: "place", Value: "Hall"}}} { // 125 and 120 documents
		r, err := x.Search(t.Context(), preview.Query{View: preview.After, Page: 99, Facets: facets})
		if err != nil || len(r.Hits) == 0 || r.Total != n-5*i ||
			r.Hits[len(r.Hits)-1].ID != []string{"page-000", "page-005"}[i] {
			t.Errorf("beyond the last page: %+v, %v", r, err)
		}
	}
}

// TestBeforeWithoutUsers: a baseline without users, of a datasource that uses those of another
// one, does not say who was a user.
func TestBeforeWithoutUsers(t *testing.T) {
	w := newWorld(t)
	o := w.options()
	o.Only = []string{"groups", "documents"}
	if r := job.Run(t.Context(), job.Request{Open: o}); r.Err != nil {
		t.Fatal(r.Err)
	}
	x := w.build()
	if got := ids(t, x, preview.Query{Person: pick(t, x, "dan"), View: preview.Before}); got != "open" {
		t.Errorf("Dan found %q", got)
	}
}

// TestBefore: the view before has today's texts with the audiences of the last good run, its
// memberships and its users.
func TestBefore(t *testing.T) {
	w := newWorld(t)
	if x := w.build(); !x.Earlier.IsZero() || ids(t, x, preview.Query{View: preview.Before}) != "" {
		t.Error("there is a view before without an earlier run")
	}
	w.publish()
	all := people + pages
	for from, to := range map[string]string{
		`["bob","cat"]`:                             `["bob","dan"]`, // red
		`"name":"Blue plans","teams":["blue"]`:      `"name":"Blue plans"`,
		`"kind":"page","name":"Salary of Bob","use`: `"kind":"page","name":"Pay of Bob","use`,
		`"name":"Merger","both":["blue","red"]`:     `"name":"Merger","teams":["red"]`,
	} {
		if !strings.Contains(all, from) {
			t.Fatal(from)
		}
		all = strings.Replace(all, from, to, 1)
	}
	w.write(all + `
{"id":"eve","kind":"person","name":"Eve","mail":"eve@example.com"}
{"id":"new","kind":"page","name":"New","text":"shared"}`)
	x := w.build()
	if x.Earlier.IsZero() || x.Gone != 0 {
		t.Errorf("%v, %d", x.Earlier, x.Gone)
	}
	for who, want := range map[string][2]string{
		"":    {"open", "new of-blue open"},
		"ann": {"of-blue of-department open", "new of-blue of-department open"},
		"bob": {"of-bob of-red open", "new of-blue of-bob of-both of-red open"},
		"cat": {"of-blue of-both of-department of-red open", "new of-blue of-department open"},
		"dan": {"open", "new of-blue of-both of-red open"},
		"eve": {"", "new of-blue open"},
	} {
		p := pick(t, x, who)
		if got := ids(t, x, preview.Query{Person: p, View: preview.Before}); got != want[0] {
			t.Errorf("before, %q found %s, want %s", who, got, want[0])
		}
		if got := sorted(ids(t, x, preview.Query{Person: p, View: preview.After})); got != sorted(want[1]) {
			t.Errorf("after, %q finds %s, want %s", who, got, want[1])
		}
	}
	r, err := x.Search(t.Context(), preview.Query{Text: "pay", Person: pick(t, x, "bob"), View: preview.Before})
	if err != nil || r.Total != 1 || !r.Hits[0].Other {
		t.Errorf("%+v, %v", r, err)
	}
	d, err := x.Document(t.Context(), "of-blue", pick(t, x, "cat"), preview.Before)
	if err != nil || !d.FindsBefore || !d.FindsAfter || d.Before.String() != "listed" ||
		d.After.String() != "datasource-users" {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err = x.Document(t.Context(), "of-red", pick(t, x, "cat"), preview.Before); err != nil || d.FindsAfter ||
		d.Explanation.Answer.Finds {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := x.Document(t.Context(), "of-red", pick(t, x, "cat"), preview.After); err == nil {
		t.Error("a document that Cat does not find any more is shown")
	}
	// A document that a run deleted is no longer found before, although its entry is kept.
	w.write(people + strings.Replace(pages, `"id":"of-bob"`, `"id":"of-bob-2"`, 1))
	w.publish()
	w.write(people + pages)
	w.publish()
	w.write(people + strings.Replace(pages, `"id":"of-bob"`, `"id":"of-bob-2"`, 1))
	x = w.build()
	got := ids(t, x, preview.Query{Person: pick(t, x, "bob"), View: preview.Before})
	if got != "of-red open" || x.Gone != 1 {
		t.Errorf("after a deletion, Bob found %s, and %d are gone", got, x.Gone)
	}

	w.write(people)
	if x := w.build(); x.Gone != 6 || x.Refused == nil {
		t.Errorf("%d gone, %v", x.Gone, x.Refused)
	}
}
