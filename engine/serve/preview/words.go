package preview

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
)

// Words are an explanation for a page: what each line of the file gives, and who finds the document.
type Words struct {
	Fields   []Field
	FieldsAt string // the place of the mapping
	Rules    []Rule
	// From is the record that decides instead of the rules, and FromRule the rule that decided about
	// it; both are "" for most records.
	From, FromRule string
	// Total says in a sentence who finds the document; "" when no decision was made. Groups and People
	// are named, and More people are left out.
	Total          string
	Groups, People []string
	More           int
	Notes          []string
}

// Field is a field of a document with the expression that gives its value.
type Field struct {
	Name, Expression, At string
	Lines                []string // of the value
	Empty                bool
	More                 int // lines that are left out
}

// Rule is a permission rule with what it said of the record.
type Rule struct {
	Name, At, When, Outcome string
	Decided                 bool
}

// InWords returns an explanation for a page. name returns the name of the person with an e-mail.
func InWords(e *explain.Explanation, name func(email string) string) Words {
	var v Words
	for _, item := range e.Items {
		v.FieldsAt = item.At
		v.Fields = append(v.Fields, FieldsOf(item)...)
	}
	p := e.Decision
	if p == nil {
		return v
	}
	if v.From = p.From; p.From != "" && p.Rule != "" {
		v.FromRule = explain.RuleText(p.Rule)
	}
	for _, r := range p.Rules {
		v.Rules = append(v.Rules, Rule{r.Name, r.At, r.When, r.Outcome, r.Outcome == explain.RuleDecided})
	}
	if len(p.LeftOut) > 0 {
		v.Notes = append(v.Notes, "Unknown users and groups, which grant no access: "+
			display.List(p.LeftOut, mostNames, ", "))
	}
	if p.Audience != "" {
		v.everyone(p, name)
	}
	return v
}

// everyone adds who finds the document.
func (v *Words) everyone(p *explain.DecisionResult, name func(email string) string) {
	for _, f := range p.Finders {
		if f.Group {
			text := fmt.Sprintf("%s: %s", f.Name, peopleText(len(explain.Reached(f.Members))))
			if f.Unknown {
				text += ", and those of an earlier run, since this run does not write the group"
			}
			v.Groups = append(v.Groups, text)
		}
	}
	switch {
	case p.Audience == access.Listed.String():
		v.Total = peopleText(len(p.People)) + " " + cond(len(p.People) == 1, "finds", "find") + " it."
		for _, email := range p.People[:min(len(p.People), mostNames)] {
			v.People = append(v.People, name(email))
		}
		v.More = len(p.People) - len(v.People)
	case p.Audience == access.DatasourceUsers.String():
		v.Total = "All users of the datasource find it: " + display.Number(p.Everyone) + "."
	default:
		v.Total = "Found by " + audienceText(access.ParseAudience(p.Audience)) + "."
	}
}

// FieldsOf returns the fields of an item for a page.
func FieldsOf(item explain.ItemResult) []Field {
	var out []Field
	for _, f := range item.Fields {
		out = append(out, fieldOf(f))
	}
	return out
}

func fieldOf(f explain.FieldResult) Field {
	out := Field{Name: f.Name, Expression: f.Expression, At: f.At, Empty: f.Value == nil}
	out.Lines = strings.Split(strings.TrimRight(valueText(f.Value), "\n"), "\n")
	out.More = max(0, len(out.Lines)-mostLines)
	out.Lines = out.Lines[:len(out.Lines)-out.More]
	return out
}
