package expression

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// agreement compares the closures of programs with the machine.
type agreement struct {
	language, machines         *Language // machines has no closures
	run, reference             *Run
	compiled, closures, errors int
}

func newAgreement(t testing.TB) *agreement {
	defines := []Define{{"marks", `concat(named(metadata.annotations, "a"), metadata.tags)`},
		{"wrong", `lower(metadata.tags)`}}
	closures, machines := testLanguage(t, defines...), testLanguage(t, defines...)
	for _, d := range machines.defines {
		d.program.closure = nil
	}
	return &agreement{language: closures, machines: machines, run: closures.NewRun(), reference: machines.NewRun()}
}

// check fails the test unless a random expression returns for random records what expr's
// machine returns: the same value at the same cost, or the same error at the same position.
func (a *agreement) check(t *testing.T, random *rand.Rand) {
	t.Helper()
	text := (&writer{random}).expression(4)
	p, err := a.language.Compile(text, WantAny)
	if err != nil {
		return
	}
	if a.compiled++; p.closure == nil {
		return
	}
	a.closures++
	byMachine, err := a.machines.Compile(text, WantAny)
	if err != nil {
		t.Fatal(err)
	}
	byMachine.closure = nil
	lookup := func(ref string) (Entry, Presence) {
		switch ref {
		case "system:default/money":
			return Entry{Ref: ref, Kind: "system", Title: "Money"}, Present
		case "user:default/ann":
			return Entry{}, Pending
		}
		return Entry{}, Absent
	}
	for range 2 {
		record := randomRecord(random)
		a.run.Start("component:default/billing", record, lookup)
		a.reference.Start("component:default/billing", record, lookup)
		got, gotErr := a.run.Eval(p)
		want, wantErr := a.reference.Eval(byMachine)
		if fmt.Sprintf("%+v", gotErr) != fmt.Sprintf("%+v", wantErr) || !reflect.DeepEqual(gotErr, wantErr) ||
			!reflect.DeepEqual(got, want) || a.run.budget != a.reference.budget || a.run.pending != a.reference.pending {
			t.Fatalf("%s of %v: %#v, %v at %v, pending %q; the machine gives %#v, %v at %v, pending %q", text, record,
				got, gotErr, a.run.budget, a.run.pending, want, wantErr, a.reference.budget, a.reference.pending)
		}
		if len(a.run.stack) > 0 || a.run.item != nil || a.run.grown != 0 {
			t.Fatalf("%s leaves %v, %v, %d", text, a.run.stack, a.run.item, a.run.grown)
		}
		_, direct := a.run.direct(p.closure)
		if _, err := a.reference.machine(byMachine); direct != (err == nil) {
			t.Fatalf("%s of %v: the closure fails: %v, the machine: %v", text, record, !direct, err)
		}
		if !direct {
			a.errors++
		}
	}
}

// TestClosureAgreesWithMachine: the closure of a program returns what expr's machine returns,
// at the same cost, and fails exactly where the machine returns an error.
func TestClosureAgreesWithMachine(t *testing.T) {
	a, random := newAgreement(t), rand.New(rand.NewPCG(1, 2))
	for range 40_000 {
		a.check(t, random)
	}
	if a.compiled < 8_000 || a.closures < a.compiled*9/10 || a.errors < a.closures/10 || a.errors > a.closures*19/10 {
		t.Errorf("%d compiled, %d closures, %d errors", a.compiled, a.closures, a.errors)
	}
}

func FuzzClosure(f *testing.F) {
	f.Add(uint64(1))
	a := newAgreement(f)
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		for range 100 {
			a.check(t, random)
		}
	})
}

// TestClosureError: when a closure fails, the machine's error is returned, and later
// evaluations are not affected.
func TestClosureError(t *testing.T) {
	l := testLanguage(t)
	run := l.NewRun()
	run.Start("component:default/billing", testEntity(), nil)
	p := mustCompile(t, l, `map(metadata.tags, lines("x", # + spec.replicas))`)
	if p.closure == nil {
		t.Fatal("no closure")
	}
	for range 2 {
		_, err := run.Eval(p)
		if got := fmt.Sprint(err); !strings.Contains(got, "+ does not take text and a number") {
			t.Error(got)
		}
		v, err := run.Eval(mustCompile(t, l, `map(metadata.tags, lines("x", #))`))
		if err != nil || !reflect.DeepEqual(v, []any{"x\ngo", "x\npayments"}) {
			t.Error(v, err)
		}
	}
}

// TestClosureBudget: the machine gets the whole budget after a closure has failed.
func TestClosureBudget(t *testing.T) {
	_, err := evaluate(t, testLanguage(t), `[repeat("x", 5000000), lower(metadata.tags)]`, testEntity())
	if got := fmt.Sprint(err); !strings.Contains(got, "lower(…) takes text") {
		t.Error(got)
	}
}

// TestClosureNestedPredicates: # is the element of the innermost predicate around it.
func TestClosureNestedPredicates(t *testing.T) {
	v, err := evaluate(t, testLanguage(t), `map(["a", "b"], [count(["b", "c"], # == "b"), #])`, testEntity())
	if err != nil || !reflect.DeepEqual(v, []any{[]any{1, "a"}, []any{1, "b"}}) {
		t.Error(v, err)
	}
}

// TestClosureMemory: a closure counts the elements of created lists as the machine does.
func TestClosureMemory(t *testing.T) {
	l := testLanguage(t)
	many := make([]any, 250_000)
	for text, good := range map[string]bool{
		`map(spec.many, [#])`:                true,
		`map(spec.many, [#, #, #])`:          false,
		`map(spec.many, coalesce({"a": #}))`: true,
		`map(spec.many, [{"a": #, "b": #}])`: false,
	} {
		run := l.NewRun()
		run.Start("x", map[string]any{"spec": map[string]any{"many": many}}, nil)
		p := mustCompile(t, l, text)
		run.begin()
		_, direct := run.direct(p.closure)
		_, err := run.machine(p)
		if direct != good || (err == nil) != good {
			t.Errorf("%s: %v, %v", text, direct, err)
		}
	}
}

// writer generates random expressions.
type writer struct{ random *rand.Rand }

func (w *writer) pick(texts ...string) string { return texts[w.random.IntN(len(texts))] }

// leaves are expressions without parts. Names in them may be absent or of the wrong shape.
var leaves = []string{
	"ref", "kind", "page", "owner", "parent", "name", "marks", "wrong", "metadata", "metadata.name", "metadata.title",
	"metadata.tags", "metadata.links", "metadata.links[0].title", "metadata.links[-1]", "metadata.labels.tier",
	`metadata.annotations["glean.com/visibility"]`, "spec", "spec.type", "spec.replicas", "spec.a.b", "spec.profile.email",
	"vars.visibility", "vars.limit", "nil", "true", "false", `""`, `"a"`, `"Component"`, "0", "3", "-1", "2.5",
	"[]", `["a", "go", 3]`, `["go"]`, "{}", "#", "#", ".title",
	`related("ownedBy")`, `display(first(related("partOf")))`, `display("user:default/ann")`,
}

// The operators and functions of generated expressions.
var (
	operators  = []string{"==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "in", "not in"}
	predicated = []string{"map", "filter", "find", "any", "all", "none", "one", "count", "sortBy"}
	ofOne      = []string{"lower", "len", "text", "first", "list", "trim", "uniq", "sort", "keys", "type", "plain",
		"display", "page"}
	ofTwo = []string{"lines", "coalesce", "concat", "entry", "bullets", "join", "split", "link", "named"}
)

func (w *writer) expression(depth int) string {
	if depth == 0 || w.random.IntN(6) == 0 {
		return w.pick(leaves...)
	}
	e := func() string { return w.expression(depth - 1) }
	switch w.random.IntN(14) {
	case 0:
		return "(" + e() + " " + w.pick(operators...) + " " + e() + ")"
	case 1:
		return "(" + e() + " " + w.pick("and", "or", "&&", "||") + " " + e() + ")"
	case 2:
		return "(" + e() + " ?? " + e() + ")"
	case 3:
		return "(" + e() + " " + w.pick("contains", "startsWith", "endsWith") + " " + e() + ")"
	case 4:
		return "(" + e() + ` matches "^[a-g]"` + ")"
	case 5:
		return w.pick("not ", "-", "+") + "(" + e() + ")"
	case 6:
		return "(" + e() + " ? " + e() + " : " + e() + ")"
	case 7:
		return "[" + e() + ", " + e() + "]"
	case 8:
		return `{"a": ` + e() + `, "b": ` + e() + `, "` + w.pick("a", "c") + `": ` + e() + "}"
	case 9, 10:
		return w.pick(predicated...) + "(" + w.pick("metadata.links", "metadata.tags", e()) + ", " + e() + ")"
	case 11:
		return w.pick(ofOne...) + "(" + e() + ")"
	case 12:
		return w.pick(ofTwo...) + "(" + e() + ", " + e() + ")"
	}
	return "(" + e() + ")[" + w.pick("0", "-1", `"a"`, e()) + "]"
}

// randomRecord returns the test entity with some members replaced.
func randomRecord(random *rand.Rand) map[string]any {
	record := testEntity()
	values := []any{nil, "", "a", "Component", 3.0, -1.0, true, []any{}, []any{"go", nil, 3.0}, map[string]any{},
		map[string]any{"a": "b", "title": "t"}, []any{map[string]any{"title": "go"}}}
	paths := []string{"kind", "metadata.name", "metadata.title", "metadata.tags", "metadata.links", "metadata.annotations",
		"metadata.labels", "spec.type", "spec.replicas", "spec.profile", "spec.a", "relations"}
	for range random.IntN(4) {
		record = with(record, paths[random.IntN(len(paths))], values[random.IntN(len(values))])
	}
	return record
}
