package permissions

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Config is the permissions block.
type Config struct {
	Owners  config.ExpressionOrList `yaml:"owners" doc:"The refs of the users and groups that own a record: what owner means in allow and default."`
	Rules   []Rule                  `yaml:"rules" doc:"Evaluated in order; the first whose condition holds decides."`
	Default Fallback                `yaml:"default" required:"true" enum:"all-users|datasource-users|owner|none" doc:"Who finds a document for which no rule holds: all-users (everyone who can sign in), datasource-users (all delivered users), owner, or none."`
}

// Rule is one permission rule.
type Rule struct {
	Name  string            `yaml:"name" required:"true" doc:"The name of the rule in reports."`
	When  config.Expression `yaml:"when" required:"true" doc:"The condition; a result other than true or false rejects the record."`
	Allow Allow             `yaml:"allow" required:"true" doc:"Who finds it: all-users, datasource-users, owner, none, or users, groups and all_of."`
}

// Fallback is who finds what no rule decided: one of the words.
type Fallback string

// DecodeNode reads a word; lists are only for rules.
func (f *Fallback) DecodeNode(n *config.Node, d *config.Decoder) {
	if n.Kind() == config.Scalar {
		d.Decode(n, (*string)(f))
		return
	}
	d.Problem(n, "wrong-kind", "default is one word",
		"default takes "+strings.Join(words()[:3], ", ")+" or "+none+"; for groups add a last rule with `when: true`")
}

// DescribeConfig is a text.
func (f *Fallback) DescribeConfig() config.Field { return config.Field{Type: "text"} }

// Allow is who gets access by a rule: one of the words, or lists of refs that grant access.
type Allow struct {
	Word   string
	Users  config.ExpressionOrList
	Groups config.ExpressionOrList
	AllOf  Sets
	node   *config.Node
}

type lists struct {
	Users  config.ExpressionOrList `yaml:"users" doc:"Refs of users, or an expression that gives them."`
	Groups config.ExpressionOrList `yaml:"groups" doc:"Refs of groups, or an expression that gives them."`
	AllOf  Sets                    `yaml:"all_of" doc:"Refs of groups, or lists of such refs, or an expression that gives either. Members of all of the groups find the document. A list with an unknown group grants no access."`
}

// The words that say who finds a document.
const (
	allUsers        = "all-users"
	datasourceUsers = "datasource-users"
	owner           = "owner"
	none            = "none"
)

func words() []string { return []string{allUsers, datasourceUsers, owner, none} }

// DecodeNode reads a word or a mapping of users and groups.
func (a *Allow) DecodeNode(n *config.Node, d *config.Decoder) {
	a.node = n
	switch n.Kind() {
	case config.Mapping:
		a.lists(n, d)
		return
	case config.List:
		d.Problem(n, "wrong-kind", "allow needs users: or groups: above the list",
			"write users: or groups: below allow, with the list below it")
		return
	}
	d.Decode(n, &a.Word)
	known := words()
	for _, w := range known {
		if a.Word == w {
			return
		}
	}
	hint := "write " + strings.Join(known, ", ") + ", or users: and groups: below allow"
	switch {
	case d.Unresolved(n):
		return
	case a.Word == "":
		d.Problem(n, "required", "allow is empty", hint)
		return
	}
	if near := config.Nearest(a.Word, known); near != "" {
		hint = "did you mean " + near + "?\n" + hint
	}
	d.Problem(n, "not-allowed", fmt.Sprintf("%q is not one of the allowed values", n.Text()), hint)
}

func (a *Allow) lists(n *config.Node, d *config.Decoder) {
	var l lists
	d.Decode(n, &l)
	a.Users, a.Groups, a.AllOf = l.Users, l.Groups, l.AllOf
	if a.AllOf.node != nil {
		return
	}
	for _, list := range []config.ExpressionOrList{l.Users, l.Groups} {
		if !list.IsList && list.Node() != nil || len(list.List) > 0 {
			return
		}
	}
	for _, e := range n.Entries() {
		if e.Key != "users" && e.Key != "groups" && e.Key != "all_of" {
			return // reported as unknown, and perhaps one of them misspelt
		}
	}
	d.Problem(n, "required", "allow names neither users nor groups", "write allow: none to let no one find it")
}

// DescribeConfig is a word, or lists of refs.
func (a *Allow) DescribeConfig() config.Field {
	return config.Field{Type: "text or mapping", Enum: words(), Fields: config.Describe(&lists{})}
}

// IsSet reports whether a value was written.
func (a Allow) IsSet() bool { return a.node != nil }
