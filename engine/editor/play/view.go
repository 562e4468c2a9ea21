package play

import (
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/editor/analysis"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// The most names and lines of text that are shown, and the most lines and characters of a field and its
// expression: the text of a document is above its fields, and the expression is in the file.
const (
	mostNames      = 50
	mostLines      = 60
	mostOfField    = 4
	mostExpression = 120
)

// result is what the text makes of the sample's record.
type result struct {
	Ref     string
	Missing string // the ref that the sample does not have
	Notes   []string
	Card    *card
	// Reason is why the record is not a document or an item that is sent; "" when it is.
	Ending, Reason string
	Steps          []step // of transforms that did something
	Answer         *answer
	Words          preview.Words
	Decides        bool // the rules decide about the record
	Rule           *rule
	Rules          []rule
	Identity       *identity
	Items          []item
}

// card is the document as people see it.
type card struct {
	Title, URL string
	Meta       []string
	Lines      []string
	More       int
	Properties []property
}

type property struct {
	Label, Value string
	Facet        bool
}

type step struct {
	Name, Outcome, Reason string
	Line                  int
}

// answer is whether a person finds the document.
type answer struct {
	Finds, Unknown bool
	Who, Why       string
	Chains         [][]string
}

type rule struct {
	preview.Rule
	Text string // in a sentence
	Line int
}

// identity is what a user or group is.
type identity struct {
	Text   string
	Names  []string
	Header string
}

type item struct {
	Stream string
	Line   int
	Fields []field
	Reason string
}

type field struct {
	preview.Field
	Line int
}

// nameOf returns the name of the person with an e-mail.
func nameOf(t *analysis.Trial, email string) string {
	for _, p := range t.People {
		if p.Email == email && len(p.Refs) > 0 {
			if name := t.NameOf(p.Refs[0]); name != "" && name != email {
				return name + " <" + email + ">"
			}
		}
	}
	return email
}

// lineOf returns the line of a place, 0 for none.
func lineOf(at string) int {
	n, err := strconv.Atoi(at[strings.LastIndex(at, ":")+1:])
	if err != nil {
		return 0
	}
	return n
}

// view returns the result of a trial. asked is the ref that was chosen.
func view(t *analysis.Trial, asked string) result {
	v := result{Ref: t.Ref, Notes: t.Notes}
	e := t.Explanation
	if e == nil {
		v.Missing = asked
		return v
	}
	names := func(email string) string { return nameOf(t, email) }
	v.Words = preview.InWords(e, names)
	v.Decides = e.Decision != nil
	for _, r := range v.Words.Rules {
		one := rule{r, explain.RuleText(r.Name), lineOf(r.At)}
		if r.Decided {
			v.Rule = &one
		}
		v.Rules = append(v.Rules, one)
	}
	for _, i := range e.Items {
		one := item{Stream: i.Stream, Line: lineOf(i.At), Reason: i.Reason}
		for _, f := range preview.FieldsOf(i) {
			one.Fields = append(one.Fields, fieldOf(f))
		}
		v.Items = append(v.Items, one)
	}
	for _, s := range e.Transforms {
		if s.Outcome != explain.Unchanged && s.Outcome != explain.Skipped {
			v.Steps = append(v.Steps, step{s.Name, s.Outcome, s.Reason, lineOf(s.At)})
		}
	}
	if t.Card != nil {
		v.Card = cardOf(t, t.Card)
	}
	v.Ending, v.Reason = e.Ending, e.Reason
	if a := e.Answer; a != nil {
		v.Answer = &answer{a.Finds, a.Unknown, names(a.Who), a.Why, a.Chains()}
	}
	v.Identity = identityOf(e.Identity)
	return v
}

func fieldOf(f preview.Field) field {
	more := max(0, len(f.Lines)-mostOfField)
	f.Lines, f.More = f.Lines[:len(f.Lines)-more], f.More+more
	f.Expression = display.Short(f.Expression, mostExpression)
	return field{f, lineOf(f.At)}
}

func cardOf(t *analysis.Trial, c *component.Card) *card {
	out := &card{Title: strings.Join(strings.Fields(c.Title), " "), URL: c.URL}
	for _, one := range []string{c.Type, ownerOf(t, c.Owner)} {
		if one != "" {
			out.Meta = append(out.Meta, one)
		}
	}
	if !c.Updated.IsZero() {
		out.Meta = append(out.Meta, "updated "+c.Updated.Format(time.DateOnly))
	}
	if c.Text != "" {
		out.Lines = strings.Split(strings.TrimRight(c.Text, "\n"), "\n")
		out.More = max(0, len(out.Lines)-mostLines)
		out.Lines = out.Lines[:len(out.Lines)-out.More]
	}
	for _, p := range c.Properties {
		out.Properties = append(out.Properties, property{p.Label, display.List(p.Values, mostNames, ", "), p.Facet})
	}
	return out
}

func ownerOf(t *analysis.Trial, principal string) string {
	if principal == "" {
		return ""
	}
	if name := t.NameOf(principal); name != "" {
		return name
	}
	name, _ := component.PrincipalName(principal)
	return name
}

func identityOf(i *explain.IdentityResult) *identity {
	switch {
	case i == nil:
		return nil
	case i.Group:
		return &identity{Text: "A group of " + display.Plural(len(i.People), "user") + ".", Header: "Its members",
			Names: i.People[:min(len(i.People), mostNames)]}
	}
	out := &identity{Text: "A user, " + i.Person.Email + ".", Header: "Member of",
		Names: i.Groups[:min(len(i.Groups), mostNames)]}
	if i.Person.Inactive {
		out.Text += " Not active: finds nothing that names them."
	}
	return out
}
