package sandbox

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// access answers who finds what from the identities of a datasource. A group that was not
// uploaded gives no access, and a group contains the members of its groups.
type access struct {
	byEmail bool                     // documents refer to users by e-mail
	member  func(api.User) string    // how memberships refer to a user
	group   func(name string) string // how it is compared
	users   map[string]api.User      // by lower-case e-mail
	groups  map[string]bool
	parents map[api.Membership][]string // the groups that a member is directly in
}

// newAccess uses the schema of the documents, and that of the identities, which may be
// another datasource's.
func newAccess(s, of *schema, users map[string]api.User, groups map[string]bool,
	members map[string][]api.Membership) *access {
	a := &access{byEmail: s.byEmail, member: identity(of.byEmail), group: of.groupKey, users: users, groups: groups,
		parents: map[api.Membership][]string{}}
	for group, ms := range members {
		for _, m := range ms {
			m = api.Membership{MemberUserID: of.userKey(m.MemberUserID), MemberGroupName: of.groupKey(m.MemberGroupName)}
			if groups[group] {
				a.parents[m] = append(a.parents[m], group)
			}
		}
	}
	return a
}

// identity is how a datasource refers to a user.
func identity(byEmail bool) func(api.User) string {
	return func(u api.User) string {
		if byEmail {
			return strings.ToLower(u.Email)
		}
		return u.UserID
	}
}

// groupsOf are the groups that a user is in, directly or through others.
func (a *access) groupsOf(u api.User) map[string]bool {
	in := map[string]bool{}
	next := a.parents[api.Membership{MemberUserID: a.member(u)}]
	for len(next) > 0 {
		group := next[len(next)-1]
		next = next[: len(next)-1 : len(next)-1]
		if !in[group] {
			in[group] = true
			next = append(next, a.parents[api.Membership{MemberGroupName: group}]...)
		}
	}
	return in
}

// finder returns a function that reports whether permissions give a person access. A person
// whose e-mail address was not uploaded can sign in to Glean; an inactive user finds
// nothing.
func (a *access) finder(email string) func(api.Permissions) bool {
	u, uploaded := a.users[strings.ToLower(email)]
	if !uploaded {
		return func(p api.Permissions) bool { return p.AllowAnonymousAccess }
	}
	if u.IsActive != nil && !*u.IsActive {
		return func(api.Permissions) bool { return false }
	}
	groups, identity := a.groupsOf(u), identity(a.byEmail)(u)
	return func(p api.Permissions) bool {
		return p.AllowAnonymousAccess || p.AllowAllDatasourceUsersAccess ||
			slices.ContainsFunc(p.AllowedUsers, func(r api.UserReference) bool {
				if a.byEmail {
					return strings.ToLower(r.Email) == identity
				}
				return r.DatasourceUserID == identity
			}) ||
			slices.ContainsFunc(p.AllowedGroups, func(g string) bool { return groups[a.group(g)] }) ||
			slices.ContainsFunc(p.AllowedGroupIntersections, func(x api.GroupIntersection) bool {
				return len(x.RequiredGroups) > 0 && !slices.ContainsFunc(x.RequiredGroups,
					func(g string) bool { return !groups[a.group(g)] })
			})
	}
}

// access returns the access rules of a datasource as received or as in effect. The caller
// holds the server's lock.
func (x *source) access(s state) *access {
	of := x.identity()
	users := make(map[string]api.User, len(of.users.in(s)))
	for k, e := range of.users.in(s) {
		users[k] = e.value
	}
	groups := make(map[string]bool, len(of.groups.in(s)))
	for k := range of.groups.in(s) {
		groups[k] = true
	}
	return newAccess(x.schema, of.schema, users, groups, of.memberships(s))
}

// memberships are the members of every group that has had an upload.
func (x *source) memberships(s state) map[string][]api.Membership {
	out := make(map[string][]api.Membership, len(x.members))
	for group, c := range x.members {
		members := c.in(s)
		if members == nil {
			continue
		}
		ms := make([]api.Membership, 0, len(members))
		for _, e := range members {
			ms = append(ms, e.value)
		}
		slices.SortFunc(ms, func(a, b api.Membership) int {
			return strings.Compare(a.MemberGroupName+"\x00"+a.MemberUserID, b.MemberGroupName+"\x00"+b.MemberUserID)
		})
		out[group] = ms
	}
	return out
}
