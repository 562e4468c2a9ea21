package file

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// session is one run's use of the sink.
type session struct {
	sink    *Sink
	written func(stream string) bool

	mu   sync.Mutex
	held []identity // until Seal
	// names are how principals name the users and groups that can be named, by ref.
	names   map[string]string
	unknown map[string]bool // refs that permissions or members name and that are neither
}

// identity is a user or group until Seal; ref is the ref of its record.
type identity struct {
	stream, ref, id string
	body            []byte
	members         []string
}

// membersOf is the item of a group's members.
type membersOf struct {
	Group   string   `json:"group"`
	Members []string `json:"members"`
}

// permissions are who may find a document: with the audience "listed", the users, the
// members of each group, and the people who are in every group of one of the lists in
// all_of.
type permissions struct {
	Audience string     `json:"audience"`
	Rule     string     `json:"rule"`
	Users    []string   `json:"users,omitempty"`
	Groups   []string   `json:"groups,omitempty"`
	AllOf    [][]string `json:"all_of,omitempty"`
}

var (
	_ component.Session     = (*session)(nil)
	_ component.Identifier  = (*session)(nil)
	_ component.Preflighter = (*session)(nil)
)

// ID is the field id.
func (*session) ID(item *component.Item) string {
	id, _ := values(item)["id"].(string)
	return id
}

// Encode encodes an item as a line. Permissions keep the refs of users and groups of this
// run. A document without a decision is rejected (invariant 2).
func (s *session) Encode(item *component.Item) (component.Encoded, bool, error) {
	line := values(item)
	id, _ := line["id"].(string)
	if id == "" {
		return component.Encoded{}, false, fault.Reject(fault.StageEncode, "id", "is empty")
	}
	e := component.Encoded{ID: id, Ref: item.Ref, Cut: item.Cut}
	if item.Stream != streamDocuments {
		return component.Encoded{}, false, s.keepIdentity(item, id, line)
	}
	if item.Permissions.Audience == access.Undecided {
		return component.Encoded{}, false, fault.Reject(fault.StageEncode, "permissions", "no rule decided who may find "+
			"the document")
	}
	e.Type, _ = line["type"].(string)
	e.Rule = item.Permissions.Rule
	e.Audience, e.Principals, e.AllOf = s.grant(item.Permissions)
	line["permissions"] = written(e)
	body, err := codec.Marshal(line)
	e.Body = body
	return e, true, err
}

// grant returns who a decision gives access to. Unknown refs are dropped; a set with an
// unknown ref is dropped whole. A set of one group is that group, and an empty list is the
// audience "nobody".
func (s *session) grant(p access.Permissions) (audience access.Audience, anyOf []string, allOf [][]string) {
	if p.Audience != access.Listed {
		return p.Audience, nil, nil
	}
	anyOf, _ = s.resolve(p.Principals)
	for _, set := range p.AllOf {
		switch names, whole := s.resolve(set); {
		case !whole:
		case len(names) == 1:
			anyOf = append(anyOf, names[0])
		case len(names) > 1:
			allOf = append(allOf, names)
		}
	}
	if len(anyOf)+len(allOf) == 0 {
		return access.Nobody, nil, nil
	}
	return access.Listed, sorted(anyOf), allOf
}

// resolve returns the names of the users and groups of refs, sorted; whole is false if a ref
// is unknown.
func (s *session) resolve(refs []string) (names []string, whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	whole = true
	for _, ref := range refs {
		name, known := s.names[ref]
		if !known {
			s.unknown[strings.Clone(ref)], whole = true, false
			continue
		}
		names = append(names, name)
	}
	return sorted(names), whole
}

// written are the permissions of a document as its line has them.
func written(e component.Encoded) permissions {
	p := permissions{Audience: e.Audience.String(), Rule: e.Rule}
	for _, name := range e.Principals {
		if id, group := component.PrincipalName(name); group {
			p.Groups = append(p.Groups, id)
		} else {
			p.Users = append(p.Users, id)
		}
	}
	for _, set := range e.AllOf {
		p.AllOf = append(p.AllOf, bare(set))
	}
	return p
}

// bare are the ids of principals.
func bare(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i], _ = component.PrincipalName(name)
	}
	return out
}

func (s *session) keepIdentity(item *component.Item, id string, line map[string]any) error {
	members, _ := line["members"].([]string)
	delete(line, "members")
	body, err := codec.Marshal(line)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, identity{item.Stream, item.Ref, strings.Clone(id), body, component.CloneTexts(members)})
	return nil
}

// Seal emits users, groups and memberships, each ordered by id. Users or groups that share
// an id are all rejected, since the id is ambiguous.
func (s *session) Seal(_ context.Context, out component.Outlet) error {
	slices.SortFunc(s.held, func(a, b identity) int {
		return cmp.Or(-cmp.Compare(a.stream, b.stream), cmp.Compare(a.id, b.id), cmp.Compare(a.ref, b.ref))
	})
	ids := map[string]int{}
	for _, one := range s.held {
		ids[one.id]++
	}
	for _, one := range s.held {
		if ids[one.id] > 1 {
			out.End(one.stream, one.ref, component.Rejected, "another user or group has the same id")
			continue
		}
		name := component.UserPrincipal(one.id)
		if one.stream == streamGroups {
			name = component.GroupPrincipal(one.id)
		}
		s.names[one.id] = name
		if err := out.Keep(one.stream, component.Encoded{ID: one.id, Ref: one.ref, Principal: name,
			Body: one.body}); err != nil {
			return err
		}
	}
	for _, one := range s.held {
		if one.stream != streamGroups || ids[one.id] > 1 || !s.written(streamGroups) {
			continue
		}
		members, _ := s.resolve(one.members)
		body, err := codec.Marshal(membersOf{one.id, bare(members)})
		if err != nil {
			return err
		}
		if err := out.Keep(streamMemberships, component.Encoded{ID: one.id, Ref: one.ref, Principals: members,
			Body: body}); err != nil {
			return err
		}
	}
	s.held = nil
	return nil
}

// Notes returns a sentence about the refs that grant no access.
func (s *session) Notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unknown) == 0 {
		return nil
	}
	const shown = 5
	named := display.List(slices.Sorted(maps.Keys(s.unknown)), shown, ", ")
	return []string{fmt.Sprintf("Refs that are not users or groups of this run grant no access: %s.", named)}
}

// values are the fields of an item by name.
func values(item *component.Item) map[string]any {
	out := map[string]any{}
	for _, f := range item.Fields {
		switch v := f.Value.(type) {
		case []component.Field:
			properties := map[string]any{}
			for _, p := range v {
				properties[p.Name] = p.Value
			}
			out[f.Name] = properties
		default:
			out[f.Name] = v
		}
	}
	return out
}

func sorted(refs []string) []string {
	out := append([]string{}, refs...)
	slices.Sort(out)
	return slices.Compact(out)
}
