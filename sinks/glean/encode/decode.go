package encode

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// Decode reads an item that an Encoder encoded.
func Decode(schema *settings.Schema, stream string, body []byte) (component.Stored, error) {
	s := &Encoder{schema: schema, names: Naming{schema.ByEmail}}
	switch stream {
	case api.StreamUsers:
		return readBack(body, s.storedUser)
	case api.StreamGroups:
		return readBack(body, func(g api.Group) component.Stored { return component.Stored{ID: g.Name} })
	case api.StreamMemberships:
		return readBack(body, func(m MembersOf) component.Stored {
			return component.Stored{ID: m.Group, Principals: s.names.principals(m.Memberships)}
		})
	case api.StreamDocuments:
		return readBack(body, s.storedDocument)
	}
	return component.Stored{}, fmt.Errorf("there is no stream %q", stream)
}

func readBack[T any](body []byte, stored func(T) component.Stored) (component.Stored, error) {
	var v T
	if err := codec.Unmarshal(body, &v); err != nil {
		return component.Stored{}, err
	}
	return stored(v), nil
}

func (s *Encoder) storedUser(u api.User) component.Stored {
	fields := map[string]any{"email": u.Email, "name": u.Name}
	if u.UserID != "" {
		fields["id"] = u.UserID
	}
	return component.Stored{ID: strings.ToLower(u.Email), Title: u.Name, Fields: fields}
}

func (s *Encoder) storedDocument(d api.Document) component.Stored {
	out := component.Stored{ID: DocumentID(d.ID), Type: d.ObjectType, Title: d.Title, Fields: map[string]any{}}
	for name, text := range map[string]string{
		"datasource": d.Datasource, "objectType": d.ObjectType, "title": d.Title, "viewURL": d.ViewURL,
		"container": d.Container, "containerObjectType": d.ContainerObjectType,
		"containerDatasourceId": d.ContainerDatasourceID, "status": d.Status, "nativeAppUrl": d.NativeAppURL,
	} {
		if text != "" {
			out.Fields[name] = text
		}
	}
	for name, c := range map[string]*api.Content{"summary": d.Summary, "body": d.Body} {
		if c != nil {
			out.Fields[name] = c.TextContent
		}
	}
	if d.Body != nil {
		out.Fields["bodyType"] = d.Body.MimeType
	}
	for name, u := range map[string]*api.UserReference{"owner": d.Owner, "author": d.Author, "updatedBy": d.UpdatedBy} {
		if u != nil {
			out.Fields[name] = s.names.nameOf(*u)
		}
	}
	for name, at := range map[string]int64{"createdAt": d.CreatedAt, "updatedAt": d.UpdatedAt} {
		if at != 0 {
			out.Fields[name] = at
		}
	}
	for name, list := range map[string][]string{"tags": d.Tags, "additionalUrls": d.AdditionalURLs} {
		if len(list) > 0 {
			out.Fields[name] = list
		}
	}
	if len(d.CustomProperties) > 0 {
		properties := map[string]any{}
		for _, p := range d.CustomProperties {
			properties[p.Name] = p.Value
		}
		out.Fields["customProperties"] = properties
	}
	if d.Permissions != nil {
		out.Audience, out.Principals, out.AllOf = s.names.AudienceOf(*d.Permissions)
	}
	return out
}
