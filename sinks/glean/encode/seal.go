package encode

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Seal rejects items with another's ref, merges users by e-mail address, resolves members,
// and emits users, groups and memberships ordered by ref.
func (s *Encoder) Seal(ctx context.Context, out component.Outlet) error {
	slices.SortFunc(s.users, func(a, b heldUser) int {
		return cmp.Or(cmp.Compare(a.ref, b.ref),
			cmp.Compare(a.record, b.record))
	})
	slices.SortFunc(s.groups, func(a, b heldGroup) int {
		return cmp.Or(cmp.Compare(a.ref, b.ref),
			cmp.Compare(a.record, b.record))
	})
	s.rejectDuplicateIDs(out)
	s.inactive = map[string]bool{}
	s.userNames = make(map[string]string, len(s.users))
	s.groupNames = make(map[string]string, len(s.groups))
	merged, err := s.sealUsers(out)
	if err != nil {
		return err
	}
	for _, g := range s.groups {
		s.groupNames[g.ref] = g.name
	}
	s.findReach()
	s.noteMerges(merged, out.Note)
	if err := s.sealGroups(ctx, out); err != nil {
		return err
	}
	s.users, s.groups = nil, nil
	return nil
}

// sealUsers emits one user for each e-mail address, the first by ref, and returns the active
// refs that share one. The user is active if one of the refs is; an inactive ref still
// resolves to no one.
func (s *Encoder) sealUsers(out component.Outlet) (merged map[string][]string, err error) {
	first := make(map[string]int, len(s.users)) // places in s.users, by e-mail
	merged = map[string][]string{}
	active := map[string]bool{}
	for _, u := range s.users {
		if u.inactive {
			s.inactive[u.ref] = true
		} else {
			active[strings.ToLower(u.email)] = true
		}
	}
	for i, u := range s.users {
		key := strings.ToLower(u.email)
		at, taken := first[key]
		if !taken {
			first[key], at = i, i
		}
		one := &s.users[at]
		s.userNames[u.ref] = one.email
		if !s.names.ByEmail {
			s.userNames[u.ref] = one.id
		}
		if taken {
			if merged[one.ref] == nil && !one.inactive {
				merged[one.ref] = []string{one.ref}
			}
			if !u.inactive {
				merged[one.ref] = append(merged[one.ref], u.ref)
			}
			out.End(api.StreamUsers, u.record, component.Merged, "same e-mail, one user in Glean")
			continue
		}
		user := api.User{Email: u.email, Name: u.name}
		if !s.names.ByEmail {
			user.UserID = u.id
		}
		principal := s.names.userPrincipal(s.userNames[u.ref])
		if !active[key] {
			user.IsActive, principal = new(false), ""
		}
		body, err := codec.Marshal(user)
		if err != nil {
			return nil, err
		}
		if err := out.Keep(api.StreamUsers, component.Encoded{ID: key, Ref: u.record, Principal: principal, Body: body,
			Cut: u.cut}); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(merged, func(_ string, refs []string) bool { return len(refs) < 2 })
	return merged, nil
}

// sealGroups emits the groups, each with an item for its members: a group without members
// needs an upload, too.
func (s *Encoder) sealGroups(ctx context.Context, out component.Outlet) error {
	left := &leftOut{unknown: map[string]bool{}, inactive: map[string]bool{}}
	for _, g := range s.groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		body, err := codec.Marshal(api.Group{Name: g.name})
		if err != nil {
			return err
		}
		if err := out.Keep(api.StreamGroups, component.Encoded{ID: g.name, Ref: g.record,
			Principal: component.GroupPrincipal(g.name),
			Body:      body}); err != nil {
			return err
		}
		if !s.written(api.StreamGroups) {
			continue
		}
		members := MembersOf{Group: g.name, Memberships: s.members(g, left)}
		if body, err = codec.Marshal(members); err != nil {
			return err
		}
		if err := out.Keep(api.StreamMemberships, component.Encoded{ID: g.name, Ref: g.record,
			Principals: s.names.principals(members.Memberships), Body: body}); err != nil {
			return err
		}
	}
	left.note(out, left.unknown, unknownRef, unknownRefs)
	left.note(out, left.inactive, inactiveRef, inactiveRefs)
	return nil
}

// leftOut are refs that were left out of members because they are unknown or inactive.
type leftOut struct{ unknown, inactive map[string]bool }

func (*leftOut) note(out component.Outlet, left map[string]bool, one, several string) {
	if len(left) > 0 {
		out.Note("groups name %s: %s", leftOutRefs(len(left), " as members", one, several),
			display.List(slices.Sorted(maps.Keys(left)), 5, "; "))
	}
}

// members resolves the members of a group; unknown and inactive ones are added to left.
func (s *Encoder) members(g heldGroup, left *leftOut) []api.Membership {
	var out []api.Membership
	seen := map[api.Membership]bool{}
	add := func(m api.Membership) {
		if !seen[m] {
			seen[m] = true
			out = append(out, m)
		}
	}
	for _, ref := range slices.Concat(g.members, g.subgroups) {
		if s.inactive[ref] {
			left.inactive[ref] = true
		} else if user, ok := s.userNames[ref]; ok {
			add(api.Membership{MemberUserID: user})
		} else if group, ok := s.groupNames[ref]; ok {
			if group != g.name {
				add(api.Membership{MemberGroupName: group})
			}
		} else {
			left.unknown[ref] = true
		}
	}
	slices.SortFunc(out, func(a, b api.Membership) int {
		return cmp.Or(cmp.Compare(a.MemberGroupName, b.MemberGroupName), cmp.Compare(a.MemberUserID, b.MemberUserID))
	})
	return out
}
