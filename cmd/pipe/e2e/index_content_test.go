package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// content is the contents of an index, or the output of a run, for comparison.
type content struct {
	documents map[string]gleanapi.Document // by id
	users     map[string]string            // names by lower-case e-mail
	groups    map[string]bool
	members   map[string][]string // by group: e-mails and names of groups, sorted; no entry equals an empty one
}

// indexed returns the contents of an index.
func indexed(i gleansandbox.Index) content {
	c := content{documents: i.Documents, users: map[string]string{}, groups: map[string]bool{},
		members: map[string][]string{}}
	for email, u := range i.Users {
		c.users[email] = u.Name
	}
	for name := range i.Groups {
		c.groups[name] = true
	}
	for group, rows := range i.Memberships {
		c.put(group, rows)
	}
	return c
}

func (c content) put(group string, rows []gleanapi.Membership) {
	for _, m := range rows {
		c.members[group] = append(c.members[group], strings.ToLower(m.MemberUserID)+m.MemberGroupName)
	}
	slices.Sort(c.members[group])
}

// sent returns the output of a run with --output DIR.
func sent(t testing.TB, dir string) content {
	t.Helper()
	c := content{documents: map[string]gleanapi.Document{}, users: map[string]string{}, groups: map[string]bool{},
		members: map[string][]string{}}
	each(t, dir, "documents", func(d gleanapi.Document) { c.documents[d.ID] = d })
	each(t, dir, "users", func(u gleanapi.User) { c.users[strings.ToLower(u.Email)] = u.Name })
	each(t, dir, "groups", func(g gleanapi.Group) { c.groups[g.Name] = true })
	each(t, dir, "memberships", func(m struct {
		Group       string                `json:"group"`
		Memberships []gleanapi.Membership `json:"memberships"`
	}) {
		c.put(m.Group, m.Memberships)
	})
	return c
}

// each decodes the lines of a file of --output; there may be none.
func each[T any](t testing.TB, dir, name string, visit func(T)) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name+".ndjson"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		var v T
		if err := codec.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v in %s", name, err, lines.Bytes())
		}
		visit(v)
	}
}

// without is some users and groups less, as a sink that refused them has it.
func (c content) without(refused map[string]bool) content {
	out := content{documents: maps.Clone(c.documents), users: maps.Clone(c.users), groups: maps.Clone(c.groups),
		members: map[string][]string{}}
	maps.DeleteFunc(out.users, func(email, _ string) bool { return refused[email] })
	maps.DeleteFunc(out.groups, func(name string, _ bool) bool { return refused[name] })
	for group := range c.members {
		if !refused[group] {
			out.members[group] = slices.DeleteFunc(slices.Clone(c.members[group]), func(m string) bool { return refused[m] })
		}
	}
	return out
}

// keep adds what an index still has from before.
func (c content) keep(was, now content) {
	for id, d := range was.documents {
		if _, replaced := c.documents[id]; !replaced && reflect.DeepEqual(now.documents[id], d) {
			c.documents[id] = d
		}
	}
	for email, name := range was.users {
		// One that is to go was deactivated, under its address as its name.
		if _, replaced := c.users[email]; !replaced && (now.users[email] == name || now.users[email] == email) {
			c.users[email] = now.users[email]
		}
	}
	for group := range was.groups {
		if !c.groups[group] && now.groups[group] {
			c.groups[group] = true
			c.members[group] = was.members[group]
		}
	}
}

// membersIn returns the members of a group that an index with these users and groups can
// know: Glean forgets deleted ones.
func (c content) membersIn(group string, now content) []string {
	if !now.groups[group] {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.members[group]), func(m string) bool {
		_, user := now.users[m]
		return !user && !now.groups[m]
	})
}

// differences lists the differences between an index and the expected contents.
func (c content) differences(want content) (out []string) {
	out = append(out, gleantest.Differ("user", c.users, want.users)...)
	out = append(out, gleantest.Differ("group", c.groups, want.groups)...)
	for group := range want.groups {
		if got, want := c.members[group], want.members[group]; !slices.Equal(got, want) {
			out = append(out, fmt.Sprintf("members of %s: %v, want %v", group, got, want))
		}
	}
	return append(out, gleantest.Differ("document", c.documents, want.documents)...)
}
