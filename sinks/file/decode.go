package file

import (
	"cmp"
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// Decode reads a line back.
func (*Sink) Decode(stream string, body []byte) (component.Stored, error) {
	if stream == streamMemberships {
		var m membersOf
		err := codec.Unmarshal(body, &m)
		return component.Stored{ID: m.Group, Principals: m.Members, Fields: map[string]any{}}, err
	}
	line, err := codec.Decode(body)
	if err != nil {
		return component.Stored{}, err
	}
	var head struct {
		ID          string      `json:"id"`
		Type        string      `json:"type"`
		Title       string      `json:"title"`
		Name        string      `json:"name"`
		Permissions permissions `json:"permissions"`
	}
	if err := codec.Unmarshal(body, &head); err != nil {
		return component.Stored{}, fmt.Errorf("read an item of %s: %w", stream, err)
	}
	out := component.Stored{ID: head.ID, Type: head.Type, Title: cmp.Or(head.Title, head.Name), Fields: line}
	if stream == streamDocuments {
		out.Audience = access.ParseAudience(head.Permissions.Audience)
		out.Principals, out.AllOf = principals(head.Permissions)
	}
	delete(line, "id")
	delete(line, "permissions")
	return out, nil
}

// principals are the names of users and groups, as Encode made them.
func principals(p permissions) (anyOf []string, allOf [][]string) {
	each := func(principal func(string) string, ids []string) (out []string) {
		for _, id := range ids {
			out = append(out, principal(id))
		}
		return out
	}
	for _, set := range p.AllOf {
		allOf = append(allOf, each(component.GroupPrincipal, set))
	}
	return append(each(component.GroupPrincipal, p.Groups), each(component.UserPrincipal, p.Users)...), allOf
}
