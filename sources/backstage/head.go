package backstage

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// head holds the members of an entity that a record needs before decoding. A missing or
// wrong member is "".
type head struct {
	kind, namespace, name string
	title, email          string
}

// headOf reads an entity's head. It treats duplicate members as the model does: objects are
// merged, otherwise the last value wins. It reads profiles only of users and groups, whose
// specs are small.
func headOf(raw []byte, kind string) (head, error) {
	h := head{namespace: ref.DefaultNamespace}
	displayName := ""
	err := codec.Members(raw, func(name string, value []byte) error {
		switch {
		case name == "kind":
			h.kind, _ = codec.Text(value)
		case name == "metadata":
			if !isObject(value) {
				h.name, h.namespace, h.title = "", ref.DefaultNamespace, ""
			}
			return members(value, func(name string, value []byte) {
				switch name {
				case "name":
					h.name, _ = codec.Text(value)
				case "namespace":
					h.namespace = ref.DefaultNamespace
					if s, ok := codec.Text(value); ok {
						h.namespace = s
					}
				case "title":
					h.title, _ = codec.Text(value)
				}
			})
		case name == "spec" && isIdentity(kind):
			return members(value, func(name string, value []byte) {
				if name != "profile" {
					return
				}
				_ = members(value, func(name string, value []byte) {
					switch name {
					case "displayName":
						displayName, _ = codec.Text(value)
					case "email":
						h.email, _ = codec.Text(value)
						if address, ok := component.Email(h.email); ok {
							h.email = address
						}
					}
				})
			})
		}
		return nil
	})
	if h.title == "" {
		h.title = displayName
	}
	return h, err
}

// members visits the members of an object and passes over anything else.
func members(value []byte, visit func(name string, value []byte)) error {
	if !isObject(value) {
		return nil
	}
	return codec.Members(value, func(name string, value []byte) error {
		visit(name, value)
		return nil
	})
}

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// nameless begins the name in the ref of an entity that has none.
const nameless = "(no name, "

// otherKind is the error of an entity of another kind than requested.
type otherKind struct{ ref, kind, want string }

func (e *otherKind) Error() string {
	return fmt.Sprintf("an entity of kind %q, but %s was requested (%s)", e.kind, e.want, e.ref)
}

// record makes a record of an entity of the requested kind. An entity without a name gets a
// unique ref; the model rejects it.
func record(raw []byte, kind string) (*component.Record, error) {
	h, err := headOf(raw, kind)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(h.kind, kind) {
		return nil, &otherKind{ref: ref.New(h.kind, h.namespace, h.name), kind: h.kind, want: kind}
	}
	if h.name == "" {
		h.name = fmt.Sprintf("%s%.4x)", nameless, sha256.Sum256(raw))
	}
	return &component.Record{
		Entry: component.Entry{Ref: ref.New(kind, h.namespace, h.name), Kind: kind, Title: h.title, Email: h.email},
		Raw:   raw,
	}, nil
}
