package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/pipeline/trace"
)

// explained is the way of one record through a pipeline, beside the lines of
// the file that made it so.
type explained struct {
	Ref        string             `json:"ref"`
	Kind       string             `json:"kind"`
	Title      string             `json:"title,omitempty"`
	Ending     string             `json:"ending"`
	Reason     string             `json:"reason,omitempty"`
	Record     map[string]any     `json:"record"`
	Transforms []transformed      `json:"transforms"`
	Items      []explainedItem    `json:"items"`
	Decision   *explainedDecision `json:"permissions,omitempty"`
	Identity   *explainedIdentity `json:"identity,omitempty"`
	Answer     *trace.Answer      `json:"as,omitempty"`
}

// transformed is what one transform did.
type transformed struct {
	Name    string       `json:"name"`
	At      string       `json:"at"`
	Outcome string       `json:"outcome"`
	Reason  string       `json:"reason,omitempty"`
	Changes []difference `json:"changes,omitempty"`
}

// triedSkipped is beside the outcomes of plugin try: its condition did not hold.
const triedSkipped = "skipped"

type explainedItem struct {
	Stream string           `json:"stream"`
	At     string           `json:"at"`
	Ending string           `json:"ending"`
	Reason string           `json:"reason,omitempty"`
	Fields []explainedField `json:"fields"`
}

type explainedField struct {
	Name       string `json:"name"`
	At         string `json:"at"`
	Expression string `json:"expression"`
	Value      any    `json:"value"` // null when it gave nothing
}

// explainedDecision is the rules in their order and who finds the document.
type explainedDecision struct {
	Rules    []explainedRule `json:"rules"`
	Audience string          `json:"audience,omitempty"`
	Named    []string        `json:"named,omitempty"`     // the refs that the rule gave
	AllOf    [][]string      `json:"all_of,omitempty"`    // and sets of groups, of which one has to be in all
	LeftOut  []string        `json:"left_out,omitempty"`  // of these, who was not delivered as a user or group
	Finders  []trace.Finder  `json:"finders,omitempty"`   // only with audience listed
	People   []string        `json:"people,omitempty"`    // the e-mails of all of them
	Everyone int             `json:"everybody,omitempty"` // how many users there are, with datasource-users
}

type explainedRule struct {
	Name    string `json:"name"`
	At      string `json:"at"`
	When    string `json:"when,omitempty"`
	Outcome string `json:"outcome"`
}

// The outcomes of a rule.
const (
	ruleNot      = "did not hold"
	ruleDecided  = "decided"
	ruleNotAsked = "not asked"
	ruleFailed   = "failed"
)

// explainedIdentity is what a user or group is to the sink.
type explainedIdentity struct {
	Person  *trace.Person  `json:"person,omitempty"`
	Groups  []string       `json:"member_of,omitempty"`
	Members []trace.Finder `json:"members,omitempty"`
	People  []string       `json:"people,omitempty"` // in it, through groups in groups
	Group   bool           `json:"group,omitempty"`
}

func explain(d *pipeline.Definition, t *trace.Trace, j *trace.Journey) explained {
	end := j.Ending()
	e := explained{
		Ref: j.Entry.Ref, Kind: j.Entry.Kind, Title: j.Entry.Title, Ending: end.Ending.String(), Reason: end.Because(), Record: j.Value,
		Transforms: explainTransforms(d, j), Items: []explainedItem{},
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

// where is file:line of a place.
func where(p config.Pos) string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

func explainTransforms(d *pipeline.Definition, j *trace.Journey) []transformed {
	out := []transformed{}
	for i, s := range j.Steps {
		one := transformed{Name: s.Transform, At: where(d.File.Transforms[i].Pos()), Outcome: triedUnchanged}
		switch {
		case s.Outcome.Err != nil:
			one.Outcome, one.Reason = triedFailed, s.Outcome.Err.Error()
		case s.Outcome.Dropped != "":
			one.Outcome, one.Reason = triedDropped, strings.TrimPrefix(strings.TrimPrefix(s.Outcome.Dropped, s.Transform), ": ")
		case s.Outcome.Skipped:
			one.Outcome = triedSkipped
		default:
			if one.Changes = differences(s.Before, s.After, ""); len(one.Changes) > 0 {
				one.Outcome = triedChanged
			}
		}
		out = append(out, one)
	}
	return out
}

func explainItem(d *pipeline.Definition, j *trace.Journey, item component.Item) explainedItem {
	end := j.EndIn(item.Stream)
	out := explainedItem{Stream: item.Stream, Ending: end.Ending.String(), Reason: end.Because(), Fields: []explainedField{}}
	facts, _ := d.MappingOf(item)
	out.At = where(facts.Node.Pos())
	for _, f := range facts.Fields {
		v := fieldOf(item.Fields, f.Name)
		if f.Properties == nil {
			out.Fields = append(out.Fields, explainedField{f.Name, where(f.Node.Pos()), expressionText(f.Node), v})
			continue
		}
		below, _ := v.([]component.Field)
		for _, p := range f.Properties {
			out.Fields = append(out.Fields, explainedField{f.Name + "." + p.Name, where(p.Node.Pos()), expressionText(p.Node), fieldOf(below, p.Name)})
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

// expressionText is an expression, or a literal list, in one line.
func expressionText(n *config.Node) string {
	if n.Kind() == config.List {
		return short(n.Value(), 0)
	}
	return strings.Join(strings.Fields(n.Text()), " ")
}

func explainDecision(d *pipeline.Definition, t *trace.Trace, j *trace.Journey) *explainedDecision {
	out := &explainedDecision{}
	decided, outcome := "", ruleDecided
	if j.Decision != nil {
		decided = j.Decision.Rule
	} else if end := j.Ending(); end.Why.Stage == "permissions" {
		decided, outcome = end.Why.Field, ruleFailed
	}
	reached := false
	for _, g := range d.Grants {
		one := explainedRule{Name: g.Rule, At: where(g.Node.Pos()), When: strings.Join(strings.Fields(g.When.Text), " "), Outcome: ruleNot}
		if g.When.IsSet() {
			one.At = where(g.When.Node().Pos())
		}
		switch {
		case reached || decided == "":
			one.Outcome = ruleNotAsked
		case g.Rule == decided:
			one.Outcome, reached = outcome, true
		}
		out.Rules = append(out.Rules, one)
	}
	if j.Decision == nil {
		return out
	}
	out.Audience, out.Named, out.AllOf = j.Decision.Audience.String(), j.Decision.Principals, j.Decision.AllOf
	doc := t.Document(j)
	for _, ref := range j.Decision.Principals {
		if !t.Known(ref) && (doc == nil || !trace.Names(doc.Principals, ref)) {
			out.LeftOut = append(out.LeftOut, ref)
		}
	}
	switch {
	case doc == nil:
	case doc.Audience == access.Listed:
		out.Finders = t.FindersOf(doc)
		out.People = trace.Reached(out.Finders)
	case doc.Audience == access.DatasourceUsers:
		out.Everyone = len(t.People())
	}
	return out
}

func explainIdentity(t *trace.Trace, j *trace.Journey) *explainedIdentity {
	if p, why := t.Person(j.Entry.Ref); why == "" {
		return &explainedIdentity{Person: &p, Groups: t.GroupsOf(p)}
	}
	members, isGroup := t.Members(j.Entry.Ref)
	if !isGroup {
		return nil
	}
	out := &explainedIdentity{Group: true, Members: t.Finders(members)}
	out.People = trace.Reached(out.Members)
	return out
}
