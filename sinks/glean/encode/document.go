package encode

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

const plainText = "text/plain"

// textTypes are the media types that a body may have. Glean refuses JSON, XML and YAML; such
// bodies are sent as plain text.
var textTypes = []string{plainText, "text/markdown", "text/html", "text/csv"}

// document encodes a document.
func (s *Encoder) document(item *component.Item) (component.Encoded, error) {
	d := api.Document{Datasource: s.schema.Name}
	bodyType := plainText
	for _, f := range item.Fields {
		switch v := f.Value.(type) {
		case string:
			if f.Name == "bodyType" {
				bodyType = v
			} else {
				s.setText(&d, f.Name, v)
			}
		case int64:
			setSeconds(&d, f.Name, v)
		case []string:
			setList(&d, f.Name, v)
		case []component.Field:
			properties, err := s.properties(&d, item, v)
			if err != nil {
				return component.Encoded{}, err
			}
			d.CustomProperties = properties
		}
	}
	if d.Body != nil {
		d.Body.MimeType = bodyType
	}
	if err := s.judge(&d, bodyType); err != nil {
		return component.Encoded{}, err
	}
	audience, named := s.permit(&d, item.Permissions)
	if audience == access.Listed || audience == access.DatasourceUsers && s.schema.Lender == "" {
		s.skipped.needUsers.Add(1)
	}
	body, err := marshal(&d)
	if err != nil {
		return component.Encoded{}, err
	}
	e := component.Encoded{ID: DocumentID(d.ID), Ref: item.Ref, Type: d.ObjectType, Audience: audience,
		Rule: item.Permissions.Rule, Principals: named.principals, AllOf: named.allOf, Resolved: !named.leftOut, Body: body}
	limit := s.limit
	if cutBody(&d, len(body), limit) {
		if e.Body, err = marshal(&d); err != nil {
			return component.Encoded{}, err
		}
		e.Cut = append(e.Cut, "body")
	}
	e.Access = accessIn(e.Body)
	return e, nil
}

// Keep encodes who finds a document that Glean keeps as it is: its names and permissions.
func (s *Encoder) Keep(item *component.Item, id, typ string) (component.Encoded, error) {
	d := api.Document{Datasource: s.schema.Name, ID: id, ObjectType: typ}
	audience, named := s.permit(&d, item.Permissions)
	if audience == access.Listed || audience == access.DatasourceUsers && s.schema.Lender == "" {
		s.skipped.needUsers.Add(1)
	}
	body, err := marshal(&d)
	if err != nil {
		return component.Encoded{}, err
	}
	return component.Encoded{ID: DocumentID(id), Ref: item.Ref, Type: typ, Audience: audience, Kept: true,
		Rule: item.Permissions.Rule, Principals: named.principals, AllOf: named.allOf, Resolved: !named.leftOut,
		Body: body, Access: accessIn(body)}, nil
}

// accessIn returns where the permissions begin in an encoded document; they are its last
// member. A text in the document cannot contain the name of a member in unescaped quotes.
func accessIn(body []byte) int { return max(0, bytes.LastIndex(body, []byte(`,"permissions":`))) }

func (s *Encoder) setText(d *api.Document, name, v string) {
	switch name {
	case "id":
		d.ID = v
	case "objectType":
		d.ObjectType = v
	case "title":
		d.Title = v
	case "viewURL":
		d.ViewURL = v
	case "summary":
		d.Summary = &api.Content{MimeType: plainText, TextContent: v}
	case "body":
		d.Body = &api.Content{TextContent: v}
	case "owner":
		d.Owner = s.user(v)
	case "author":
		d.Author = s.user(v)
	case "updatedBy":
		d.UpdatedBy = s.user(v)
	case "container":
		d.Container = v
	case "containerObjectType":
		d.ContainerObjectType = v
	case "containerDatasourceId":
		d.ContainerDatasourceID = v
	case "status":
		d.Status = v
	case "nativeAppUrl":
		d.NativeAppURL = v
	}
}

func setSeconds(d *api.Document, name string, v int64) {
	switch name {
	case "createdAt":
		d.CreatedAt = v
	case "updatedAt":
		d.UpdatedAt = v
	}
}

func setList(d *api.Document, name string, v []string) {
	switch name {
	case "tags":
		d.Tags = v
	case "additionalUrls":
		d.AdditionalURLs = v
	}
}

// judge refuses what Glean would refuse, and leaves out a container of a type
// that Glean does not know.
func (s *Encoder) judge(d *api.Document, bodyType string) error {
	switch {
	case d.ID == "":
		return reject("id", "is empty")
	case utf8.RuneCountInString(d.ID) > api.MaxID:
		return reject("id", "has %d characters, but Glean accepts %d: shorten it, for example with sha256(…)",
			utf8.RuneCountInString(d.ID), api.MaxID)
	case d.ObjectType == "":
		return reject("objectType", "is empty")
	case !settings.WellFormed(d.ObjectType):
		return reject("objectType", "%q has a space or _, which Glean does not allow", d.ObjectType)
	case d.ViewURL == "" && !s.schema.Entity:
		return reject("viewURL", "is empty")
	case d.ViewURL != "" && !s.schema.TakesURL(d.ViewURL):
		return reject("viewURL", "does not match datasource.urlRegex")
	case !slices.Contains(textTypes, bodyType):
		return reject("bodyType", "%q is not a type that can be sent; send it as %s", bodyType, strings.Join(textTypes, ", "))
	}
	if _, declared := s.schema.Properties(d.ObjectType); !declared {
		return reject("objectType", "%q is not under datasource.objectDefinitions", d.ObjectType)
	}
	if _, declared := s.schema.Properties(d.ContainerObjectType); d.ContainerObjectType != "" &&
		(!declared || !settings.WellFormed(d.ContainerObjectType)) {
		s.skipped.count(s.skipped.containers, d.ContainerObjectType)
		d.ContainerObjectType, d.ContainerDatasourceID = "", ""
	}
	return nil
}
