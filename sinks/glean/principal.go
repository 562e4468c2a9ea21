package glean

import (
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
// it in the end: Nobody, when no principal is known to Glean. It never widens
// (invariant 2).
func (s *session) permit(d *api.Document, p engine.Permissions) engine.Audience {
	d.Permissions = &api.Permissions{}
	switch p.Audience {
	case engine.AllUsers:
		d.Permissions.AllowAnonymousAccess = true
	case engine.DatasourceUsers:
		d.Permissions.AllowAllDatasourceUsersAccess = true
	case engine.Listed:
		return s.list(d.Permissions, p.Principals)
	default: // undecided is no decision, the engine rejects it
		return p.Audience
	}
	return p.Audience
}

// list resolves principals; those that nobody delivered are left out and
// counted.
func (s *session) list(p *api.Permissions, principals []string) engine.Audience {
	seen := make(map[string]bool, len(principals))
	for _, ref := range principals {
		user, isUser := s.people[ref]
		group, isGroup := s.teams[ref]
		switch {
		case isUser:
			if !seen["user "+user] {
				seen["user "+user] = true
				p.AllowedUsers = append(p.AllowedUsers, s.reference(user))
			}
		case isGroup:
			if !seen["group "+group] {
				seen["group "+group] = true
				p.AllowedGroups = append(p.AllowedGroups, group)
			}
		default:
			s.tally.count(s.tally.principals, ref)
		}
	}
	if len(p.AllowedUsers)+len(p.AllowedGroups) == 0 {
		return engine.Nobody
	}
	return engine.Listed
}
