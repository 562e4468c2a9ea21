package glean

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// user is a reference to a delivered user, nil and counted for any other ref.
func (s *session) user(ref string) *api.UserReference {
	name, ok := s.people[ref]
	if !ok {
		s.tally.count(s.tally.owners, ref)
		return nil
	}
	r := s.reference(name)
	return &r
}

func (s *session) reference(name string) api.UserReference {
	if s.schema.byEmail {
		return api.UserReference{Email: name}
	}
	return api.UserReference{DatasourceUserID: name}
}

// permit makes the document's permissions of a decision and returns who finds
// it in the end: Nobody, when no principal is known to Glean, and whom it names.
// It never widens (invariant 2).
func (s *session) permit(d *api.Document, p engine.Permissions) (a engine.Audience, principals []string) {
	d.Permissions = &api.Permissions{}
	switch p.Audience {
	case engine.AllUsers:
		d.Permissions.AllowAnonymousAccess = true
	case engine.DatasourceUsers:
		d.Permissions.AllowAllDatasourceUsersAccess = true
	case engine.Listed:
		return s.list(d.Permissions, p.Principals)
	default: // undecided is no decision, the engine rejects it
	}
	return p.Audience, nil
}

// userPrincipal and groupPrincipal are how the engine compares whom a document
// or a group names; e-mail addresses have no case.
func (s *session) userPrincipal(name string) string {
	if s.schema.byEmail {
		name = strings.ToLower(name)
	}
	return "user " + name
}

func groupPrincipal(name string) string { return "group " + name }

// list resolves principals; those that nobody delivered are left out and
// counted.
func (s *session) list(p *api.Permissions, principals []string) (a engine.Audience, named []string) {
	seen := make(map[string]bool, len(principals))
	add := func(name string) bool {
		if seen[name] {
			return false
		}
		seen[name] = true
		named = append(named, name)
		return true
	}
	for _, ref := range principals {
		user, isUser := s.people[ref]
		group, isGroup := s.teams[ref]
		switch {
		case isUser:
			if add(s.userPrincipal(user)) {
				p.AllowedUsers = append(p.AllowedUsers, s.reference(user))
			}
		case isGroup:
			if add(groupPrincipal(group)) {
				p.AllowedGroups = append(p.AllowedGroups, group)
			}
		default:
			s.tally.count(s.tally.principals, ref)
		}
	}
	if len(p.AllowedUsers)+len(p.AllowedGroups) == 0 {
		return engine.Nobody, nil
	}
	slices.Sort(named)
	return engine.Listed, named
}
