package encode

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// user is a reference to a delivered user, nil and counted for any other ref.
func (s *Encoder) user(ref string) *api.UserReference {
	name, ok := s.userNames[ref]
	if !ok {
		s.skipped.count(s.skipped.owners, ref)
		return nil
	}
	r := s.names.reference(name)
	return &r
}

// permit sets the document's permissions from a decision and returns the resulting audience
// and principals: Nobody if Glean knows none of the principals. It never widens access
// (invariant 2).
func (s *Encoder) permit(d *api.Document, p access.Permissions) (a access.Audience, named resolved) {
	d.Permissions = &api.Permissions{}
	switch p.Audience {
	case access.AllUsers:
		d.Permissions.AllowAnonymousAccess = true
	case access.DatasourceUsers:
		d.Permissions.AllowAllDatasourceUsersAccess = true
	case access.Listed:
		return s.list(d.Permissions, p)
	default: // undecided is no decision, the engine rejects it
	}
	return p.Audience, named
}

// resolved are the principals that a document names, in the form that the engine compares.
type resolved struct {
	principals []string
	allOf      [][]string
	leftOut    bool // a principal of the decision is missing
}

// list resolves principals and sets of groups. Unknown and inactive ones are left out and
// counted. A set with such a group is left out whole: without the group it would give access
// to more people (invariant 2).
func (s *Encoder) list(p *api.Permissions, decided access.Permissions) (a access.Audience, out resolved) {
	seen := make(map[string]bool, len(decided.Principals))
	add := func(name string) bool {
		if seen[name] {
			return false
		}
		seen[name] = true
		out.principals = append(out.principals, name)
		return true
	}
	addGroup := func(name string) {
		if add(component.GroupPrincipal(name)) {
			p.AllowedGroups = append(p.AllowedGroups, name)
		}
	}
	for _, ref := range decided.Principals {
		user, isUser := s.userNames[ref]
		group, isGroup := s.groupNames[ref]
		switch {
		case s.inactive[ref]:
			out.leftOut = true
			s.skipped.count(s.skipped.inactive, ref)
		case isUser:
			if add(s.names.userPrincipal(user)) {
				p.AllowedUsers = append(p.AllowedUsers, s.names.reference(user))
			}
		case isGroup:
			addGroup(group)
		default:
			out.leftOut = true
			s.skipped.count(s.skipped.principals, ref)
		}
	}
	sets := map[string]bool{}
	for _, refs := range decided.AllOf {
		groups, ok := s.intersection(refs)
		key := strings.Join(groups, "\n") // no name holds white space
		switch {
		case !ok:
			out.leftOut = true
		case len(groups) == 1:
			addGroup(groups[0])
		case !sets[key]:
			sets[key] = true
			p.AllowedGroupIntersections = append(p.AllowedGroupIntersections, api.GroupIntersection{RequiredGroups: groups})
			var set []string
			for _, g := range groups {
				set = append(set, component.GroupPrincipal(g))
			}
			out.allOf = append(out.allOf, set)
		}
	}
	if len(out.principals)+len(out.allOf) == 0 {
		return access.Nobody, resolved{}
	}
	s.countWaiting(decided.Principals, decided.AllOf)
	slices.Sort(out.principals)
	sortPermissions(p)
	return access.Listed, out
}

// sortPermissions makes equal permissions equal texts.
func sortPermissions(p *api.Permissions) {
	slices.SortFunc(p.AllowedUsers, func(a, b api.UserReference) int {
		return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.DatasourceUserID, b.DatasourceUserID))
	})
	slices.Sort(p.AllowedGroups)
	slices.SortFunc(p.AllowedGroupIntersections, func(a, b api.GroupIntersection) int {
		return slices.Compare(a.RequiredGroups, b.RequiredGroups)
	})
}

// intersection returns the distinct names of the groups of a set. ok is false, and the set
// is counted, unless Glean knows all of them.
func (s *Encoder) intersection(refs []string) (groups []string, ok bool) {
	for _, ref := range refs {
		group, isGroup := s.groupNames[ref]
		if !isGroup {
			why := " is not a delivered group"
			if _, isUser := s.userNames[ref]; isUser {
				why = " is a user"
			}
			s.skipped.count(s.skipped.intersections, strings.Join(refs, " and ")+", where "+ref+why)
			return nil, false
		}
		groups = append(groups, group)
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	return groups, len(groups) > 0
}
