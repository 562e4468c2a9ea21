package sandbox

import (
	"strings"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// source is what the server holds of one datasource. It is guarded by the
// server's mu; its schema is replaced, never changed.
type source struct {
	schema    *schema
	documents collection[document]
	users     collection[api.User]
	groups    collection[api.Group]
	members   map[string]*collection[api.Membership] // by group
	uploads   []*Upload
}

// Upload is the record of one upload.
type Upload struct {
	Stream         string // documents, users, groups or memberships
	Group          string // whose memberships
	ID             string
	Pages, Items   int       // pages accepted; distinct ids when it was closed
	Started, Ended time.Time // Ended is zero while it is active
	Discarded      bool      // by forceRestartUpload
	Deleted        int       // what it made the server delete
	Paused         int       // what it would have deleted, were it not more than 20 %
}

// source finds a datasource. The caller holds mu.
func (s *Server) source(name string) (*source, error) {
	if x := s.sources[strings.ToLower(name)]; x != nil {
		return x, nil
	}
	return nil, bad("Invalid datasource")
}

// schemaOf finds a datasource's schema.
func (s *Server) schemaOf(name string) (*schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(name)
	if err != nil {
		return nil, err
	}
	return x.schema, nil
}

// configure adds a datasource, or gives one that is there another config.
func (s *Server) configure(c api.DatasourceConfig) error {
	schema, err := compile(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(c.Name)
	if s.sources[key] == nil {
		s.sources[key] = &source{members: map[string]*collection[api.Membership]{}}
	}
	s.sources[key].schema = schema
	return nil
}

// begin makes the record of a new upload.
func (x *source) begin(p page, now time.Time) *Upload {
	u := &Upload{Stream: p.stream, Group: p.group, ID: p.UploadID, Started: now}
	x.uploads = append(x.uploads, u)
	return u
}

// closed is whether an upload with this id was completed.
func (x *source) closed(id string) bool {
	for _, u := range x.uploads {
		if u.ID == id && !u.Ended.IsZero() {
			return true
		}
	}
	return false
}

// membersOf is the collection of a group's members.
func (x *source) membersOf(group string) *collection[api.Membership] {
	if x.members[group] == nil {
		x.members[group] = &collection[api.Membership]{}
	}
	return x.members[group]
}

// forgetUsers deletes the memberships of users that are gone.
func (x *source) forgetUsers(gone map[string]entry[api.User]) {
	for _, e := range gone {
		reference := e.value.UserID
		if x.schema.byEmail {
			reference = e.value.Email
		}
		x.forget(api.Membership{MemberUserID: reference})
	}
}

// forgetGroups deletes the memberships of and in groups that are gone.
func (x *source) forgetGroups(gone map[string]entry[api.Group]) {
	for name := range gone {
		if c := x.members[name]; c != nil {
			c.live = nil
		}
		x.forget(api.Membership{MemberGroupName: name})
	}
}

func (x *source) forget(m api.Membership) {
	key := x.schema.memberKey(m)
	for _, c := range x.members {
		delete(c.live, key)
	}
}

// knowsUser is whether a reference is to a user that was uploaded.
func (x *source) knowsUser(reference string) bool {
	if x.schema.byEmail {
		_, ok := x.users.live[strings.ToLower(reference)]
		return ok
	}
	for _, e := range x.users.live {
		if e.value.UserID == reference {
			return true
		}
	}
	return false
}

func (x *source) knowsGroup(name string) bool {
	_, ok := x.groups.live[name]
	return ok
}

// unknown names a principal of permissions that was not uploaded; "" when all
// were.
func (x *source) unknown(p api.Permissions) string {
	for _, u := range p.AllowedUsers {
		if reference := x.schema.reference(u); !x.knowsUser(reference) {
			return reference
		}
	}
	groups := p.AllowedGroups
	for _, g := range p.AllowedGroupIntersections {
		groups = append(groups[:len(groups):len(groups)], g.RequiredGroups...)
	}
	for _, g := range groups {
		if !x.knowsGroup(g) {
			return g
		}
	}
	return ""
}
