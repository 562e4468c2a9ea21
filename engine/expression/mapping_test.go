package expression

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// mapping is the expressions of the design's pipeline file.
var mapping = []string{
	`ref`,
	`lower(kind)`,
	`name`,
	`page`,
	`plain(metadata.description)`,
	`lines(
	  plain(metadata.description),
	  entry("Owner", display(owner)), entry("Part of", display(parent)),
	  bullets("Links", map(metadata.links, link(.title, .url))),
	  bullets("Provides", map(related("providesApi"), display(#))),
	  spec.definition)`,
	`first(related("ownedBy", "user"))`,
	`display(parent)`,
	`kindOf(parent)`,
	`parent`,
	`metadata.tags`,
	`spec.type`,
	`titlecase(spec.lifecycle)`,
	`display(owner)`,
	`display(first(related("partOf", "system")))`,
	`metadata.namespace`,
}

var conditions = []string{
	`metadata.annotations["backstage.io/orphan"] != "true"`,
	`kind != "Location" or not (coalesce(metadata.name, "") startsWith "generated-")`,
	`kind == "User" and spec.profile.email != nil`,
	`kind in ["Component", "API", "System", "Domain", "Resource", "Location", "Template"]`,
	`lower(trim(metadata.annotations[vars.visibility])) in ["owner", "private"]`,
	`metadata.annotations[vars.visibility] != nil`,
	`metadata.namespace == "payments-internal"`,
}

func programs(t testing.TB, l *Language, texts []string, want Want) []*Program {
	t.Helper()
	out := make([]*Program, len(texts))
	for i, text := range texts {
		var err *Error
		if out[i], err = l.Compile(text, want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return out
}

// TestMappingWithoutParts: every field and every rule has a value when any part of the record
// is missing.
func TestMappingWithoutParts(t *testing.T) {
	l := testLanguage(t)
	fields, rules := programs(t, l, mapping, WantAny), programs(t, l, conditions, WantCondition)
	records := map[string]map[string]any{"whole": testEntity(), "empty": {}, "nothing": nil}
	for _, path := range []string{
		"kind", "metadata", "metadata.annotations", "metadata.links", "metadata.name", "metadata.title", "metadata.tags",
		"metadata.description",
		"spec", "spec.profile", "spec.definition", "spec.lifecycle", "relations",
	} {
		records["without "+path] = without(testEntity(), path)
	}
	r := l.NewRun()
	for name, record := range records {
		r.Start("component:default/billing", record, nil)
		for i, p := range fields {
			if _, err := r.Eval(p); err != nil {
				t.Errorf("%s: %s: %v", name, mapping[i], err)
			}
		}
		for i, p := range rules {
			if _, err := r.True(p); err != nil {
				t.Errorf("%s: %s: %v", name, conditions[i], err)
			}
		}
	}
	r.Start("component:default/billing", with(testEntity(), "metadata.annotations", []any{}), nil)
	for _, i := range []int{0, 4, 5} {
		if holds, err := r.True(rules[i]); err == nil || holds {
			t.Errorf("%s with a list of annotations: %v, %v", conditions[i], holds, err)
		}
	}
}

// TestParallelRuns: one language and its programs serve several goroutines, each with its Run.
func TestParallelRuns(t *testing.T) {
	l := testLanguage(t)
	fields := programs(t, l, mapping, WantAny)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			r := l.NewRun()
			for i := range 50 {
				title := fmt.Sprint("title ", worker, i)
				r.Start(title, with(testEntity(), "metadata.title", title), nil)
				for _, p := range fields {
					if _, err := r.Eval(p); err != nil {
						t.Error(err)
					}
				}
				if got, _ := r.Eval(fields[2]); got != title {
					t.Errorf("%v, want %v", got, title)
				}
			}
			if _, err := l.Compile("lower(kind)", WantText); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

func TestMemberAccessDoesNotAllocate(t *testing.T) {
	l := testLanguage(t)
	r := l.NewRun()
	r.Start("a", testEntity(), nil)
	for _, text := range []string{`spec.profile.displayName`, `metadata.annotations[vars.visibility]`, `metadata.annotations["backstage.io/orphan"] != "true"`, `kind in ["A", "Component"]`, `metadata.namespace == "x" and not (metadata.name startsWith "g")`} {
		p := mustCompile(t, l, text)
		if allocs := testing.AllocsPerRun(100, func() { r.Eval(p) }); allocs > 0 {
			t.Errorf("%s: %v allocations", text, allocs)
		}
	}
}

func TestCompileIsFast(t *testing.T) {
	l := testLanguage(t)
	start := time.Now()
	for i := range 1000 {
		mustCompile(t, l, strings.ReplaceAll(mapping[i%len(mapping)], "\n", " "))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("1,000 expressions take %v", took)
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range append(append([]string{}, mapping...), conditions...) {
		f.Add(text)
	}
	for _, text := range []string{`let a = 1; a ?: 2`, `1 < kind < 3`, `{(kind): #}`, `a?.[0]`, `::map(x, #)`, `if a {1} else {2}`, `b"x"`, `x | first() | map(#)`, "`", `/*`, `1..2`, `;`, `let`, `#`, `map(map(1,2),.)`} {
		f.Add(text)
	}
	l := testLanguage(f)
	r := l.NewRun()
	records := []map[string]any{testEntity(), {},
		{"kind": 1.0, "metadata": []any{}, "spec": "x", "relations": map[string]any{"a": nil}}}
	f.Fuzz(func(t *testing.T, text string) {
		defer func(start time.Time) {
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%q takes %v", text, took)
			}
		}(time.Now())
		p, err := l.Compile(text, WantAny)
		if err != nil {
			if err.Line < 1 || err.Col < 0 || err.Width < 1 || err.Message == "" || err.Code == "" {
				t.Errorf("%q: %#v", text, err)
			}
			return
		}
		for _, record := range records {
			r.Start("a:b/c", record, nil)
			if _, err := r.Eval(p); err != nil && err.Error() == "" {
				t.Errorf("%q: %#v", text, err)
			}
		}
	})
}

// FuzzEval runs the mapping on records of any shape.
func FuzzEval(f *testing.F) {
	f.Add("metadata", "annotations", "text", 0)
	f.Add("spec", "profile", "", 1)
	f.Add("metadata", "description", "**a** [b](c\x00) <d>", 2)
	l := testLanguage(f)
	fields, rules := programs(f, l, mapping, WantAny), programs(f, l, conditions, WantCondition)
	r := l.NewRun()
	f.Fuzz(func(t *testing.T, outer, inner, text string, shape int) {
		values := []any{text, map[string]any{inner: text}, []any{text, nil, map[string]any{inner: text}}, nil, true,
			float64(shape), []any{[]any{text}}}
		v := values[uint(shape)%uint(len(values))]
		for _, record := range []map[string]any{{outer: v}, {outer: map[string]any{inner: v}}} {
			r.Start(text, record, nil)
			for _, p := range fields {
				r.Eval(p)
			}
			for _, p := range rules {
				if holds, err := r.True(p); err != nil && holds {
					t.Errorf("true with an error: %v", err)
				}
			}
		}
	})
}

func BenchmarkMapping(b *testing.B) {
	l := testLanguage(b)
	fields := programs(b, l, mapping[:15], WantAny)
	r := l.NewRun()
	entity := with(testEntity(), "metadata.description", "Sends the bills of the month to everybody")
	b.ReportAllocs()
	for b.Loop() {
		r.Start("component:default/billing", entity, nil)
		for _, p := range fields {
			if _, err := r.Eval(p); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	l := testLanguage(b)
	for b.Loop() {
		mustCompile(b, l, `map(metadata.links, link(.title, .url))`)
	}
}
