package sandbox

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// putOne implements the requests about one user and one group.
func putOne[T any](s *Server, body []byte, field string, judge func(*schema, []byte) (entry[T], error),
	of func(*source) *collection[T]) (any, error) {
	r, err := parseSingle(body, field)
	if err != nil {
		return nil, err
	}
	schema, err := s.schemaOf(r.datasource)
	if err != nil {
		return nil, err
	}
	e, err := judge(schema, r.value)
	if err != nil {
		return nil, inside(field, err)
	}
	return s.change(r.datasource, func(x *source) error { return of(x).put(e, r.version, s.options.Now()) })
}

func indexUser(s *Server, _ string, body []byte) (any, error) {
	return putOne(s, body, "user", (*schema).user, func(x *source) *collection[api.User] { return &x.users })
}

func indexGroup(s *Server, _ string, body []byte) (any, error) {
	return putOne(s, body, "group", (*schema).group, func(x *source) *collection[api.Group] { return &x.groups })
}

var (
	deleteUserShape      = shape{"version": integer, "datasource": text, "email": text}
	deleteGroupShape     = shape{"version": integer, "datasource": text, "groupName": text}
	groupMembershipShape = shape{"groupName": text, "memberUserId": text, "memberGroupName": text}
)

func deleteUser(s *Server, _ string, body []byte) (any, error) {
	var r api.DeleteUserRequest
	if err := read(deleteUserShape, body, &r); err != nil {
		return nil, err
	}
	if r.Email == "" {
		return nil, fmt.Errorf("email: is required")
	}
	return s.change(r.Datasource, func(x *source) error {
		now := s.options.Now()
		gone, err := x.users.remove(strings.ToLower(r.Email), r.Version, now)
		x.forgetUsers(gone, now)
		return err
	})
}

func deleteGroup(s *Server, _ string, body []byte) (any, error) {
	var r api.DeleteGroupRequest
	if err := read(deleteGroupShape, body, &r); err != nil {
		return nil, err
	}
	if r.GroupName == "" {
		return nil, fmt.Errorf("groupName: is required")
	}
	return s.change(r.Datasource, func(x *source) error {
		now := s.options.Now()
		gone, err := x.groups.remove(x.schema.groupKey(r.GroupName), r.Version, now)
		x.forgetGroups(gone, now)
		return err
	})
}

// parseMembership judges a membership with its group.
func parseMembership(s *Server, body []byte) (r single, m api.GroupMembership, err error) {
	if r, err = parseSingle(body, "membership"); err != nil {
		return r, m, err
	}
	if err = read(groupMembershipShape, r.value, &m); err != nil {
		return r, m, under("membership", err)
	}
	switch {
	case m.GroupName == "":
		err = fmt.Errorf("membership.groupName: is required")
	case (m.MemberUserID == "") == (m.MemberGroupName == ""):
		err = fmt.Errorf("membership: exactly one of memberUserId and memberGroupName must be specified")
	}
	return r, m, err
}

func indexMembership(s *Server, _ string, body []byte) (any, error) {
	r, m, err := parseMembership(s, body)
	if err != nil {
		return nil, err
	}
	return s.change(r.datasource, func(x *source) error {
		if s.options.Rules.RefuseUnknownPrincipals {
			if !x.knowsGroup(m.GroupName) {
				return bad("membership: %q is not known in datasource %s", m.GroupName, r.datasource)
			}
			if m.MemberUserID != "" && !x.knowsUser(m.MemberUserID) || m.MemberGroupName != "" &&
				!x.knowsGroup(m.MemberGroupName) {
				return bad("membership: %q is not known in datasource %s", m.MemberUserID+m.MemberGroupName, r.datasource)
			}
		}
		key := x.schema.memberKey(m.Membership)
		return x.membersOf(m.GroupName).put(entry[api.Membership]{key: key, id: key, value: m.Membership}, r.version,
			s.options.Now())
	})
}

func deleteMembership(s *Server, _ string, body []byte) (any, error) {
	r, m, err := parseMembership(s, body)
	if err != nil {
		return nil, err
	}
	return s.change(r.datasource, func(x *source) error {
		_, err := x.membersOf(m.GroupName).remove(x.schema.memberKey(m.Membership), r.version, s.options.Now())
		return err
	})
}

var betaUsersShape = shape{"datasource": text, "emails": listOf(func(v []byte) error {
	if email, ok := codec.Text(v); !ok || !strings.Contains(email, "@") {
		return fmt.Errorf("must be an e-mail address")
	}
	return nil
})}

// betaUsers makes a datasource visible to people, replacing those of earlier requests.
func betaUsers(s *Server, _ string, body []byte) (any, error) {
	var r struct {
		Datasource string   `json:"datasource"`
		Emails     []string `json:"emails"`
	}
	if err := read(betaUsersShape, body, &r); err != nil {
		return nil, err
	}
	if r.Emails == nil {
		return nil, fmt.Errorf("emails: is required")
	}
	return s.change(r.Datasource, func(x *source) error {
		x.testers = map[string]bool{}
		for _, e := range r.Emails {
			x.testers[strings.ToLower(e)] = true
		}
		return nil
	})
}

// visibility returns who sees a datasource. A test datasource is visible only to its
// testers. The caller holds mu.
func (s *Server) visibility(x *source) string {
	v := s.options.Visibility
	if v == "" {
		v = api.VisibilityAll
		if isTrue(x.schema.config.IsTestDatasource) {
			v = api.VisibilityNone
		}
	}
	if v == api.VisibilityNone && len(x.testers) > 0 {
		v = api.VisibilityTestGroup
	}
	return v
}
