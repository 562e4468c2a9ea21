package backstage

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// The annotations of documentation.
const (
	techDocsRef    = "backstage.io/techdocs-ref"    // the entity has a site
	techDocsEntity = "backstage.io/techdocs-entity" // the site is that of another entity
	techDocsMark   = "backstage.io/techdocs-"
)

// sites are the entities that have documentation, by ref.
type sites struct {
	mu   sync.Mutex
	list map[string]*site
	refs []string // in the order in which they came
}

// site is the documentation of one entity.
type site struct {
	kind, namespace, name string // as the entity spells them
	title                 string
	// about are the members of a page's record that describe the entity: JSON without braces;
	// nil when the entity was not read.
	about []byte
}

// watch passes on records and takes the documentation of their entities.
func (s *Source) watch(emit component.Emit) component.Emit {
	if !s.cfg.TechDocs.Enabled {
		return emit
	}
	take := func(records []*component.Record) {
		for _, r := range records {
			if bytes.Contains(r.Raw, []byte(techDocsMark)) {
				s.sites.take(r)
			}
		}
	}
	return func(ctx context.Context, records []*component.Record) error {
		take(records)
		return emit(ctx, records)
	}
}

// take records the documentation that an entity names.
func (s *sites) take(r *component.Record) {
	annotations := annotationsOf(r.Raw)
	if of := annotations[techDocsEntity]; of != "" {
		_, namespace, _ := ref.Parts(r.Ref)
		if target, ok := ref.Resolve(of, "component", namespace); ok && target != r.Ref {
			s.add(target, nil)
			return
		}
	}
	if annotations[techDocsRef] != "" {
		s.add(r.Ref, newSite(r))
	}
}

func (s *sites) add(of string, found *site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.list = map[string]*site{}
	}
	_, listed := s.list[of]
	if !listed {
		s.refs = append(s.refs, of)
	}
	if !listed || found != nil {
		s.list[of] = found
	}
}

// all returns the refs of entities with documentation.
func (s *sites) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refs
}

// get returns a site; nil when its entity was not read.
func (s *sites) get(of string) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[of]
}

// annotationsOf returns the annotations about documentation of an entity.
func annotationsOf(raw []byte) map[string]string {
	out := map[string]string{}
	_ = memberOf(raw, "metadata", func(meta []byte) {
		_ = memberOf(meta, "annotations", func(list []byte) {
			_ = members(list, func(name string, value []byte) {
				if strings.HasPrefix(name, techDocsMark) {
					out[name], _ = codec.Text(value)
				}
			})
		})
	})
	return out
}

// memberOf visits the member of an object with a name.
func memberOf(object []byte, want string, visit func(value []byte)) error {
	return members(object, func(name string, value []byte) {
		if name == want {
			visit(value)
		}
	})
}

// newSite describes an entity for the records of its pages; nil when the entity is not one.
func newSite(r *component.Record) *site {
	entity, err := codec.Decode(r.Raw)
	if err != nil {
		return nil
	}
	meta, _ := entity["metadata"].(map[string]any)
	spec, _ := entity["spec"].(map[string]any)
	out := &site{}
	out.kind, _ = entity["kind"].(string)
	out.name, _ = meta["name"].(string)
	if out.namespace, _ = meta["namespace"].(string); out.namespace == "" {
		out.namespace = ref.DefaultNamespace
	}
	out.title = r.Title
	if out.title == "" {
		out.title = out.name
	}
	about := map[string]any{
		"ref": r.Ref, "kind": r.Kind, "title": out.title, "name": out.name, "namespace": out.namespace,
		"type": spec["type"], "lifecycle": spec["lifecycle"], "tags": meta["tags"],
	}
	if r.Email != "" {
		about["email"] = r.Email
	}
	for name, value := range about {
		if value == nil {
			delete(about, name)
		}
	}
	b, err := codec.Marshal(map[string]any{"entity": about, "relations": placing(entity)})
	if err != nil || len(b) < 2 {
		return nil
	}
	out.about = b[1 : len(b)-1]
	return out
}

// placing returns the relations of an entity that say whose it is and what it is a part of.
func placing(entity map[string]any) []any {
	out := []any{}
	if understand(entity["relations"]) != nil { // the entity is rejected, and its pages with it
		return out
	}
	owned := false
	list, _ := entity["relations"].([]any)
	for _, one := range list {
		relation, _ := one.(map[string]any)
		switch name, _ := relation["type"].(string); {
		case strings.EqualFold(name, "ownedBy"):
			owned = true
			out = append(out, relation)
		case strings.EqualFold(name, "partOf"):
			out = append(out, relation)
		}
	}
	if owner := declaredOwner(entity); owner != "" && !owned {
		out = append(out, map[string]any{"type": "ownedBy", "targetRef": owner})
	}
	return out
}
