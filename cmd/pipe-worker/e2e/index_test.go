//go:build linux

package e2e

import (
	"slices"
	"strings"

	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// content is what an index holds, for comparison.
type content struct {
	documents map[string]gleanapi.Document
	users     map[string]gleanapi.User
	groups    map[string]gleanapi.Group
	members   map[string][]string // of each group that is there
	finders   map[string][]string // who finds a document
}

func contentOf(i gleansandbox.Index) content {
	c := content{documents: i.Documents, users: i.Users, groups: i.Groups, members: map[string][]string{},
		finders: map[string][]string{}}
	for group := range i.Groups {
		all := []string{}
		for _, m := range i.Memberships[group] {
			all = append(all, strings.ToLower(m.MemberUserID)+m.MemberGroupName)
		}
		slices.Sort(all)
		c.members[group] = all
	}
	for id := range i.Documents {
		c.finders[id] = i.WhoFinds(id)
	}
	return c
}

func (c content) differences(want content) []string {
	return slices.Concat(gleantest.Differ("document", c.documents, want.documents),
		gleantest.Differ("user", c.users, want.users),
		gleantest.Differ("group", c.groups, want.groups), gleantest.Differ("members of", c.members, want.members),
		gleantest.Differ("who finds", c.finders, want.finders))
}
