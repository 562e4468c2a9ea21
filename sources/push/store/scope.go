package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// scope is a set of possible records: people and groups, or kinds and namespaces in lower case.
// component.All in a list means all of them.
type scope struct {
	Identities bool     `json:"identities,omitempty"`
	Kinds      []string `json:"kinds"`
	Namespaces []string `json:"namespaces"`
}

var everything = []string{component.All}

// allowed returns the scope of a grant.
func (s *Store) allowed(g component.Grant) (scope, error) {
	forbidden := func(reason, remedy string) (scope, error) {
		return scope{}, refuse(component.PushForbidden, reason, remedy)
	}
	switch {
	case g.ID == "":
		return forbidden("the token has no id", "")
	case g.Identities && len(g.Kinds)+len(g.Namespaces) > 0:
		return forbidden("a token for people and groups has kinds or namespaces",
			"use a token of its own for people and groups, without kinds and namespaces")
	case g.Identities:
		return scope{Identities: true, Kinds: everything, Namespaces: everything}, nil
	case len(g.Kinds) == 0:
		return forbidden("the token lists no kinds", "list kinds, or "+component.All)
	case len(g.Namespaces) == 0:
		return forbidden("the token lists no namespaces", "list namespaces, or "+component.All)
	}
	return scope{Kinds: lower(g.Kinds), Namespaces: lower(g.Namespaces)}, nil
}

// within returns the part of a grant's scope that a set asks for.
func (s *Store) within(allowed scope, asked component.Scope) (scope, error) {
	if allowed.Identities {
		if len(asked.Kinds)+len(asked.Namespaces) > 0 {
			return scope{}, refuse(component.PushInvalid, "a set of people and groups cannot be limited",
				"push all people and groups in one set, without kinds and namespaces")
		}
		return allowed, nil
	}
	out := allowed
	for _, part := range []struct {
		what        string
		asked, have []string
		into        *[]string
	}{{"kind", asked.Kinds, allowed.Kinds, &out.Kinds}, {"namespace", asked.Namespaces, allowed.Namespaces,
		&out.Namespaces}} {
		if len(part.asked) == 0 {
			continue
		}
		*part.into = lower(part.asked)
		for _, name := range *part.into {
			if !includes(part.have, name) {
				return scope{}, refuse(component.PushForbidden, fmt.Sprintf("the token does not include the %s %q",
					part.what, name), "it includes "+strings.Join(part.have, ", "))
			}
		}
	}
	for _, kind := range out.Kinds {
		switch identity, read := s.kinds[kind]; {
		case kind == component.All:
		case !read && len(asked.Kinds) > 0:
			return scope{}, refuse(component.PushInvalid, fmt.Sprintf("the pipeline reads no kind %q", kind), s.kindsHint())
		case identity && len(asked.Kinds) > 0:
			return scope{}, refuse(component.PushForbidden, fmt.Sprintf("the kind %q needs a token for people and groups",
				kind), "")
		}
	}
	if _, has := s.model.(component.Namespacer); !has && !slices.Contains(out.Namespaces, component.All) {
		return scope{}, refuse(component.PushInvalid, "the pipeline's records have no namespaces",
			"use a token with the namespace "+component.All)
	}
	return out, nil
}

// kindsHint lists the kinds of the pipeline.
func (s *Store) kindsHint() string { return "its kinds are " + strings.Join(s.names, ", ") }

// includes reports whether a record is in the scope. People and groups are only in the scope of
// people and groups.
func (s *Store) includes(in scope, kind, namespace string) bool {
	return s.kinds[kind] == in.Identities && includes(in.Kinds, kind) && includes(in.Namespaces, namespace)
}

// overlaps reports whether a record may be in both scopes.
func (in scope) overlaps(other scope) bool {
	return in.Identities == other.Identities && intersects(in.Kinds, other.Kinds) &&
		intersects(in.Namespaces, other.Namespaces)
}

// where returns a condition for the records of a scope and its arguments.
func (s *Store) where(in scope) (condition string, args []any) {
	var people []string
	for kind, identity := range s.kinds {
		if identity {
			people = append(people, kind)
		}
	}
	condition = "kind NOT IN (SELECT value FROM json_each(?))"
	if in.Identities {
		condition = "kind IN (SELECT value FROM json_each(?))"
	}
	args = append(args, encode(people))
	if !slices.Contains(in.Kinds, component.All) {
		condition += " AND kind IN (SELECT value FROM json_each(?))"
		args = append(args, encode(in.Kinds))
	}
	if !slices.Contains(in.Namespaces, component.All) {
		condition += " AND namespace IN (SELECT value FROM json_each(?))"
		args = append(args, encode(in.Namespaces))
	}
	return condition, args
}

func includes(list []string, name string) bool {
	return slices.Contains(list, component.All) || slices.Contains(list, name)
}

func intersects(a, b []string) bool {
	return slices.Contains(b, component.All) || slices.ContainsFunc(a, func(name string) bool {
		return name == component.All || slices.Contains(b, name)
	})
}

// lower returns a list in lower case, sorted, without duplicates.
func lower(list []string) []string {
	out := make([]string, len(list))
	for i, name := range list {
		out[i] = strings.ToLower(strings.TrimSpace(name))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// encode returns a value that JSON can represent as JSON.
func encode(v any) string {
	text, err := codec.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
