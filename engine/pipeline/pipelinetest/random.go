package pipelinetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Expressions generates random expressions. Most make no sense, but many compile.
type Expressions struct{ r *rand.Rand }

// NewExpressions returns a generator; the same seed gives the same expressions.
func NewExpressions(seed int) *Expressions {
	return &Expressions{rand.New(rand.NewPCG(uint64(seed), 1))}
}

var (
	values = []string{
		`kind`, `ref`, `metadata.name`, `metadata.title`, `metadata.annotations["a/b"]`, `metadata.tags`, `metadata.links`, `spec`, `spec.type`,
		`spec.profile.email`, `spec["a"].b.c`, `metadata.links[0].url`, `metadata.tags[-1]`, `related("ownedBy")`, `first(related("ownedBy", "user"))`,
		`page`, `nil`, `"text"`, `5`, `1.5`, `true`, `[]`, `["group:default/a", kind]`, `{"a": kind}`, `relations`,
	}
	shapes = []string{
		`lower(%s)`, `first(%s)`, `coalesce(%s, %s)`, `join(%s, ", ")`, `len(%s)`, `text(%s)`, `trim(%s)`, `map(%s, lower(#))`, `map(%s, .url)`,
		`filter(%s, # != nil)`, `%s + %s`, `%s ?? %s`, `(%s == nil ? %s : %s)`, `epoch(%s)`, `lines(%s, %s)`, `plain(%s)`, `display(%s)`, `%s[0]`,
		`split(%s, "/")`, `int(%s)`, `%s / %s`, `let x = %s; coalesce(x, %s)`, `entry("a", %s)`, `bullets("a", %s)`, `sort(%s)`, `%s[1:]`,
	}
	conditions = []string{
		`%s == %s`, `%s != nil`, `%s in %s`, `%s > %s`, `not (%s == nil)`, `%s startsWith "a"`, `%s contains %s`, `any(%s, # == "a")`, `%s matches "^a"`,
		`%s == true and %s == nil`, `%s`, `%s or %s`, `(%s == "a" ? %s : true)`,
	}
)

// Next returns a random expression.
func (e *Expressions) Next() string { return e.value(e.r.IntN(4)) }

// Condition returns a random expression that may be a condition.
func (e *Expressions) Condition() string { return e.fill(conditions, e.r.IntN(3)) }

func (e *Expressions) value(depth int) string {
	if depth == 0 {
		return values[e.r.IntN(len(values))]
	}
	return e.fill(shapes, depth)
}

func (e *Expressions) fill(shapes []string, depth int) string {
	shape := shapes[e.r.IntN(len(shapes))]
	var args []any
	for range strings.Count(shape, "%s") {
		args = append(args, e.value(max(0, depth-1)))
	}
	return fmt.Sprintf(shape, args...)
}

// Records returns entities of many shapes, valid and invalid ones.
func Records() []map[string]any {
	return []map[string]any{
		{"kind": "Component"},
		{
			"kind": "Component", "metadata": map[string]any{
				"name": "a", "title": "größer", "annotations": map[string]any{"a/b": "owner"}, "tags": []any{"x", nil, 5.0},
				"links": []any{map[string]any{"url": "https://a", "title": nil}},
			},
			"spec": map[string]any{"type": "service", "profile": map[string]any{"email": "A@B"},
				"a": map[string]any{"b": nil}},
			"relations": []any{map[string]any{"type": "ownedBy", "targetRef": "user:default/ann"}},
		},
		{"kind": "User", "metadata": []any{"list"}, "spec": "text", "relations": map[string]any{}},
		{"kind": "API",
			"metadata": map[string]any{"name": 5.0, "annotations": nil, "tags": "text", "links": []any{"text", nil}},
			"spec":     map[string]any{"profile": []any{}, "type": []any{1.0}}, "relations": []any{nil, "text"}},
		{"kind": 5.0, "metadata": nil, "spec": nil, "relations": nil},
	}
}
