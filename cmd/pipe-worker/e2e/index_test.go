//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
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
	return slices.Concat(differ("document", c.documents, want.documents), differ("user", c.users, want.users),
		differ("group", c.groups, want.groups), differ("members of", c.members, want.members),
		differ("who finds", c.finders, want.finders))
}

func differ[V any](what string, got, want map[string]V) (out []string) {
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if w, ok := want[id]; !ok {
			out = append(out, fmt.Sprintf("%s %s is there and should not be", what, id))
		} else if !reflect.DeepEqual(got[id], w) {
			out = append(out, fmt.Sprintf("%s %s is %s, want %s", what, id, shown(got[id]), shown(w)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[id]; !ok {
			out = append(out, fmt.Sprintf("%s %s is missing", what, id))
		}
	}
	return out
}

func shown(v any) string {
	b, err := codec.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
