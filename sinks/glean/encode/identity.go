package encode

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// heldUser is a user until Seal; record is the ref of its record.
type heldUser struct {
	record, ref, email, name string
	id                       string // by which the datasource refers to it, where not by e-mail
	inactive                 bool
	cut                      []string // fields that were cut
}

// heldGroup is a group until seal.
type heldGroup struct {
	record, ref, name  string
	members, subgroups []string
}

func (s *Encoder) holdUser(item *component.Item) error {
	u := heldUser{record: item.Ref, cut: item.Cut}
	for _, f := range item.Fields {
		switch v := f.Value.(type) {
		case string:
			switch f.Name {
			case "id":
				u.ref = v
			case "email":
				u.email = strings.TrimSpace(v)
			case "name":
				u.name = v
			case "userId":
				u.id = strings.TrimSpace(v)
			}
		case bool:
			u.inactive = f.Name == "isActive" && !v
		}
	}
	switch {
	case u.ref == "":
		return reject("id", "is empty")
	case u.email == "":
		return reject("email", "is empty")
	}
	var ok bool
	if u.email, ok = component.Email(u.email); !ok {
		return reject("email", "is not an e-mail address")
	}
	u.ref = cloned(u.ref, u.record)
	u.id = cloned(cmp.Or(u.id, u.ref), u.ref)
	u.email = strings.Clone(u.email)
	if u.name == "" {
		u.name, _, _ = strings.Cut(u.email, "@")
	} else {
		u.name = strings.Clone(u.name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, u)
	return nil
}

// cloned copies a text that may share memory with a record. If it equals other, which does
// not, it returns other.
func cloned(text, other string) string {
	if text == other {
		return other
	}
	return strings.Clone(text)
}

func notInName(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func (s *Encoder) holdGroup(item *component.Item) error {
	g := heldGroup{record: item.Ref}
	for _, f := range item.Fields {
		switch f.Name {
		case "id":
			g.ref, _ = f.Value.(string)
		case "name":
			g.name, _ = f.Value.(string)
		case "members":
			g.members, _ = f.Value.([]string)
		case "subgroups":
			g.subgroups, _ = f.Value.([]string)
		}
	}
	field := "name"
	if g.name == "" {
		field, g.name = "id", g.ref
	}
	switch {
	case g.ref == "":
		return reject("id", "is empty")
	case strings.ContainsFunc(g.name, notInName):
		return reject(field, "has white space, which Glean does not allow in a group's name")
	case strings.HasPrefix(g.name, api.ReservedGroupPrefix):
		return reject(field, "starts with %q, as only Glean's own groups do", api.ReservedGroupPrefix)
	}
	g.ref = cloned(g.ref, g.record)
	g.name = cloned(g.name, g.ref)
	g.members, g.subgroups = component.CloneTexts(g.members), component.CloneTexts(g.subgroups)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups = append(s.groups, g)
	return nil
}
