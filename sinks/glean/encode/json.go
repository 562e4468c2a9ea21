package encode

import (
	"bytes"
	"strconv"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// buffers are those in which documents are written; one that grew beyond maxBuffer is
// dropped.
var buffers = sync.Pool{New: func() any { return new(jsonWriter) }}

const maxBuffer = 1 << 20

// marshal writes what codec.Marshal writes of a document, in a third of the time. A
// document with a member that the encoder never sets is left to codec.Marshal.
func marshal(d *api.Document) ([]byte, error) {
	w := buffers.Get().(*jsonWriter)
	w.b = w.b[:0]
	if !w.document(d) {
		return codec.Marshal(d)
	}
	out := bytes.Clone(w.b)
	if cap(w.b) <= maxBuffer {
		buffers.Put(w)
	}
	return out, nil
}

// jsonWriter writes members of objects; those without a value are left out.
type jsonWriter struct{ b []byte }

// document reports whether it knows every member that is set.
func (w *jsonWriter) document(d *api.Document) bool {
	if d.Filename != "" || d.Comments != nil || d.Interactions != nil {
		return false
	}
	w.b = append(w.b, '{')
	w.name("datasource")
	w.quote(d.Datasource)
	w.text("id", d.ID)
	w.text("objectType", d.ObjectType)
	w.text("title", d.Title)
	w.text("viewURL", d.ViewURL)
	w.text("container", d.Container)
	w.text("containerDatasourceId", d.ContainerDatasourceID)
	w.text("containerObjectType", d.ContainerObjectType)
	w.content("summary", d.Summary)
	w.content("body", d.Body)
	w.user("author", d.Author)
	w.user("owner", d.Owner)
	w.user("updatedBy", d.UpdatedBy)
	w.number("createdAt", d.CreatedAt)
	w.number("updatedAt", d.UpdatedAt)
	w.texts("tags", d.Tags)
	w.text("status", d.Status)
	w.texts("additionalUrls", d.AdditionalURLs)
	w.text("nativeAppUrl", d.NativeAppURL)
	if !w.properties(d.CustomProperties) {
		return false
	}
	w.permissions(d.Permissions)
	w.b = append(w.b, '}')
	return true
}

// name begins a member.
func (w *jsonWriter) name(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *jsonWriter) quote(s string) { w.b = codec.Quote(w.b, s) }

func (w *jsonWriter) text(name, s string) {
	if s != "" {
		w.name(name)
		w.quote(s)
	}
}

func (w *jsonWriter) number(name string, n int64) {
	if n != 0 {
		w.name(name)
		w.b = strconv.AppendInt(w.b, n, 10)
	}
}

func (w *jsonWriter) texts(name string, list []string) {
	if len(list) > 0 {
		w.name(name)
		w.list(list)
	}
}

func (w *jsonWriter) list(list []string) {
	w.b = append(w.b, '[')
	for i, s := range list {
		w.comma(i)
		w.quote(s)
	}
	w.b = append(w.b, ']')
}

// comma precedes every element of a list except the first.
func (w *jsonWriter) comma(i int) {
	if i > 0 {
		w.b = append(w.b, ',')
	}
}

func (w *jsonWriter) content(name string, c *api.Content) {
	if c == nil {
		return
	}
	w.name(name)
	w.b = append(w.b, '{')
	w.name("mimeType")
	w.quote(c.MimeType)
	w.text("textContent", c.TextContent)
	w.text("binaryContent", c.BinaryContent)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) user(name string, u *api.UserReference) {
	if u != nil {
		w.name(name)
		w.reference(u)
	}
}

func (w *jsonWriter) reference(u *api.UserReference) {
	w.b = append(w.b, '{')
	w.text("email", u.Email)
	w.text("datasourceUserId", u.DatasourceUserID)
	w.text("name", u.Name)
	w.b = append(w.b, '}')
}

// properties reports whether it knows the types of all.
func (w *jsonWriter) properties(all []api.CustomProperty) bool {
	if len(all) == 0 {
		return true
	}
	w.name("customProperties")
	w.b = append(w.b, '[')
	for i, p := range all {
		w.comma(i)
		w.b = append(w.b, '{')
		w.name("name")
		w.quote(p.Name)
		w.name("value")
		switch v := p.Value.(type) {
		case string:
			w.quote(v)
		case int64:
			w.b = strconv.AppendInt(w.b, v, 10)
		case []string:
			w.list(v)
		default:
			return false
		}
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
	return true
}

func (w *jsonWriter) permissions(p *api.Permissions) {
	if p == nil {
		return
	}
	w.name("permissions")
	w.b = append(w.b, '{')
	if len(p.AllowedUsers) > 0 {
		w.name("allowedUsers")
		w.b = append(w.b, '[')
		for i := range p.AllowedUsers {
			w.comma(i)
			w.reference(&p.AllowedUsers[i])
		}
		w.b = append(w.b, ']')
	}
	w.texts("allowedGroups", p.AllowedGroups)
	if len(p.AllowedGroupIntersections) > 0 {
		w.name("allowedGroupIntersections")
		w.b = append(w.b, '[')
		for i := range p.AllowedGroupIntersections {
			w.comma(i)
			w.b = append(w.b, '{')
			w.name("requiredGroups")
			w.list(p.AllowedGroupIntersections[i].RequiredGroups)
			w.b = append(w.b, '}')
		}
		w.b = append(w.b, ']')
	}
	w.yes("allowAnonymousAccess", p.AllowAnonymousAccess)
	w.yes("allowAllDatasourceUsersAccess", p.AllowAllDatasourceUsersAccess)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) yes(name string, set bool) {
	if set {
		w.name(name)
		w.b = append(w.b, "true"...)
	}
}
