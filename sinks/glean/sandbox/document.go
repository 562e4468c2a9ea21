package sandbox

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// document is a stored document: its bytes, and the members that decide who finds it.
type document struct {
	objectType  string
	permissions api.Permissions
	raw         []byte
}

var mimeTypes = []string{
	"text/plain", "text/html", "text/markdown", "text/csv", "application/pdf", "application/rtf", "application/msword",
	"application/vnd.ms-excel", "application/vnd.ms-powerpoint",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

var userShape = shape{"email": text, "datasourceUserId": text, "name": text}

var permissionsShape = shape{
	"allowedUsers": listOf(userShape.check), "allowedGroups": listOf(text),
	"allowedGroupIntersections": listOf(shape{"requiredGroups": listOf(text)}.check),
	"allowAnonymousAccess":      boolean, "allowAllDatasourceUsersAccess": boolean,
}

var commentShape = shape{
	"id": docID, "author": userShape.check, "content": content, "createdAt": integer, "updatedAt": integer,
	"updatedBy": userShape.check,
}

var documentShape = shape{
	"datasource": text, "id": docID, "objectType": text, "title": text, "filename": text, "viewURL": text,
	"container": text, "containerDatasourceId": text, "containerObjectType": text, "summary": content, "body": content,
	"author": userShape.check, "owner": userShape.check, "updatedBy": userShape.check, "createdAt": integer,
	"updatedAt": integer,
	"tags":      listOf(text), "status": text, "additionalUrls": listOf(text), "nativeAppUrl": text,
	"comments":         listOf(commentShape.check),
	"interactions":     shape{"numViews": integer, "numLikes": integer, "numComments": integer}.check,
	"customProperties": listOf(shape{"name": text, "value": anything}.check),
	"permissions":      permissionsShape.check,
}

func docID(value []byte) error {
	id, ok := codec.Text(value)
	switch {
	case !ok:
		return fmt.Errorf("must be a string")
	case id == "":
		return fmt.Errorf("must not be empty")
	case utf8.RuneCountInString(id) > api.MaxID:
		return fmt.Errorf("must not be more than %d characters", api.MaxID)
	}
	return nil
}

// content is text or bytes of a type that can be indexed.
func content(value []byte) error {
	if err := kind(value, '{', "an object"); err != nil {
		return err
	}
	mime, held := "", 0
	err := codec.Members(value, func(name string, v []byte) error {
		switch name {
		case "mimeType":
			mime, _ = codec.Text(v)
			return nil
		case "textContent", "binaryContent":
			held++
			if err := text(v); err != nil {
				return under(name, err)
			}
			return nil
		}
		return under(name, fmt.Errorf("unknown field"))
	})
	switch {
	case err != nil:
		return err
	case !slices.Contains(mimeTypes, mime):
		return under("mimeType", fmt.Errorf("%q is not supported", mime))
	case held > 1:
		return fmt.Errorf("only one of textContent and binaryContent can be specified")
	}
	return nil
}

// document judges one document of a page. Errors about its form do not name
// it, as Glean's do not; errors about its values do.
func (s *schema) document(raw []byte) (entry[document], error) {
	var e entry[document]
	var datasource, container, url string
	var custom []api.CustomProperty
	permissions := false
	err := documentShape.visit(raw, func(name string, v []byte) error {
		var err error
		switch name {
		case "datasource":
			datasource, _ = codec.Text(v)
		case "id":
			e.id, _ = codec.Text(v)
		case "objectType":
			e.value.objectType, _ = codec.Text(v)
		case "containerObjectType":
			container, _ = codec.Text(v)
		case "viewURL":
			url, _ = codec.Text(v)
		case "customProperties":
			err = codec.Unmarshal(v, &custom)
		case "permissions":
			permissions = true
			err = codec.Unmarshal(v, &e.value.permissions)
		}
		return err
	})
	if err != nil {
		return e, err
	}
	switch {
	case e.id == "":
		return e, fmt.Errorf("id: is required")
	case !strings.EqualFold(datasource, s.config.Name):
		err = fmt.Errorf("datasource: %q is not the datasource of the request", datasource)
	case url == "" && !s.entity:
		err = fmt.Errorf("viewURL: is required")
	case url != "" && s.urls != nil && !s.urls.MatchString(url):
		err = fmt.Errorf("viewURL: does not match urlRegex")
	case !permissions:
		err = fmt.Errorf("permissions: are required")
	default:
		if err = s.declared("objectType", e.value.objectType); err == nil && container != "" {
			err = s.declared("containerObjectType", container)
		}
		if err == nil {
			err = s.custom(e.value.objectType, custom)
		}
		if err == nil {
			err = s.references(e.value.permissions.AllowedUsers)
		}
	}
	if err != nil {
		return e, fmt.Errorf("document %q: %w", e.id, err)
	}
	e.key, e.value.raw = strings.ToLower(e.id), bytes.Clone(raw)
	return e, nil
}

func (s *schema) declared(field, objectType string) error {
	if strings.ContainsAny(objectType, " _") {
		return fmt.Errorf("%s: cannot have spaces or _", field)
	}
	if _, ok := s.properties(objectType); !ok {
		return fmt.Errorf("%s: %q is not in the objectDefinitions", field, objectType)
	}
	return nil
}

// custom checks that properties are declared and have the declared type.
func (s *schema) custom(objectType string, properties []api.CustomProperty) error {
	types, _ := s.properties(objectType)
	for _, p := range properties {
		t, declared := types[p.Name]
		if !declared {
			return fmt.Errorf("customProperties: %q is not defined for %s", p.Name, objectType)
		}
		ok := false
		switch v := p.Value.(type) {
		case string:
			ok = t != api.PropertyInt && t != api.PropertyTextList && t != api.PropertyMultiPicklist
		case float64:
			ok = (t == api.PropertyInt || t == api.PropertyDate) && v == float64(int64(v))
		case []any:
			ok = (t == api.PropertyTextList || t == api.PropertyMultiPicklist) &&
				!slices.ContainsFunc(v, func(x any) bool { _, is := x.(string); return !is })
		}
		if !ok {
			return fmt.Errorf("customProperties: %q: value is not of type %s", p.Name, t)
		}
	}
	return nil
}

// references checks that users are named in the way of the datasource.
func (s *schema) references(users []api.UserReference) error {
	for _, u := range users {
		if s.byEmail && u.Email == "" {
			return fmt.Errorf("permissions.allowedUsers: email is required, as isUserReferencedByEmail is true")
		}
		if !s.byEmail && u.DatasourceUserID == "" {
			return fmt.Errorf("permissions.allowedUsers: datasourceUserId is required, as isUserReferencedByEmail is false")
		}
	}
	return nil
}
