package glean

import (
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// membersOf is the item of a group's members.
type membersOf struct {
	Group       string           `json:"group"`
	Memberships []api.Membership `json:"memberships"`
}

// membersAt are the members of each group of a selection, which may be nil.
func membersAt(s *component.Selection) map[string][]api.Membership {
	out := map[string][]api.Membership{}
	if s == nil {
		return out
	}
	for _, item := range s.Identities[api.StreamMemberships] {
		var m membersOf
		if codec.Unmarshal(item.Body, &m) == nil {
			out[m.Group] = m.Memberships
		}
	}
	return out
}
