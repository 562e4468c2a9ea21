package sandbox

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// entry is a served entity with the members by which it is found.
type entry struct {
	raw                   []byte
	kind, namespace, name attribute
	ref                   string // lower-case, kind:namespace/name
	uid                   string
}

// attribute is a value as the catalog's search table holds it: lower-cased to
// compare and order by, as written to show in facets.
type attribute struct {
	value, original string
	null            bool // it is there, and equals nothing
}

func attributeOf(s string) attribute { return attribute{value: strings.ToLower(s), original: s} }

// newEntry reads only the members by which an entity is found. It requires an object; a
// member of the wrong type counts as missing.
func newEntry(raw []byte, rel release) (*entry, error) {
	e := &entry{raw: raw, namespace: attributeOf(ref.DefaultNamespace)}
	text := func(into *attribute, value []byte) {
		if s, ok := codec.Text(value); ok {
			*into = attributeOf(s)
		}
	}
	err := codec.Members(raw, func(name string, value []byte) error {
		switch {
		case name == "kind":
			text(&e.kind, value)
		case name == "metadata" && len(value) > 0 && value[0] == '{':
			return codec.Members(value, func(name string, value []byte) error {
				switch name {
				case "name":
					text(&e.name, value)
				case "namespace":
					text(&e.namespace, value)
				case "uid":
					e.uid, _ = codec.Text(value)
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.ref = e.kind.value + ":" + e.namespace.value + "/" + e.name.value
	if e.uid == "" {
		e.uid = uidOf(e.ref)
	}
	if rel.relationTargets() {
		e.raw, err = withTargets(raw)
	}
	return e, err
}

// uidOf returns a UUID derived from the ref, so a catalog is the same each time it is
// served.
func uidOf(ref string) string {
	h := sha256.Sum256([]byte(ref))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// values yields the entity's values under a dotted path, in any case.
func (e *entry) values(path string) iter.Seq[attribute] {
	return func(yield func(attribute) bool) {
		switch path = strings.ToLower(path); path {
		case "kind":
			yield(e.kind)
		case "metadata.name":
			yield(e.name)
		case "metadata.namespace":
			yield(e.namespace)
		default:
			v, err := codec.Decode(e.raw)
			if err != nil {
				return
			}
			search{path, yield}.object("", v)
		}
	}
}

// search walks an entity as the catalog does when it fills its search table.
type search struct {
	path  string
	yield func(attribute) bool
}

// maxValue is the longest value that can be compared with.
const maxValue = 200

func (s search) object(at string, v map[string]any) bool {
	for name, value := range v {
		p := strings.ToLower(name)
		switch {
		case at != "":
			p = at + "." + p
		case p == "status" || p == "attachments":
			continue
		case p == "relations":
			if !s.relations(value) {
				return false
			}
			continue
		}
		if p != "metadata.etag" && strings.HasPrefix(s.path, p) && !s.any(p, value) {
			return false
		}
	}
	return true
}

func (s search) any(at string, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return s.object(at, v)
	case []any:
		for _, item := range v {
			if !s.any(at, item) {
				return false
			}
			if text, ok := item.(string); ok && s.path == at+"."+strings.ToLower(text) && !s.yield(attributeOf("true")) {
				return false
			}
		}
		return true
	}
	if at != s.path {
		return true
	}
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) > maxValue {
			return s.yield(attribute{null: true})
		}
		return s.yield(attributeOf(v))
	case float64:
		return s.yield(attributeOf(strconv.FormatFloat(v, 'f', -1, 64)))
	case bool:
		return s.yield(attributeOf(strconv.FormatBool(v)))
	}
	return s.yield(attribute{null: true})
}

func (s search) relations(v any) bool {
	list, _ := v.([]any)
	for _, item := range list {
		relation, _ := item.(map[string]any)
		name, _ := relation["type"].(string)
		target, _ := relation["targetRef"].(string)
		if s.path == "relations."+strings.ToLower(name) && !s.yield(attributeOf(target)) {
			return false
		}
	}
	return true
}
