package expression

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// testModel returns the model of a catalog entity, similar to that of the Backstage source.
func testModel() Model {
	link := Object(map[string]Type{"title": Any(), "url": Any(), "icon": Any(), "type": Any()})
	return Model{
		Names: map[string]Type{
			"kind": Any(), "apiVersion": Any(),
			"metadata": Object(map[string]Type{
				"name": Any(), "namespace": Any(), "title": Any(), "description": Any(),
				"labels": Open(nil), "annotations": Open(nil), "tags": ListOf(Any()), "links": ListOf(link),
			}),
			"spec":      Open(map[string]Type{"profile": Open(nil)}),
			"relations": ListOf(Object(map[string]Type{"type": Any(), "targetRef": Any()})),
		},
		Functions: []Function{{
			Name: "related", Signature: "related(type[, kind])", MinArgs: 1, MaxArgs: 2, Gives: ListKind,
			Reads:    []string{"relations"},
			Doc:      "refs",
			Examples: []Example{{Expr: `related("ownedBy")`, Record: testEntity(), Result: []any{"group:default/payments", "user:default/ann"}}},
			Call:     related,
		}, {
			Name: "display", Signature: "display(ref)", MinArgs: 1, MaxArgs: 1, Gives: TextKind, Doc: "title",
			Examples: []Example{{Expr: `display("group:default/payments")`, Result: "payments"}},
			Call: func(ctx Context, args []any) (any, error) {
				ref, _ := args[0].(string)
				if e, ok := ctx.Lookup(ref); ok && e.Title != "" {
					return e.Title, nil
				}
				if ref == "" {
					return nil, nil
				}
				return ref[strings.LastIndexByte(ref, '/')+1:], nil
			},
		}, {
			Name: "kindOf", Signature: "kindOf(ref)", MinArgs: 1, MaxArgs: 1, Gives: TextKind, Doc: "kind",
			Examples: []Example{{Expr: `kindOf("group:default/payments")`, Result: "group"}},
			Call: func(_ Context, args []any) (any, error) {
				ref, ok := args[0].(string)
				if !ok {
					return nil, nil
				}
				kind, _, _ := strings.Cut(ref, ":")
				return kind, nil
			},
		}, {
			Name: "page", Signature: "page[(ref)]", MaxArgs: 1, Bare: true, Gives: TextKind, Doc: "URL",
			Examples: []Example{{Expr: `page("component:default/billing")`, Result: "https://backstage.example.com/component:default/billing"}},
			Call: func(ctx Context, args []any) (any, error) {
				ref := ctx.Ref()
				if len(args) == 1 {
					ref, _ = args[0].(string)
				}
				return "https://backstage.example.com/" + ref, nil
			},
		}, {
			Name: "broken", Signature: "broken()", Doc: "always an error", Examples: []Example{{Expr: `"never" == "called" and broken()`, Result: false}},
			Call: func(Context, []any) (any, error) { return nil, fmt.Errorf("out of order") },
		}},
	}
}

func related(ctx Context, args []any) (any, error) {
	relation, _ := args[0].(string)
	kind := ""
	if len(args) == 2 {
		kind, _ = args[1].(string)
	}
	relations, _ := ctx.Record()["relations"].([]any)
	refs := []any{}
	for _, r := range relations {
		object, _ := r.(map[string]any)
		target, _ := object["targetRef"].(string)
		if object["type"] == relation && strings.HasPrefix(target, kind) {
			refs = append(refs, target)
		}
	}
	return refs, nil
}

func testEntity() map[string]any {
	return map[string]any{
		"kind": "Component",
		"metadata": map[string]any{
			"name": "billing", "namespace": "payments-internal", "title": "Billing",
			"description": "Sends **bills**.\n\nSee [docs](https://example.com).",
			"annotations": map[string]any{"glean.com/visibility": " Owner ", "backstage.io/orphan": "false"},
			"labels":      map[string]any{"tier": "1"},
			"tags":        []any{"go", "payments"},
			"links": []any{map[string]any{"title": "Docs", "url": "https://example.com/docs"},
				map[string]any{"url": "https://example.com/runbook"}},
		},
		"spec": map[string]any{
			"type": "service", "lifecycle": "production ", "replicas": 3.0, "definition": "openapi: 3.0.0",
			"profile": map[string]any{"displayName": "Billing service", "email": "Billing@Example.com"},
		},
		"relations": []any{
			map[string]any{"type": "ownedBy", "targetRef": "group:default/payments"},
			map[string]any{"type": "ownedBy", "targetRef": "user:default/ann"},
			map[string]any{"type": "partOf", "targetRef": "system:default/money"},
			map[string]any{"type": "providesApi", "targetRef": "api:default/billing"},
		},
	}
}

// without returns the entity with the member at a path set to nil.
func without(entity map[string]any, path string) map[string]any { return with(entity, path, nil) }

func with(entity map[string]any, path string, v any) map[string]any {
	entity = maps.Clone(entity)
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		entity[name] = v
	} else {
		entity[name] = with(entity[name].(map[string]any), rest, v)
	}
	return entity
}

func testDefines() []Define {
	return []Define{
		{"owner", `first(related("ownedBy"))`},
		{"parent", `first(related("partOf", "system")) ?? first(related("partOf"))`},
		{"name", `coalesce(metadata.title, spec.profile.displayName, metadata.name)`},
	}
}

func testLanguage(t testing.TB, defines ...Define) *Language {
	t.Helper()
	l, errs := New(testModel(), append(testDefines(), defines...),
		map[string]any{"visibility": "glean.com/visibility", "limit": 10})
	for _, err := range errs {
		t.Fatal(err)
	}
	return l
}

func mustCompile(t testing.TB, l *Language, text string) *Program {
	t.Helper()
	p, err := l.Compile(text, WantAny)
	if err != nil {
		t.Fatalf("%s: %v (%s)", text, err, err.Hint)
	}
	return p
}

func evaluate(t testing.TB, l *Language, text string, record map[string]any) (any, error) {
	t.Helper()
	r := l.NewRun()
	r.Start("component:default/billing", record, func(ref string) (Entry, Presence) {
		if ref == "system:default/money" {
			return Entry{Ref: ref, Kind: "system", Title: "Money"}, Present
		}
		return Entry{}, Absent
	})
	return r.Eval(mustCompile(t, l, text))
}
