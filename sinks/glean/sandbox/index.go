package sandbox

import (
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Index is a copy of a datasource at one moment, as received or as in effect.
type Index struct {
	Config      api.DatasourceConfig
	Documents   map[string]api.Document     // by id, as it was last uploaded
	Users       map[string]api.User         // by lower-case e-mail
	Groups      map[string]api.Group        // by name
	Memberships map[string][]api.Membership // by group, sorted; an empty list after an empty upload
	Uploads     []Upload                    // in the order of their first pages
	Testers     []string                    // the people of the last betausers request, in lower case, sorted
	access      *access
}

// Index copies a datasource as acknowledged requests have left it; it is empty for one
// that is not known.
func (s *Server) Index(datasource string) Index { return s.copy(datasource, told) }

// Effective copies a datasource as in effect for searches now.
func (s *Server) Effective(datasource string) Index { return s.copy(datasource, inEffect) }

func (s *Server) copy(datasource string, as state) Index {
	s.mu.Lock()
	x, err := s.source(datasource)
	if err != nil {
		s.mu.Unlock()
		none := &schema{byEmail: true}
		return Index{access: newAccess(none, none, nil, nil, nil)}
	}
	i := Index{Config: x.schema.config, Memberships: x.memberships(as), Testers: slices.Sorted(maps.Keys(x.testers)),
		access: x.access(as)}
	i.Users = make(map[string]api.User, len(x.users.in(as)))
	for k, e := range x.users.in(as) {
		i.Users[k] = e.value
	}
	i.Groups = make(map[string]api.Group, len(x.groups.in(as)))
	for k, e := range x.groups.in(as) {
		i.Groups[k] = e.value
	}
	for _, u := range x.uploads {
		i.Uploads = append(i.Uploads, *u)
	}
	raw := make(map[string][]byte, len(x.documents.in(as)))
	for _, e := range x.documents.in(as) {
		raw[e.id] = e.value.raw
	}
	s.mu.Unlock()

	i.Documents = make(map[string]api.Document, len(raw))
	for id, b := range raw { // the bytes are never changed
		var d api.Document
		if err := codec.Unmarshal(b, &d); err != nil {
			panic("sandbox: a document that was accepted does not decode: " + err.Error())
		}
		i.Documents[id] = d
	}
	return i
}

// Unfinished are the uploads that were begun and neither ended nor discarded.
func (i Index) Unfinished() []Upload {
	return slices.DeleteFunc(slices.Clone(i.Uploads), func(u Upload) bool { return u.Discarded || !u.Ended.IsZero() })
}

// Document finds a document by its id, without regard to case.
func (i Index) Document(id string) (api.Document, bool) {
	if d, ok := i.Documents[id]; ok {
		return d, true
	}
	for k, d := range i.Documents {
		if strings.EqualFold(k, id) {
			return d, true
		}
	}
	return api.Document{}, false
}

// WhoFinds lists the uploaded users that find a document, as lower-case e-mails, sorted.
// People who were not uploaded find documents that allow anonymous access.
func (i Index) WhoFinds(id string) []string {
	d, ok := i.Document(id)
	if !ok || d.Permissions == nil {
		return nil
	}
	var out []string
	for _, email := range slices.Sorted(maps.Keys(i.access.users)) {
		if i.access.finder(email)(*d.Permissions) {
			out = append(out, email)
		}
	}
	return out
}

// Finds returns the ids of the documents that a person finds, sorted.
func (i Index) Finds(email string) []string {
	finds := i.access.finder(email)
	var out []string
	for _, id := range slices.Sorted(maps.Keys(i.Documents)) {
		if p := i.Documents[id].Permissions; p != nil && finds(*p) {
			out = append(out, id)
		}
	}
	return out
}

// CountByType counts the documents by object type.
func (i Index) CountByType() map[string]int {
	out := map[string]int{}
	for _, d := range i.Documents {
		out[d.ObjectType]++
	}
	return out
}
