package backstage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// functions returns the functions about entities.
func (m *Model) functions() []expression.Function {
	return []expression.Function{
		{
			Name: "related", Signature: "related(type[, kind])", MinArgs: 1, MaxArgs: 2, Gives: expression.ListKind,
			Elements: expression.TextKind,
			Doc: "The refs of the entities related to this one by a type such as ownedBy, partOf or hasMember, " +
				"in any case; with a kind, only those of that kind. Where the catalog computes no ownedBy, as " +
				"for custom kinds, spec.owner is used.",
			Examples: []expression.Example{
				{Expr: `related("ownedBy")`, Record: exampleEntity(), Result: []any{"group:default/booking", "user:default/ann"}},
				{Expr: `related("ownedBy", "user")`, Record: exampleEntity(), Result: []any{"user:default/ann"}},
				{Expr: `related("hasPart")`, Record: exampleEntity(), Result: []any{}},
			},
			Reads: []string{"relations", "kind", "metadata.namespace", "spec.owner"},
			Knows: m.relatedWords, Owners: "ownedBy", Owned: "ownerOf",
			Call: related,
		},
		{
			Name: "lookup", Signature: "lookup(ref)", MinArgs: 1, MaxArgs: 1, Gives: expression.ObjectKind,
			Doc:      "An entity of an earlier phase, as {ref, kind, title, email}; nil when there is none.",
			Examples: []expression.Example{{Expr: `lookup("group:default/unknown")`, Result: nil}},
			Call:     onRef(lookup),
		},
		{
			Name: "display", Signature: "display(ref)", MinArgs: 1, MaxArgs: 1, Gives: expression.TextKind,
			Doc:      "The title of an entity; the name in its ref when it has none or was not read.",
			Examples: []expression.Example{{Expr: `display("group:default/payments")`, Result: "payments"}, {Expr: `display(nil)`, Result: nil}},
			Call:     onRef(display),
		},
		{
			Name: "kindOf", Signature: "kindOf(ref)", MinArgs: 1, MaxArgs: 1, Gives: expression.TextKind,
			Doc:      "The kind in a ref, in lower case.",
			Examples: []expression.Example{{Expr: `kindOf("Group:default/booking")`, Result: "group"}, {Expr: `kindOf(nil)`, Result: nil}},
			Call:     onRef(kindOf),
		},
		{
			Name: "page", Signature: "page[(ref)]", MaxArgs: 1, Bare: true, Gives: expression.TextKind,
			Doc:      "The address of this entity's page in Backstage, or of another's.",
			Examples: []expression.Example{{Expr: `page("Component:default/Booking-Web") endsWith "/default/component/booking-web"`, Result: true}},
			Call:     m.page,
		},
		{
			Name: "location", Signature: "location(text)", MinArgs: 1, MaxArgs: 1, Gives: expression.TextKind,
			Doc: "The address or path in a location such as url:https://git.example.com/shop, without sign-in data, query and " +
				"fragment. Nil for another type of location, such as file: or dir:.",
			Examples: []expression.Example{
				{Expr: `location("url:https://ann:secret@git.example.com/acme/shop/tree/main/?token=x")`, Result: "https://git.example.com/acme/shop/tree/main/"},
				{Expr: `location("./systems/orders.yaml")`, Result: "./systems/orders.yaml"},
				{Expr: `location("dir:.")`, Result: nil},
			},
			Call: location,
		},
	}
}

// relatedWords are the relations that Backstage defines, and the kinds.
func (m *Model) relatedWords(argument int) []string {
	if argument > 0 {
		return m.KindNames()
	}
	return []string{"ownedBy", "ownerOf", "providesApi", "apiProvidedBy", "consumesApi", "apiConsumedBy", "dependsOn",
		"dependencyOf",
		"parentOf", "childOf", "memberOf", "hasMember", "partOf", "hasPart"}
}

func exampleEntity() map[string]any {
	return map[string]any{
		"kind":     "Component",
		"metadata": map[string]any{"name": "web", "namespace": "default"},
		"relations": []any{
			map[string]any{"type": "ownedBy", "targetRef": "group:default/booking"},
			map[string]any{"type": "ownedBy", "targetRef": "user:default/ann"},
			map[string]any{"type": "partOf", "targetRef": "system:default/shop"},
		},
	}
}

// related returns the targets of relations. If the catalog derives relations from the spec,
// only relations count.
func related(ctx expression.Context, args []any) (any, error) {
	name, ok, err := text(args[0], "the type")
	if !ok || err != nil {
		return noRefs, err
	}
	kind := ""
	if len(args) > 1 {
		if kind, ok, err = text(args[1], "the kind"); !ok || err != nil {
			return noRefs, err
		}
	}
	entity := ctx.Record()
	if _, ok := entity["relations"].([]any); !ok && entity["relations"] != nil {
		return nil, fmt.Errorf("relations are not a list")
	}
	var out refs
	found := false
	for _, r := range relationsOf(ctx) {
		if strings.EqualFold(r.name, name) {
			found = true
			out.add(r.target, kind)
		}
	}
	if !found && strings.EqualFold(name, "ownedBy") {
		out.add(declaredOwner(entity), kind)
	}
	if out.list == nil {
		return noRefs, nil
	}
	return out.list, nil
}

// relation is one relation of an entity; a value that is not an object has neither name nor
// target.
type relation struct {
	name   string
	target any
}

// relationsKey is the key of an entity's relations in the cache of a record.
type relationsKey struct{}

// relationsOf are the relations of the entity that an evaluation is about.
func relationsOf(ctx expression.Context) []relation {
	return ctx.Remember(relationsKey{}, makeRelations).([]relation)
}

func makeRelations(ctx expression.Context) any {
	list, _ := ctx.Record()["relations"].([]any)
	out := make([]relation, len(list))
	for i, item := range list {
		one, _ := item.(map[string]any)
		out[i].name, _ = one["type"].(string)
		out[i].target = one["targetRef"]
	}
	return out
}

// noRefs is an empty list.
var noRefs any = []any{}

// refs is a list of refs in which each occurs once.
type refs struct {
	list []any
	seen map[string]bool // nil while the list is short enough to search
}

// shortList is the length up to which searching a list is faster than a map.
const shortList = 16

// add appends a ref of the kind, or of any kind when kind is "". It ignores a value that is
// not a ref.
func (r *refs) add(v any, kind string) {
	given, _ := v.(string)
	of := strings.ToLower(given)
	got, _, _, ok := ref.Split(of)
	if !ok || kind != "" && !strings.EqualFold(got, kind) {
		return
	}
	if of != given {
		v = of
	}
	if r.seen == nil && len(r.list) < shortList {
		if !slices.Contains(r.list, v) {
			r.list = append(r.list, v)
		}
		return
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
		for _, known := range r.list {
			r.seen[known.(string)] = true
		}
	}
	if !r.seen[of] {
		r.seen[of] = true
		r.list = append(r.list, v)
	}
}

// declaredOwner is spec.owner as a ref, for kinds whose relations the catalog
// does not compute; "" for others.
func declaredOwner(entity map[string]any) string {
	kind, _ := entity["kind"].(string)
	if slices.Contains(stitched, strings.ToLower(kind)) {
		return ""
	}
	spec, _ := entity["spec"].(map[string]any)
	meta, _ := entity["metadata"].(map[string]any)
	owner, _ := spec["owner"].(string)
	namespace, _ := meta["namespace"].(string)
	if namespace == "" {
		namespace = ref.DefaultNamespace
	}
	of, _ := ref.Resolve(owner, "Group", namespace)
	return of
}

// onRef makes the Call of a function of one ref; nil returns nil.
func onRef(call func(ctx expression.Context, of string) any) func(expression.Context, []any) (any, error) {
	return func(ctx expression.Context, args []any) (any, error) {
		of, ok, err := text(args[0], "the ref")
		if !ok || err != nil {
			return nil, err
		}
		return call(ctx, strings.ToLower(of)), nil
	}
}

func lookup(ctx expression.Context, of string) any {
	e, ok := ctx.Lookup(of)
	if !ok {
		return nil
	}
	return map[string]any{"ref": e.Ref, "kind": e.Kind, "title": orNil(e.Title), "email": orNil(e.Email)}
}

func display(ctx expression.Context, of string) any {
	if e, ok := ctx.Lookup(of); ok && e.Title != "" {
		return e.Title
	}
	_, _, name, ok := ref.Split(of)
	if !ok {
		return of
	}
	return name
}

func kindOf(_ expression.Context, of string) any {
	kind, _, _, ok := ref.Split(of)
	if !ok {
		return nil
	}
	return kind
}

func (m *Model) page(ctx expression.Context, args []any) (any, error) {
	if len(args) == 0 {
		if page, is := ctx.Record()["page"].(map[string]any); is {
			return page["url"], nil
		}
		return orNil(m.links.page(ctx.Ref())), nil
	}
	of, ok, err := text(args[0], "the ref")
	if !ok || err != nil {
		return nil, err
	}
	return orNil(m.links.page(of)), nil
}

// text is an argument; ok is false for nil, anything but text is an error.
func text(v any, what string) (s string, ok bool, err error) {
	if v == nil {
		return "", false, nil
	}
	if s, ok = v.(string); !ok {
		return "", false, fmt.Errorf("%s is not text", what)
	}
	return s, true, nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
