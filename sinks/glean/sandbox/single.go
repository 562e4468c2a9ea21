package sandbox

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// single is a request about one thing; value is still raw.
type single struct {
	datasource string
	version    int64
	value      []byte
}

// parseSingle reads the value under field from the envelope.
func parseSingle(body []byte, field string) (single, error) {
	var r single
	err := shape{"version": number(&r.version), "datasource": into(&r.datasource), field: raw(&r.value)}.check(body)
	switch {
	case err != nil:
	case r.value == nil:
		err = fmt.Errorf("%s: is required", field)
	case r.datasource == "":
		err = fmt.Errorf("datasource: is required")
	}
	return r, err
}

// inside prefixes an error about the form of a value; others name it already.
func inside(field string, err error) error {
	if n, is := err.(*nested); is {
		return under(field, n)
	}
	return err
}

func raw(into *[]byte) check {
	return func(v []byte) error {
		*into = bytes.Clone(v)
		return nil
	}
}

func number(n *int64) check {
	return func(v []byte) error {
		if err := integer(v); err != nil {
			return err
		}
		return codec.Unmarshal(v, n)
	}
}

// put adds or replaces one entry, unless a newer version of it exists.
func (c *collection[T]) put(e entry[T], version int64, now time.Time) error {
	old := c.live[e.key]
	if version != 0 && version < old.version {
		return refuse(http.StatusConflict, "Version %d is older than version %d of %q", version, old.version, e.id)
	}
	e.version, e.at = version, now
	if c.live == nil {
		c.live = map[string]entry[T]{}
	}
	c.live[e.key] = e
	c.store([]entry[T]{e}, now, true)
	return nil
}

// remove removes one entry, unless a newer version of it exists.
func (c *collection[T]) remove(key string, version int64, now time.Time) (gone map[string]entry[T], err error) {
	old, known := c.live[key]
	switch {
	case !known:
		return nil, nil
	case version != 0 && version < old.version:
		return nil, refuse(http.StatusConflict, "Version %d is older than version %d of %q", version, old.version, old.id)
	}
	delete(c.live, key)
	c.discard([]entry[T]{old}, now)
	return map[string]entry[T]{key: old}, nil
}

// change applies take to a datasource, with the server's lock held.
func (s *Server) change(datasource string, take func(*source) error) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(datasource)
	if err != nil {
		return nil, err
	}
	err = take(x)
	x.count(s.options.Rules, s.options.Now())
	return nil, err
}

func indexDocument(s *Server, _ string, body []byte) (any, error) {
	var r single
	err := shape{"version": number(&r.version), "document": raw(&r.value)}.check(body)
	switch {
	case err != nil:
		return nil, err
	case r.value == nil:
		return nil, fmt.Errorf("document: is required")
	}
	if err := codec.Members(r.value, func(name string, v []byte) error {
		if name == "datasource" {
			r.datasource, _ = codec.Text(v)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("document: must be an object")
	}
	schema, err := s.schemaOf(r.datasource)
	if err != nil {
		return nil, err
	}
	e, err := schema.document(r.value)
	if err != nil {
		return nil, inside("document", err)
	}
	return s.change(r.datasource, func(x *source) error { return s.putDocument(x, e, r.version) })
}

// known refuses a document with a user or group that was not uploaded, if the rules require
// that. The caller holds mu.
func (s *Server) known(x *source, e entry[document]) error {
	if who := x.unknown(e.value.permissions); s.options.Rules.RefuseUnknownPrincipals && who != "" {
		return bad("document %q: permissions: %q is not known", e.id, who)
	}
	return nil
}

// putDocument stores one document. The caller holds mu.
func (s *Server) putDocument(x *source, e entry[document], version int64) error {
	if err := s.known(x, e); err != nil {
		return err
	}
	return x.documents.put(e, version, s.options.Now())
}

// documentsPerMinute is how many documents indexdocuments accepts.
const documentsPerMinute = 600

func indexDocuments(s *Server, _ string, body []byte) (any, error) {
	var datasource, uploadID string
	p := page{stream: "documents"}
	err := shape{"datasource": into(&datasource), "uploadId": into(&uploadID), "documents": func(v []byte) error {
		p.items = bytes.Clone(v)
		return kind(v, '[', "a list")
	}}.check(body)
	switch {
	case err != nil:
		return nil, err
	case datasource == "":
		return nil, fmt.Errorf("datasource: is required")
	case p.items == nil:
		return nil, fmt.Errorf("documents: is required")
	}
	schema, err := s.schemaOf(datasource)
	if err != nil {
		return nil, err
	}
	entries, err := parse(p, schema.document)
	if err != nil {
		return nil, err
	}
	return s.change(datasource, func(x *source) error {
		now := s.options.Now()
		x.single = slices.DeleteFunc(x.single, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
		if len(x.single)+len(entries) > documentsPerMinute {
			return refuse(http.StatusTooManyRequests, "Rate limit of %d documents a minute exceeded for datasource %s",
				documentsPerMinute, datasource)
		}
		for _, e := range entries { // all or none
			if err := s.known(x, e); err != nil {
				return err
			}
		}
		for _, e := range entries {
			if err := s.putDocument(x, e, 0); err != nil {
				return err
			}
			x.single = append(x.single, now)
		}
		return nil
	})
}

var updatePermissionsShape = shape{"datasource": text, "objectType": text, "id": text, "viewURL": text,
	"permissions": permissionsShape.check}

func updatePermissions(s *Server, _ string, body []byte) (any, error) {
	var r struct {
		api.UpdatePermissionsRequest
		Permissions *api.Permissions `json:"permissions"`
	}
	if err := read(updatePermissionsShape, body, &r); err != nil {
		return nil, err
	}
	switch {
	case r.Permissions == nil:
		return nil, fmt.Errorf("permissions: is required")
	case r.ID == "":
		return nil, fmt.Errorf("id: is required")
	}
	return s.change(r.Datasource, func(x *source) error {
		e, ok := x.find(r.ObjectType, r.ID)
		if !ok {
			return bad("Document %q of type %q is not in datasource %s", r.ID, r.ObjectType, r.Datasource)
		}
		if err := x.schema.references(r.Permissions.AllowedUsers); err != nil {
			return err
		}
		var d api.Document
		if err := codec.Unmarshal(e.value.raw, &d); err != nil {
			return err
		}
		d.Permissions = r.Permissions
		changed, err := codec.Marshal(d)
		if err != nil {
			return err
		}
		e.value.permissions, e.value.raw = *r.Permissions, changed
		return s.putDocument(x, e, e.version)
	})
}

var deleteDocumentShape = shape{"version": integer, "datasource": text, "objectType": text, "id": text}

func deleteDocument(s *Server, _ string, body []byte) (any, error) {
	var r api.DeleteDocumentRequest
	if err := read(deleteDocumentShape, body, &r); err != nil {
		return nil, err
	}
	if r.ID == "" || r.ObjectType == "" {
		return nil, fmt.Errorf("id and objectType are required")
	}
	return s.change(r.Datasource, func(x *source) error {
		if _, ok := x.find(r.ObjectType, r.ID); !ok {
			return nil
		}
		_, err := x.documents.remove(strings.ToLower(r.ID), r.Version, s.options.Now())
		return err
	})
}
