package condition

import "testing"

func TestImplies(t *testing.T) {
	for _, tc := range []struct {
		condition, other string
		want             bool
	}{
		{`kind == "API"`, `kind == "API"`, true},
		{`kind=="API"`, `kind == "API"`, true},
		{`kind == "API" and spec.type == "x"`, `kind == "API"`, true},
		{`spec.type == "x" && kind == "API"`, `kind == "API" and spec.type == "x"`, true},
		{`kind == "API"`, `kind == "API" and spec.type == "x"`, false},
		{`kind == "API"`, `kind == "API" or spec.type == "x"`, true},
		{`kind == "API" or kind == "System"`, `kind in ["API", "System"]`, true},
		{`kind == "API"`, `kind in ["API", "System"]`, true},
		{`kind in ["API", "Domain"]`, `kind in ["API", "System"]`, false},
		{`kind in ["API", "System"]`, `kind == "API"`, false},
		{`metadata.name == "a"`, `metadata.title in ["a"]`, false},
		{`kind == "API"`, `true`, true},
		{`true`, `kind == "API"`, false},
		{`kind != "API"`, `kind == "API"`, false},
		{`not (kind == "API")`, `kind == "API"`, false},
		{`kind ==`, `true`, false},
	} {
		if got := Parse(tc.condition).Implies(Parse(tc.other)); got != tc.want {
			t.Errorf("%s implies %s: %v", tc.condition, tc.other, got)
		}
	}
}

func TestMustHold(t *testing.T) {
	for condition, want := range map[string]bool{
		`kind == "API"`:                      true,
		`kind in ["API", "System"]`:          true,
		`kind == "API" and spec.x == 1`:      false,
		`kind == "API" or spec.x == 1`:       true,
		`not (kind == "System")`:             true,
		`kind == "System"`:                   false,
		`lower(kind) == "api"`:               false,
		`metadata.name == "API"`:             false,
		`kind != "System" and kind == "API"`: true,
	} {
		if got := Parse(condition).MustHold("kind", "API"); got != want {
			t.Errorf("%s: %v", condition, got)
		}
	}
}

func TestConstants(t *testing.T) {
	got := Constants("kind in [\"A\",\n  \"B\"] and first(related(\"ownedBy\", \"user\")) != nil or \"C\" == kind")
	want := []Constant{
		{"A", "kind", -1, 1, 9, 3}, {"B", "kind", -1, 2, 2, 3},
		{"ownedBy", "related", 0, 2, 25, 9}, {"user", "related", 1, 2, 36, 6}, {"C", "kind", -1, 2, 55, 3},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	if Constants(`kind ==`) != nil {
		t.Error("an expression that is wrong has constants")
	}
}
