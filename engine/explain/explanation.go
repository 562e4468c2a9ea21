package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Explanation is the path of one record through a pipeline, with the lines of the pipeline file
// that caused each step.
type Explanation struct {
	Ref        string          `json:"ref"`
	Kind       string          `json:"kind"`
	Title      string          `json:"title,omitempty"`
	Ending     string          `json:"ending"`
	Reason     string          `json:"reason,omitempty"`
	Record     map[string]any  `json:"record"`
	Transforms []TransformStep `json:"transforms"`
	Items      []ItemResult    `json:"items"`
	Decision   *DecisionResult `json:"permissions,omitempty"`
	Identity   *IdentityResult `json:"identity,omitempty"`
	Answer     *Answer         `json:"as,omitempty"`
}

// TransformStep is the result of one transform.
type TransformStep struct {
	Name    string             `json:"name"`
	At      string             `json:"at"`
	Outcome string             `json:"outcome"`
	Reason  string             `json:"reason,omitempty"`
	Changes []codec.Difference `json:"changes,omitempty"`
}

// The outcomes of a transform.
const (
	Changed   = "changed"
	Unchanged = "unchanged"
	Dropped   = "dropped"
	Failed    = "failed"
	Skipped   = "skipped" // its condition did not hold
)

// ItemResult is what the mapping made of the record for one stream.
type ItemResult struct {
	Stream string        `json:"stream"`
	At     string        `json:"at"`
	Ending string        `json:"ending"`
	Reason string        `json:"reason,omitempty"`
	Fields []FieldResult `json:"fields"`
}

// FieldResult is one field of an item.
type FieldResult struct {
	Name       string `json:"name"`
	At         string `json:"at"`
	Expression string `json:"expression"`
	Value      any    `json:"value"` // null when the expression gave nothing
}

// DecisionResult is the rules in order and the resulting audience.
type DecisionResult struct {
	Rules []RuleResult `json:"rules"` // empty with From
	// From is the record that the record belongs to, whose permissions it has: no rule is evaluated
	// for it. Rule is the rule that decided about that record, when it did. Both are "" for any
	// other record.
	From     string     `json:"from,omitempty"`
	Rule     string     `json:"rule,omitempty"`
	Audience string     `json:"audience,omitempty"`
	Named    []string   `json:"named,omitempty"`     // the refs that the rule gave
	AllOf    [][]string `json:"all_of,omitempty"`    // sets of groups; people must be in all groups of a set
	LeftOut  []string   `json:"left_out,omitempty"`  // refs in Named and AllOf that were not delivered as a user or group
	Finders  []Finder   `json:"finders,omitempty"`   // only with audience listed
	People   []string   `json:"people,omitempty"`    // the e-mails of all finders
	Everyone int        `json:"everybody,omitempty"` // the number of users, with datasource-users
}

// RuleResult is what a permission rule said of the record.
type RuleResult struct {
	Name    string `json:"name"`
	At      string `json:"at"`
	When    string `json:"when,omitempty"`
	Outcome string `json:"outcome"`
}

// The outcomes of a rule.
const (
	ruleNot      = "did not hold"
	RuleDecided  = "decided"
	ruleNotAsked = "not asked"
	RuleFailed   = "failed"
)

// IdentityResult is what a user or group is in the sink.
type IdentityResult struct {
	Person  *Person  `json:"person,omitempty"`
	Groups  []string `json:"member_of,omitempty"`
	Members []Finder `json:"members,omitempty"`
	People  []string `json:"people,omitempty"` // people in the group, including its subgroups
	Group   bool     `json:"group,omitempty"`
}

// Record returns the explanation of a record, without an Answer.
func Record(d *pipeline.Definition, t *Trace, j *Journey) Explanation {
	end := j.Ending()
	e := Explanation{
		Ref: j.Entry.Ref, Kind: j.Entry.Kind, Title: j.Entry.Title, Ending: end.Ending.String(), Reason: end.Because(),
		Record:     j.Value,
		Transforms: Transforms(d, j), Items: []ItemResult{},
	}
	decides := false
	for _, item := range j.Items {
		e.Items = append(e.Items, explainItem(d, j, item))
		s := d.Streams[slices.IndexFunc(d.Streams, func(s component.Stream) bool { return s.Name == item.Stream })]
		decides = decides || s.Permissions
	}
	if decides {
		e.Decision = explainDecision(d, t, j)
	}
	e.Identity = explainIdentity(t, j)
	return e
}

// where returns a position as file:line.
func where(p config.Pos) string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Transforms returns what the transforms made of a record, in the order of the pipeline file.
func Transforms(d *pipeline.Definition, j *Journey) []TransformStep {
	out := []TransformStep{}
	for i, s := range j.Steps {
		one := TransformStep{Name: s.Transform, At: where(d.File.Transforms[i].Pos()), Outcome: Unchanged}
		switch {
		case s.Outcome.Err != nil:
			one.Outcome, one.Reason = Failed, s.Outcome.Err.Error()
		case s.Outcome.Dropped != "":
			one.Outcome, one.Reason = Dropped, strings.TrimPrefix(strings.TrimPrefix(s.Outcome.Dropped, s.Transform), ": ")
		case s.Outcome.Skipped:
			one.Outcome = Skipped
		default:
			if one.Changes = codec.Differences(s.Before, s.After); len(one.Changes) > 0 {
				one.Outcome = Changed
			}
		}
		out = append(out, one)
	}
	return out
}

func explainItem(d *pipeline.Definition, j *Journey, item component.Item) ItemResult {
	end := j.EndIn(item.Stream)
	out := ItemResult{Stream: item.Stream, Ending: end.Ending.String(), Reason: end.Because(), Fields: []FieldResult{}}
	facts, _ := d.MappingOf(item)
	out.At = where(facts.Node.Pos())
	for _, f := range facts.Fields {
		v := fieldOf(item.Fields, f.Name)
		if f.Properties == nil {
			out.Fields = append(out.Fields, FieldResult{f.Name, where(f.Node.Pos()), expressionText(f.Node), v})
			continue
		}
		below, _ := v.([]component.Field)
		for _, p := range f.Properties {
			out.Fields = append(out.Fields,
				FieldResult{f.Name + "." + p.Name, where(p.Node.Pos()), expressionText(p.Node), fieldOf(below, p.Name)})
		}
	}
	return out
}

func fieldOf(fields []component.Field, name string) any {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// expressionText returns an expression or a literal list on one line.
func expressionText(n *config.Node) string {
	if n.Kind() == config.List {
		b, err := codec.Marshal(n.Value())
		if err != nil {
			return err.Error()
		}
		return display.Line(string(b))
	}
	return strings.Join(strings.Fields(n.Text()), " ")
}

func explainDecision(d *pipeline.Definition, t *Trace, j *Journey) *DecisionResult {
	out := &DecisionResult{Rules: []RuleResult{}}
	if host, attached := component.HostsOf(d.Model)(j.Entry.Ref); attached {
		out.From = host
		if j.Decision != nil {
			out.Rule = j.Decision.Rule
		}
	} else {
		out.Rules = explainRules(d, j)
	}
	if j.Decision == nil {
		return out
	}
	out.Audience, out.Named, out.AllOf = j.Decision.Audience.String(), j.Decision.Principals, j.Decision.AllOf
	doc := t.Document(j)
	for _, ref := range j.Decision.Principals {
		if !t.Known(ref) && (doc == nil || !Names(doc.Principals, ref)) {
			out.LeftOut = append(out.LeftOut, ref)
		}
	}
	switch {
	case doc == nil:
	case doc.Audience == access.Listed:
		out.Finders = t.FindersOf(doc)
		out.People = Reached(out.Finders)
	case doc.Audience == access.DatasourceUsers:
		out.Everyone = len(t.People())
	}
	return out
}

// explainRules returns what the rules said of a record.
func explainRules(d *pipeline.Definition, j *Journey) []RuleResult {
	out := []RuleResult{}
	decided, outcome := "", RuleDecided
	if j.Decision != nil {
		decided = j.Decision.Rule
	} else if end := j.Ending(); end.Why.Stage == fault.StagePermissions {
		decided, outcome = end.Why.Field, RuleFailed
	}
	reached := false
	for _, g := range d.Grants {
		one := RuleResult{Name: g.Rule, At: where(g.Node.Pos()), When: strings.Join(strings.Fields(g.When.Text), " "),
			Outcome: ruleNot}
		if g.When.IsSet() {
			one.At = where(g.When.Node().Pos())
		}
		switch {
		case reached || decided == "":
			one.Outcome = ruleNotAsked
		case g.Rule == decided:
			one.Outcome, reached = outcome, true
		}
		out = append(out, one)
	}
	return out
}

func explainIdentity(t *Trace, j *Journey) *IdentityResult {
	if p, why := t.Person(j.Entry.Ref); why == "" {
		return &IdentityResult{Person: &p, Groups: t.GroupsOf(p)}
	}
	members, isGroup := t.Members(j.Entry.Ref)
	if !isGroup {
		return nil
	}
	out := &IdentityResult{Group: true, Members: t.Finders(members)}
	out.People = Reached(out.Members)
	return out
}
