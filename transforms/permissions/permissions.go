package permissions

import (
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Spec is the component, for the registry.
func Spec() component.DeciderSpec[*Config] {
	return component.DeciderSpec[*Config]{
		Config: func() *Config { return &Config{} },
		New: func(cfg *Config, s component.DeciderSettings) (component.Decider, []component.GrantFacts) {
			return build(cfg, s)
		},
	}
}

// Decider decides.
type Decider struct {
	rules    []rule
	fallback grant
}

type rule struct {
	name  string
	when  *expression.Program
	grant grant
}

// grant is what a rule allows: an audience, and lists of refs if it is Listed. The zero
// value makes no decision.
type grant struct {
	audience access.Audience
	lists    []refs
	allOf    sets
}

var _ component.Decider = (*Decider)(nil)

// byDefault is the name of the default in reports, next to the names of rules.
const byDefault = "default"

func build(c *Config, s component.DeciderSettings) (*Decider, []component.GrantFacts) {
	b := builder{DeciderSettings: s, cfg: c, owners: compileRefs(c.Owners, "owners", "group", s)}
	d := &Decider{}
	b.checkNames()
	for _, r := range c.Rules {
		made := rule{name: r.Name, grant: b.grant(r.Name, r.When, r.Allow)}
		if r.When.IsSet() {
			made.when = s.Compile(r.When, expression.WantCondition)
		}
		d.rules = append(d.rules, made)
	}
	d.fallback = b.grant(byDefault, config.Expression{}, Allow{Word: string(c.Default), node: s.Node.Get("default")})
	return d, b.facts
}

type builder struct {
	component.DeciderSettings
	cfg    *Config
	owners refs
	facts  []component.GrantFacts
}

// checkNames refuses two rules of one name: reports count by it.
func (b *builder) checkNames() {
	seen := map[string]bool{byDefault: true}
	for _, item := range b.Node.Get("rules").Items() {
		n := item.Get("name")
		if name := n.Text(); name != "" {
			if seen[name] {
				b.Problem(n, "duplicate-name", fmt.Sprintf("the name %q is used already", name),
					"reports count by name: give each rule its own name; the name default is reserved")
			}
			seen[name] = true
		}
	}
}

func (b *builder) grant(rule string, when config.Expression, a Allow) grant {
	var g grant
	facts := component.GrantFacts{Rule: rule, Node: a.node, When: when}
	switch a.Word {
	case allUsers:
		g.audience = access.AllUsers
	case datasourceUsers:
		g.audience = access.DatasourceUsers
	case none:
		g.audience = access.Nobody
	case owner:
		b.needOwners(a.node)
		g = grant{audience: access.Listed, lists: []refs{b.owners}}
		facts.Users, facts.Groups = true, true
	default:
		if a.Users.IsSet() || a.Groups.IsSet() || a.AllOf.IsSet() {
			g = grant{audience: access.Listed, lists: []refs{
				compileRefs(a.Users, "allow.users", "user", b.DeciderSettings),
				compileRefs(a.Groups, "allow.groups", "group", b.DeciderSettings),
			}, allOf: compileSets(a.AllOf, b.DeciderSettings)}
			facts.Users, facts.Groups = a.Users.IsSet(), a.Groups.IsSet() || a.AllOf.IsSet()
		}
	}
	facts.Audience = g.audience
	b.facts = append(b.facts, facts)
	return g
}

// needOwners reports a grant to the owner if owners is not set.
func (b *builder) needOwners(at *config.Node) {
	n := b.Node.Get("owners")
	misspelt := slices.ContainsFunc(b.Node.Entries(), func(e config.Entry) bool {
		return e.Key != "rules" && config.Nearest(e.Key, []string{"owners"}) != ""
	})
	switch {
	case n == nil && !misspelt:
		b.Problem(at, "no-owners", "owners is missing", `write owners: related("ownedBy") below permissions`)
	case n != nil && n.IsNull():
		b.Problem(n, "no-owners", "owners is empty, but allow names owner", `write owners: related("ownedBy")`)
	}
}

// Decide finds the first rule that holds.
func (d *Decider) Decide(w *component.Worker, _ *component.Record) (access.Permissions, error) {
	for i := range d.rules {
		r := &d.rules[i]
		holds, err := w.Run.True(r.when)
		if err != nil { // invariant 2: no other rule is evaluated
			return access.Permissions{}, fault.Reject(fault.StagePermissions, r.name, "%v", err)
		}
		if holds {
			return r.grant.give(w, r.name)
		}
	}
	return d.fallback.give(w, byDefault)
}

func (g grant) give(w *component.Worker, rule string) (access.Permissions, error) {
	if g.audience == access.Undecided { // invariant 2
		return access.Permissions{}, fault.Reject(fault.StagePermissions, rule, "no rule decides who may find it")
	}
	p := access.Permissions{Audience: g.audience, Rule: rule}
	var principals refSet
	for _, l := range g.lists {
		if err := l.appendTo(&principals, w); err != nil {
			return access.Permissions{}, fault.Reject(fault.StagePermissions, rule, "%v", err)
		}
	}
	p.Principals = principals.list
	var err error
	if p.AllOf, err = g.allOf.give(w); err != nil {
		return access.Permissions{}, fault.Reject(fault.StagePermissions, rule, "%v", err)
	}
	return p, nil
}
