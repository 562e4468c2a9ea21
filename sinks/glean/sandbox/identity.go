package sandbox

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

var (
	datasourceUserShape = shape{"email": text, "userId": text, "name": text, "isActive": boolean}
	groupShape          = shape{"name": text}
	membershipShape     = shape{"memberUserId": text, "memberGroupName": text}
)

func (s *schema) user(raw []byte) (entry[api.User], error) {
	var u api.User
	err := read(datasourceUserShape, raw, &u)
	switch {
	case err != nil:
	case !strings.Contains(u.Email, "@"):
		err = fmt.Errorf("email: %q is not an e-mail address", u.Email)
	case u.Name == "":
		err = fmt.Errorf("user %q: name: is required", u.Email)
	case u.UserID == "" && !s.byEmail:
		err = fmt.Errorf("user %q: userId: is required, as isUserReferencedByEmail is false", u.Email)
	}
	return entry[api.User]{key: strings.ToLower(u.Email), id: u.Email, value: u}, err
}

func (s *schema) group(raw []byte) (entry[api.Group], error) {
	var g api.Group
	err := read(groupShape, raw, &g)
	switch {
	case err != nil:
	case g.Name == "":
		err = fmt.Errorf("name: must not be empty")
	case strings.ContainsFunc(g.Name, unicode.IsSpace):
		err = fmt.Errorf("name: %q cannot have spaces", g.Name)
	case strings.HasPrefix(g.Name, api.ReservedGroupPrefix):
		err = fmt.Errorf("name: %q: groups cannot start with %s", g.Name, api.ReservedGroupPrefix)
	}
	return entry[api.Group]{key: s.groupKey(g.Name), id: g.Name, value: g}, err
}

func (s *schema) membership(raw []byte) (entry[api.Membership], error) {
	var m api.Membership
	err := read(membershipShape, raw, &m)
	if err == nil && (m.MemberUserID == "") == (m.MemberGroupName == "") {
		err = fmt.Errorf("exactly one of memberUserId and memberGroupName must be specified")
	}
	key := s.memberKey(m)
	return entry[api.Membership]{key: key, id: key, value: m}, err
}

// memberKey returns the key of a member within its group.
func (s *schema) memberKey(m api.Membership) string {
	if m.MemberGroupName != "" {
		return "group " + s.groupKey(m.MemberGroupName)
	}
	return "user " + s.userKey(m.MemberUserID)
}

// reference returns the user that a document's reference names in this datasource.
func (s *schema) reference(u api.UserReference) string {
	if s.byEmail {
		return u.Email
	}
	return u.DatasourceUserID
}

// userKey is how a reference to a user is compared.
func (s *schema) userKey(reference string) string {
	if s.byEmail {
		return strings.ToLower(reference)
	}
	return reference
}

// groupKey is how a name of a group is compared.
func (s *schema) groupKey(name string) string {
	if s.anyCase {
		return strings.ToLower(name)
	}
	return name
}

func read(s shape, raw []byte, v any) error {
	if err := s.check(raw); err != nil {
		return err
	}
	return codec.Unmarshal(raw, v)
}
