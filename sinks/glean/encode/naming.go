package encode

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Naming is how a datasource names users and groups in permissions and members.
type Naming struct {
	ByEmail bool // users are named by e-mail, else by their id in the datasource
}

// reference refers to a user by a name.
func (n Naming) reference(name string) api.UserReference {
	if n.ByEmail {
		return api.UserReference{Email: name}
	}
	return api.UserReference{DatasourceUserID: name}
}

// nameOf returns the name by which a reference identifies a user.
func (n Naming) nameOf(u api.UserReference) string {
	if n.ByEmail {
		return u.Email
	}
	return u.DatasourceUserID
}

// userPrincipal is how the engine compares a user that a document or a group names;
// e-mail addresses have no case.
func (n Naming) userPrincipal(name string) string {
	if n.ByEmail {
		name = strings.ToLower(name)
	}
	return component.UserPrincipal(name)
}

// Principal is a member of a group, as the engine compares it.
func (n Naming) Principal(m api.Membership) string {
	if m.MemberGroupName != "" {
		return component.GroupPrincipal(m.MemberGroupName)
	}
	return n.userPrincipal(m.MemberUserID)
}

// principals are the members of a group, as the engine compares them.
func (n Naming) principals(members []api.Membership) []string {
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = n.Principal(m)
	}
	slices.Sort(out)
	return out
}

// Within returns permissions for the people who have access by both p and the grant.
func (n Naming) Within(p api.Permissions, to access.Grant) api.Permissions {
	audience, _, _ := n.AudienceOf(p)
	switch {
	case to.Audience == access.AllUsers && audience == access.AllUsers:
		return api.Permissions{AllowAnonymousAccess: true}
	case to.Audience >= access.DatasourceUsers && audience >= access.DatasourceUsers:
		return api.Permissions{AllowAllDatasourceUsersAccess: true}
	case to.Audience > access.Listed:
		return p
	case to.Audience < access.Listed:
		return api.Permissions{}
	}
	var out api.Permissions
	for _, u := range p.AllowedUsers {
		if to.Has(n.userPrincipal(n.nameOf(u))) {
			out.AllowedUsers = append(out.AllowedUsers, u)
		}
	}
	for _, g := range p.AllowedGroups {
		if to.Has(component.GroupPrincipal(g)) {
			out.AllowedGroups = append(out.AllowedGroups, g)
		}
	}
	for _, x := range p.AllowedGroupIntersections {
		var set []string
		for _, g := range x.RequiredGroups {
			set = append(set, component.GroupPrincipal(g))
		}
		if len(set) > 0 && to.HasAllOf(set) {
			out.AllowedGroupIntersections = append(out.AllowedGroupIntersections, x)
		}
	}
	return out
}

// AudienceOf returns the audience of permissions and the principals that they name, as in
// component.Encoded.
func (n Naming) AudienceOf(p api.Permissions) (a access.Audience, named []string, allOf [][]string) {
	for _, u := range p.AllowedUsers {
		name := u.DatasourceUserID
		if n.ByEmail {
			name = strings.ToLower(u.Email)
		}
		named = append(named, component.UserPrincipal(name))
	}
	for _, g := range p.AllowedGroups {
		named = append(named, component.GroupPrincipal(g))
	}
	for _, x := range p.AllowedGroupIntersections {
		var set []string
		for _, g := range x.RequiredGroups {
			set = append(set, component.GroupPrincipal(g))
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
