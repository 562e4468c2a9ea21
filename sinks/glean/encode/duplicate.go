package encode

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// rejectDuplicateIDs rejects every user and group whose ref or name in Glean is claimed by
// another one, compared without regard to case, since Glean may do so. Users and groups
// share one space of refs. All claimants are rejected, since a ref must not resolve to the
// wrong one. Users with the same e-mail address may share their id.
func (s *Encoder) rejectDuplicateIDs(out component.Outlet) {
	claims := make(map[string]int, len(s.users)+len(s.groups))
	for _, u := range s.users {
		claims[strings.ToLower(u.ref)]++
	}
	for _, g := range s.groups {
		claims[strings.ToLower(g.ref)]++
	}
	duplicate := func(stream, ref, record string) bool {
		n := claims[strings.ToLower(ref)]
		if n == 1 {
			return false
		}
		out.End(stream, record, component.Rejected, fmt.Sprintf("id: %[2]d users or groups have the id %[1]q; "+
			"all of them are rejected", ref, n))
		return true
	}
	s.users = slices.DeleteFunc(s.users, func(u heldUser) bool { return duplicate(api.StreamUsers, u.ref, u.record) })
	s.groups = slices.DeleteFunc(s.groups, func(g heldGroup) bool { return duplicate(api.StreamGroups, g.ref, g.record) })
	s.rejectDuplicateNames(out)
}

// rejectDuplicateNames ends the users that the datasource would refer to by one id,
// and the groups of one name.
func (s *Encoder) rejectDuplicateNames(out component.Outlet) {
	if !s.names.ByEmail {
		s.rejectDuplicateUserIDs(out)
	}
	names := map[string]int{}
	for _, g := range s.groups {
		names[strings.ToLower(g.name)]++
	}
	s.groups = slices.DeleteFunc(s.groups, func(g heldGroup) bool {
		n := names[strings.ToLower(g.name)]
		if n == 1 {
			return false
		}
		out.End(api.StreamGroups, g.record, component.Rejected, fmt.Sprintf("name: %[2]d groups have the name "+
			"%[1]q; all of them are rejected", g.name, n))
		return true
	})
}

// rejectDuplicateUserIDs ends the users with one id and several e-mails.
func (s *Encoder) rejectDuplicateUserIDs(out component.Outlet) {
	mails := map[string]map[string]bool{}
	for _, u := range s.users {
		id := strings.ToLower(u.id)
		if mails[id] == nil {
			mails[id] = map[string]bool{}
		}
		mails[id][strings.ToLower(u.email)] = true
	}
	s.users = slices.DeleteFunc(s.users, func(u heldUser) bool {
		n := len(mails[strings.ToLower(u.id)])
		if n == 1 {
			return false
		}
		out.End(api.StreamUsers, u.record, component.Rejected, fmt.Sprintf("userId: users with %[2]d e-mails "+
			"have the userId %[1]q; all of them are rejected", u.id, n))
		return true
	})
}
