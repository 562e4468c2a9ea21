package e2e

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestEval: an expression reads the same names as a field of the mapping.
func TestEval(t *testing.T) {
	path := nested(t)
	for _, c := range []struct{ expression, ref, want string }{
		{"name", "ledger-service", "LEDGER-SERVICE\n"}, // a define, after a set
		{"vars.visibility", "ledger-service", "glean.com/visibility\n"},
		{`display(owner) + "!"`, "fraud-scorer", "Payments!\n"},
		{`lookup("component:default/fraud-scorer").title`, "fraud-scorer", "nil\n"},
		{`lookup("component:default/fraud-scorer")`, "user:mei.tanaka", "nil\n"}, // people are mapped before it is read
		{`lookup("group:default/payments").title`, "user:mei.tanaka", "Payments\n"},
		{"metadata.tags", "fraud-scorer", "[\n  \"python\"\n]\n"},
		{`kind == "Component"`, "fraud-scorer", "true\n"},
	} {
		got := pipe(t, nil, "eval", "--sandbox", path, c.expression, "--ref", c.ref)
		if got.code != 0 || got.stdout != c.want {
			t.Errorf("%s of %s: exit %d\n%s", c.expression, c.ref, got.code, got.both())
		}
	}
	c := pipe(t, nil, "eval", "--sandbox", path, "spec.type")
	if c.code != 0 || !strings.Contains(c.stdout, "api:default/booking-api") || !strings.Contains(c.stdout, "… 10 of 90") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestEvalWrong: faults are reported at their column, also in a define.
func TestEvalWrong(t *testing.T) {
	records := write(t, "r.yaml",
		"- {kind: Component, metadata: {name: one, title: [1], annotations: {backstage.io/orphan: 'true'}}}\n")
	for _, c := range []struct {
		expression, ref string
		code            int
		want            string
	}{
		{"1 + metadata.nmae", "one", int(job.Wrong),
			"EXPRESSION:1:14: unknown-name: metadata has no member nmae\n    1 + metadata.nmae\n                 ^^^^\n" +
				"  hint: did you mean name?"},
		{"upper(metadata.title)", "one", int(job.Wrong),
			"EXPRESSION:1:1: no-value: it has no value for component:default/one"},
		{"metadata.name", "one", int(job.Done), "one\n! the transform \"not orphaned\" drops component:default/one"},
		{"metadata.name", "two", int(job.Wrong), `the source holds no "two"`},
	} {
		got := pipe(t, nil, "eval", "--input", records, shipped, c.expression, "--ref", c.ref)
		if got.code != c.code || !strings.Contains(got.both(), c.want) {
			t.Errorf("%s: exit %d\n%s", c.expression, got.code, got.both())
		}
	}
	define := edited(t, "\n  owner: first(", "\n  loud: upper(metadata.title)\n  owner: first(")
	c := pipe(t, nil, "eval", "--input", records, define, "loud", "--ref", "one")
	if c.code != int(job.Wrong) || !strings.Contains(c.stderr, define+":") ||
		!strings.Contains(c.stderr, "loud: upper(metadata.title)\n") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "eval", shipped); c.code != int(job.Wrong) || !strings.Contains(c.stderr, "single quotes") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
