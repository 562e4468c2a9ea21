package condition

import "testing"

func TestMayHold(t *testing.T) {
	for condition, may := range map[string]map[string]bool{
		`kind == "User"`: {"User": true, "Group": false},
		`"User" == kind`: {"User": true, "Group": false},
		`kind == "User" and spec.profile.email != nil`:     {"User": true, "Group": false},
		`kind in ["API", "System"] && true`:                {"API": true, "System": true, "User": false},
		`kind == "User" or spec.type == "x"`:               {"User": true, "Group": true},
		`kind == "User" or kind == "Group"`:                {"User": true, "Group": true, "API": false},
		`not (kind == "User")`:                             {"User": false, "Group": true},
		`kind != "User" and not (kind in ["A"])`:           {"User": false, "A": false, "B": true},
		`lower(kind) == "user"`:                            {"User": true, "Group": true},
		`kind == spec.kind`:                                {"User": true},
		`not (kind == "User" and spec.profile.email == 1)`: {"User": true, "Group": true},
		`"User" in kind`:                                   {"User": true, "Group": true},
		`kind == ["User"]`:                                 {"User": true, "Group": true},
		`kind in []`:                                       {"User": false},
		`kind not in ["User"]`:                             {"User": false, "Group": true},
		`kind != nil`:                                      {"User": true},
		`any(relations, kind == "User")`:                   {"Group": true},
		`kind == "User" ? true : spec.x`:                   {"Group": true},
		`broken (`:                                         {"User": true},
	} {
		for kind, want := range may {
			if got := MayHold(condition, "kind", kind); got != want {
				t.Errorf("%s of %s: %v", condition, kind, got)
			}
		}
	}
}

// FuzzMayHold: MayHold panics for no text.
func FuzzMayHold(f *testing.F) {
	for _, text := range []string{
		`kind == "User" and not (spec.type in ["a", "b"])`,
		`"User" != kind || ref in x`, `kind in`, `not kind`, `kind in [1, nil]`, "", "\xff",
	} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) { MayHold(text, "kind", "User") })
}
