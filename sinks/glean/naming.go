package glean

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// naming is how a datasource names users and groups in permissions and members.
type naming struct {
	byEmail bool // users are named by e-mail, else by their id in the datasource
}

// reference refers to a user by a name.
func (n naming) reference(name string) api.UserReference {
	if n.byEmail {
		return api.UserReference{Email: name}
	}
	return api.UserReference{DatasourceUserID: name}
}

// nameOf is what a reference refers to a user by.
func (n naming) nameOf(u api.UserReference) string {
	if n.byEmail {
		return u.Email
	}
	return u.DatasourceUserID
}

// userPrincipal and groupPrincipal are how the engine compares whom a document
// or a group names; e-mail addresses have no case.
func (n naming) userPrincipal(name string) string {
	if n.byEmail {
		name = strings.ToLower(name)
	}
	return "user " + name
}

func groupPrincipal(name string) string { return "group " + name }

// principals are the members of a group, as the engine compares them.
func (n naming) principals(members []api.Membership) []string {
	out := make([]string, len(members))
	for i, m := range members {
		if out[i] = groupPrincipal(m.MemberGroupName); m.MemberGroupName == "" {
			out[i] = n.userPrincipal(m.MemberUserID)
		}
	}
	slices.Sort(out)
	return out
}

// audienceOf is the class of some permissions, and whom they name in the words of
// engine.Encoded.
func (n naming) audienceOf(p api.Permissions) (a access.Audience, named []string, allOf [][]string) {
	for _, u := range p.AllowedUsers {
		name := u.DatasourceUserID
		if n.byEmail {
			name = strings.ToLower(u.Email)
		}
		named = append(named, "user "+name)
	}
	for _, g := range p.AllowedGroups {
		named = append(named, groupPrincipal(g))
	}
	for _, x := range p.AllowedGroupIntersections {
		var set []string
		for _, g := range x.RequiredGroups {
			set = append(set, groupPrincipal(g))
		}
		if len(set) > 0 {
			allOf = append(allOf, set)
		}
	}
	slices.Sort(named)
	switch {
	case p.AllowAnonymousAccess:
		return access.AllUsers, named, allOf
	case p.AllowAllDatasourceUsersAccess:
		return access.DatasourceUsers, named, allOf
	case len(named)+len(allOf) > 0:
		return access.Listed, named, allOf
	}
	return access.Nobody, nil, nil
}
