package preview

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// The most names and lines that a page lists.
const (
	mostNames = 50
	mostLines = 60
)

type faultView struct{ Text string }

type searchView struct {
	Text, As     string
	Person       string // "" while it is not known
	Unknown      bool
	Near         []Link
	Before       bool // the view
	HasBefore    bool
	Earlier      string
	Alerts       []string
	Notes        []string
	Total        string
	Hits         []hitView
	Facets       []facetView
	Chosen       []Link // facets that are set; the address leaves one out
	Values       []string
	Previous     string
	Next         string
	Place        string // which results the page has
	Documents    string
	PeopleNumber string
	Built        string
	Again        bool   // there is a form that reads the documents again
	Token        string // of the form
	Reading      bool
	ReadError    string
}

// timeText returns a time in UTC, as the other pages of a server show times.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// again adds the form that reads the documents again.
func (v *searchView) again(a Again) {
	v.Again, v.Token, v.Reading = true, a.Token, a.Reading
	if a.Err != nil {
		v.ReadError = a.Err.Error()
	}
}

type hitView struct {
	Title, Snippet []Part
	Address        string
	Meta           []string
	Properties     []property
	Tags           []tag
}

type property struct{ Name, Value string }

// tag is a mark on a document; Tone is a class of the style sheet.
type tag struct{ Tone, Text string }

type facetView struct {
	Label  string
	Values []facetLink
	More   int
}

type facetLink struct {
	Link
	N      string
	Chosen bool
}

// searchView returns the page of a search without its results.
func (h *handler) searchView(x *Index, q Query, as string) searchView {
	v := searchView{Text: q.Text, As: as, Before: q.View == Before, HasBefore: !x.Earlier.IsZero(),
		Documents: display.Plural(x.Documents, "document"), PeopleNumber: peopleText(len(x.people)),
		Built: timeText(x.Built)}
	if v.HasBefore {
		v.Earlier = timeText(x.Earlier)
	}
	if x.Refused != nil {
		v.Alerts = append(v.Alerts, x.Refused.Error())
	}
	if x.Gone > 0 {
		v.Notes = append(v.Notes, display.Plural(x.Gone, "document")+" of the last good run would be deleted and "+
			cond(x.Gone == 1, "is", "are")+" not shown.")
	}
	for _, f := range q.Facets {
		v.Values = append(v.Values, f.Name+":"+f.Value)
	}
	return v
}

// peopleText returns a number of people.
func peopleText(n int) string {
	if n == 1 {
		return "1 person"
	}
	return display.Number(n) + " people"
}

func cond(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// results adds the results to a page.
func (h *handler) results(v *searchView, x *Index, q Query, r *Results) {
	as := q.Person.Email
	v.Person = q.Person.String()
	if q.Person.number > 0 {
		v.As = v.Person
	}
	v.Total = display.Plural(r.Total, "document")
	for _, hit := range r.Hits {
		v.Hits = append(v.Hits, h.hitView(x, q, hit))
	}
	for _, f := range q.Facets {
		v.Chosen = append(v.Chosen, Link{f.Value, h.address(q, as, func(values url.Values) { toggle(values, f) })})
	}
	for _, f := range r.Facets {
		one := facetView{Label: f.Label, More: f.More}
		for _, value := range f.Values {
			one.Values = append(one.Values, facetLink{
				Link: Link{value.Value, h.address(q, as, func(values url.Values) { toggle(values, value) })},
				N:    display.Number(value.N), Chosen: isChosen(q.Facets, value),
			})
		}
		v.Facets = append(v.Facets, one)
	}
	last := max(r.Total-1, 0) / PageSize
	page := min(max(q.Page, 0), last)
	at := func(n int) string {
		return h.address(q, as, func(values url.Values) { values.Set("page", strconv.Itoa(n+1)) })
	}
	if page > 0 {
		v.Previous = at(page - 1)
	}
	if page < last {
		v.Next = at(page + 1)
	}
	if last > 0 {
		v.Place = fmt.Sprintf("Page %s of %s", display.Number(page+1), display.Number(last+1))
	}
}

func isChosen(facets []FacetValue, v FacetValue) bool {
	for _, f := range facets {
		if f.Name == v.Name && f.Value == v.Value {
			return true
		}
	}
	return false
}

// toggle adds a facet to an address, or removes it.
func toggle(values url.Values, v FacetValue) {
	text, kept, had := v.Name+":"+v.Value, []string(nil), false
	for _, f := range values["f"] {
		if f == text {
			had = true
		} else {
			kept = append(kept, f)
		}
	}
	if !had {
		kept = append(kept, text)
	}
	values["f"] = kept
}

func (h *handler) hitView(x *Index, q Query, hit Hit) hitView {
	out := hitView{
		Title: oneLine(hit.Title), Snippet: oneLine(hit.Snippet), Meta: []string{hit.Type},
		Address: h.Base + "/document?" + encode(q, q.Person.Email, func(values url.Values) { values.Set("id", hit.ID) }),
	}
	if hit.Owner != "" {
		out.Meta = append(out.Meta, hit.Owner)
	}
	if !hit.Updated.IsZero() {
		out.Meta = append(out.Meta, "updated "+hit.Updated.Format(time.DateOnly))
	}
	for _, p := range hit.Properties {
		out.Properties = append(out.Properties, property{p.Label, display.List(p.Values, mostNames, ", ")})
	}
	out.Tags = append(out.Tags, tag{hit.Audience.String(), audienceText(hit.Audience)})
	switch {
	case hit.Other || x.Earlier.IsZero():
	case q.View == Before:
		out.Tags = append(out.Tags, tag{"warn", "not after this run"})
	default:
		out.Tags = append(out.Tags, tag{"good", "not before this run"})
	}
	return out
}

// audienceText returns an audience in words for people.
func audienceText(a access.Audience) string {
	switch a {
	case access.Listed:
		return "named people and groups"
	case access.DatasourceUsers:
		return "every user of the datasource"
	case access.AllUsers:
		return "everyone who can sign in"
	case access.Undecided:
		return "not published"
	}
	return "no one"
}

// oneLine joins the lines of a text.
func oneLine(parts []Part) []Part {
	out := make([]Part, len(parts))
	for i, p := range parts {
		text := strings.Join(strings.Fields(p.Text), " ")
		if p.Text != "" && strings.TrimLeft(p.Text, " \n\t") != p.Text {
			text = " " + text
		}
		if text != " " && strings.TrimRight(p.Text, " \n\t") != p.Text {
			text += " "
		}
		out[i] = Part{text, p.Hit}
	}
	return out
}

type documentView struct {
	Title, ID, Ref string
	Meta           []string
	Properties     []property
	Link           string // where people open it
	Back           string
	Person         string
	Finds          []sentence
	Words          Words
	Before, After  string
	HasBefore      bool
	Earlier        *earlierView // who found it before this run; nil without an earlier run
}

// earlierView is who found a document before this run.
type earlierView struct {
	Total  string
	Groups []string
	People []string
	More   int
	Note   string
}

// sentence is an answer with the paths from the person to the groups that give access; Tone is a
// class of the style sheet.
type sentence struct {
	Tone, Text string
	Chains     [][]string
}

func (h *handler) documentView(x *Index, q Query, d *Document) documentView {
	e := &d.Explanation
	card := h.hitView(x, q, d.Card)
	v := documentView{
		Title: d.Card.Title[0].Text, ID: d.ID, Ref: d.Card.Ref, Meta: card.Meta, Properties: card.Properties,
		Link: d.Card.URL, Back: h.address(q, q.Person.Email, nil), Person: q.Person.String(), HasBefore: !x.Earlier.IsZero(),
		Before: audienceText(d.Before), After: audienceText(d.After),
	}
	v.Finds = finds(x, d, q.Person)
	if d.Earlier != nil {
		v.Earlier = x.earlierView(d)
	}
	v.Words = InWords(e, func(email string) string {
		if i, known := x.byName[email]; known {
			return x.people[i].String()
		}
		return email
	})
	return v
}

// finds returns whether and why the person finds a document, after this run and before it.
func finds(x *Index, d *Document, p Person) []sentence {
	out := []sentence{{"good", "After this run, any user of the datasource finds it", nil}}
	switch a := d.Explanation.Answer; {
	case a == nil && !d.FindsAfter:
		out[0] = sentence{"warn", "After this run, not every user of the datasource finds it", nil}
	case a != nil && d.FindsAfter:
		out[0] = sentence{"good", "After this run, " + p.String() + " finds it: " + a.Why, a.Chains()}
	case a != nil:
		out[0] = sentence{"warn", "After this run, " + p.String() + " does not find it: " + a.Why, nil}
	}
	if d.Earlier == nil {
		return out
	}
	switch a := d.Earlier.Answer; {
	case a == nil && d.FindsBefore:
		return append(out, sentence{"", "Before this run, any user of the datasource found it", nil})
	case a == nil:
		return append(out, sentence{"", "Before this run, not every user of the datasource found it", nil})
	case d.FindsBefore:
		return append(out, sentence{"", "Before this run, " + p.String() + " found it: " + a.Why, a.Chains()})
	case a.Unknown:
		return append(out, sentence{"", "It is not known whether " + p.String() + " found it before this run: " + a.Why, nil})
	default:
		return append(out, sentence{"", "Before this run, " + p.String() + " did not find it: " + a.Why, nil})
	}
}

// earlierView returns who found a document before this run.
func (x *Index) earlierView(d *Document) *earlierView {
	v, e := &earlierView{}, d.Earlier
	switch {
	case d.Before == access.Listed:
		v.Total = peopleText(len(e.People)) + " of this run found it."
	case d.Before == access.DatasourceUsers && e.Everyone > 0:
		v.Total = "All users of the datasource found it: " + display.Number(e.Everyone) + " before this run."
	case d.Before <= access.Nobody:
		v.Total = "No one: the last good run did not publish it."
	default:
		v.Total = "Found by " + audienceText(d.Before) + "."
	}
	for _, g := range e.Groups {
		v.Groups = append(v.Groups, g.Name+": "+peopleText(g.People))
	}
	for _, p := range e.People[:min(len(e.People), mostNames)] {
		v.People = append(v.People, p.String())
	}
	v.More = len(e.People) - len(v.People)
	if d.Before == access.Listed {
		v.Note = "The baseline keeps hashes of users and groups, so only people of this run are counted."
	}
	for _, text := range unnamed(e.Unknown) {
		v.Note += " The document also named " + text + "."
	}
	return v
}

// valueText returns the value of a field in the form for people.
func valueText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		return strings.Join(v, ", ")
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			texts[i] = valueText(one)
		}
		return strings.Join(texts, ", ")
	case []component.Field:
		return ""
	}
	b, err := codec.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
