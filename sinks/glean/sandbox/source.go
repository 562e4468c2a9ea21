package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// source is one datasource on the server. The server's mu guards it; its schema is replaced,
// never changed.
type source struct {
	rules     Rules
	schema    *schema
	documents collection[document]
	users     collection[api.User]
	groups    collection[api.Group]
	members   map[string]*collection[api.Membership] // by group
	uploads   []*Upload
	counted   []counted // after each change, for a lagging status
	indexing  pending   // changes of documents
	resolving pending   // changes of users, groups and memberships

	testers     map[string]bool    // lower-case e-mails; nil before betausers
	events      map[string][]event // of documents, by key
	eventsAsked time.Time
	single      []time.Time // of the documents that indexdocuments took within a minute
	asked       time.Time   // when its documents were to be processed last
	processed   []time.Time // when its documents were processed
	identities  []time.Time // when its memberships were
	lender      *source     // the datasource whose users and groups count instead of its own; nil: its own
}

// Upload is the record of one upload.
type Upload struct {
	Stream         string // documents, users, groups or memberships
	Group          string // whose memberships
	ID             string
	Pages, Items   int       // pages accepted; distinct ids when it was closed
	Started, Ended time.Time // Ended is zero while it is active
	Discarded      bool      // by forceRestartUpload, or as it was unfinished for too long
	discarded      time.Time
	Deleted        int       // what it deleted
	Paused         int       // what it would have deleted if that were not more than 20 %
	processed      time.Time // when it took effect
}

// newSource returns an empty datasource.
func newSource(r Rules) *source {
	x := &source{rules: r, members: map[string]*collection[api.Membership]{}, events: map[string][]event{},
		indexing: pending{takes: r.DocumentsTake}, resolving: pending{takes: r.IdentitiesTake}}
	x.documents = collection[document]{pending: &x.indexing, note: x.happened}
	x.users.pending, x.groups.pending = &x.resolving, &x.resolving
	return x
}

// source returns a datasource after applying the changes due in it and in the one that lends
// it identities. The caller holds mu.
func (s *Server) source(name string) (*source, error) {
	if x := s.sources[strings.ToLower(name)]; x != nil {
		now := s.options.Now()
		x.settle(now)
		x.identity().settle(now)
		return x, nil
	}
	if s.options.Rules.MissingIsNotFound {
		return nil, refuse(http.StatusNotFound, "Invalid datasource")
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

// configure adds a datasource, or replaces the config of an existing one.
func (s *Server) configure(c api.DatasourceConfig) error {
	schema, err := compile(c, s.options.Rules)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(c.Name)
	var lender *source
	if name := strings.ToLower(c.IdentityDatasourceName); name != "" && name != key {
		if lender = s.sources[name]; lender == nil {
			return fmt.Errorf("identityDatasourceName: there is no datasource %q", c.IdentityDatasourceName)
		}
	}
	if s.sources[key] == nil {
		s.sources[key] = newSource(s.options.Rules)
	}
	s.sources[key].schema, s.sources[key].lender = schema, lender
	return nil
}

// identity is the datasource whose users and groups count.
func (x *source) identity() *source {
	if x.lender != nil {
		return x.lender
	}
	return x
}

// begin makes the record of a new upload.
func (x *source) begin(p page, now time.Time) *Upload {
	u := &Upload{Stream: p.stream, Group: p.group, ID: p.UploadID, Started: now}
	x.uploads = append(x.uploads, u)
	return u
}

// unfinished are the uploads that a first page of p competes with.
func (x *source) unfinished(p page, scope Scope) []*Upload {
	var out []*Upload
	for _, u := range x.uploads {
		if !u.Ended.IsZero() || u.Discarded {
			continue
		}
		if scope == OfDatasource || u.Stream == p.stream && (scope == OfKind ||
			x.schema.groupKey(u.Group) == x.schema.groupKey(p.group)) {
			out = append(out, u)
		}
	}
	return out
}

// inTheWay is the unfinished upload for which a first page is a conflict; nil
// when there is none.
func (x *source) inTheWay(p page, r Rules) *Upload {
	for _, u := range x.unfinished(p, r.Scope) {
		if !r.SameIDBeginsAnew || u.ID != p.UploadID {
			return u
		}
	}
	return nil
}

// discard ends the upload that a first page replaces.
func (x *source) discard(p page, r Rules, now time.Time) {
	for _, u := range x.unfinished(p, r.Scope) {
		x.drop(u, now)
	}
}

// expire ends uploads that have been unfinished for too long.
func (x *source) expire(r Rules, now time.Time) {
	if r.UploadsLive == 0 {
		return
	}
	for _, u := range x.uploads {
		if u.Ended.IsZero() && !u.Discarded && now.Sub(u.Started) >= r.UploadsLive {
			x.drop(u, now)
		}
	}
}

func (x *source) drop(u *Upload, now time.Time) {
	u.Discarded, u.discarded = true, now
	x.documents.drop(u)
	x.users.drop(u)
	x.groups.drop(u)
	for _, c := range x.members {
		c.drop(u)
	}
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
	group = x.schema.groupKey(group)
	if x.members[group] == nil {
		x.members[group] = &collection[api.Membership]{pending: &x.resolving}
	}
	return x.members[group]
}

// forgetUsers deletes the memberships of deleted users.
func (x *source) forgetUsers(gone map[string]entry[api.User], now time.Time) {
	for _, e := range gone {
		reference := e.value.UserID
		if x.schema.byEmail {
			reference = e.value.Email
		}
		x.forget(api.Membership{MemberUserID: reference}, now)
	}
}

// forgetGroups deletes the memberships of and in deleted groups.
func (x *source) forgetGroups(gone map[string]entry[api.Group], now time.Time) {
	for name := range gone {
		if c := x.members[name]; c != nil {
			c.clear(now)
		}
		x.forget(api.Membership{MemberGroupName: name}, now)
	}
}

func (x *source) forget(m api.Membership, now time.Time) {
	key := x.schema.memberKey(m)
	for _, c := range x.members {
		if e, member := c.live[key]; member {
			delete(c.live, key)
			c.discard([]entry[api.Membership]{e}, now)
		}
	}
}

// knowsUser is whether a reference is to a user that was uploaded.
func (x *source) knowsUser(reference string) bool {
	users := x.identity().users.live
	if x.schema.byEmail {
		_, ok := users[strings.ToLower(reference)]
		return ok
	}
	for _, e := range users {
		if e.value.UserID == reference {
			return true
		}
	}
	return false
}

func (x *source) knowsGroup(name string) bool {
	of := x.identity()
	_, ok := of.groups.live[of.schema.groupKey(name)]
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
