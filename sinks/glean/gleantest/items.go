package gleantest

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// Item makes an item of name, value pairs.
func Item(stream, ref string, pairs ...any) *component.Item {
	i := &component.Item{Stream: stream, Ref: ref}
	for n := 0; n < len(pairs); n += 2 {
		i.Fields = append(i.Fields, component.Field{Name: pairs[n].(string), Value: pairs[n+1]})
	}
	return i
}

// User is a user with an e-mail.
func User(name string) *component.Item {
	return Item("users", "user:default/"+name, "id", "user:default/"+name, "email", name+"@x.example", "name", name)
}

// Group is a group with members.
func Group(name string, members ...string) *component.Item {
	return Item("groups", "group:default/"+name, "id", "group:default/"+name, "members", members)
}

// Doc is a document for all users of the datasource, or for the refs.
func Doc(name string, principals ...string) *component.Item {
	i := Item("documents", "component:default/"+name, "id", "component:default/"+name, "objectType", "component",
		"title", name, "viewURL", "https://portal.example/"+name, "body", "about "+name)
	i.Permissions = access.Permissions{Audience: access.DatasourceUsers, Rule: "default"}
	if len(principals) > 0 {
		i.Permissions = access.Permissions{Audience: access.Listed, Rule: "private", Principals: principals}
	}
	return i
}

// Docs are n documents for all users of the datasource.
func Docs(n int) []*component.Item {
	var out []*component.Item
	for i := range n {
		out = append(out, Doc(fmt.Sprintf("d%03d", i)))
	}
	return out
}

// Company is a small catalog; another n is another company, with about half of
// the first one's people and things.
func Company(n, size int) []*component.Item {
	var items []*component.Item
	var everybody []string
	for i := range size {
		name := fmt.Sprintf("u%02d-%d", i, n*(i%2))
		items = append(items, User(name))
		everybody = append(everybody, "user:default/"+name)
	}
	for i := range size {
		items = append(items, Group(fmt.Sprintf("g%02d-%d", i, n*(i%2)), everybody[:i%3]...))
	}
	items = append(items, Group("all", everybody...))
	for i := range size {
		d := Doc(fmt.Sprintf("d%02d-%d", i, n*(i%2)))
		if i%3 == 0 {
			d = Doc(fmt.Sprintf("d%02d-%d", i, n*(i%2)), "group:default/all", everybody[0])
		}
		items = append(items, d)
	}
	return items
}

// Inactive returns an inactive user.
func Inactive(name string) *component.Item {
	u := User(name)
	u.Fields = append(u.Fields, component.Field{Name: "isActive", Value: false})
	return u
}

// DocOf returns a document for the people who are in all groups of one of the sets.
func DocOf(name string, principals []string, allOf ...[]string) *component.Item {
	d := Doc(name)
	d.Permissions = access.Permissions{Audience: access.Listed, Rule: "r", Principals: principals, AllOf: allOf}
	return d
}
