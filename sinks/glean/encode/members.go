package encode

import (
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// MembersOf is the item of a group's members.
type MembersOf struct {
	Group       string           `json:"group"`
	Memberships []api.Membership `json:"memberships"`
}

// MembersAt are the members of each group of a selection, which may be nil.
func MembersAt(s *component.Selection) map[string][]api.Membership {
	out := map[string][]api.Membership{}
	if s == nil {
		return out
	}
	for _, item := range s.Identities[api.StreamMemberships] {
		var m MembersOf
		if codec.Unmarshal(item.Body, &m) == nil {
			out[m.Group] = m.Memberships
		}
	}
	return out
}
