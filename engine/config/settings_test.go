package config

import (
	"fmt"
	"testing"
)

func TestValues(t *testing.T) {
	type inner struct {
		On   *bool    `yaml:"on" doc:"On."`
		Tags []string `yaml:"tags" doc:"Tags."`
	}
	type rule struct {
		When string `yaml:"when" doc:"When."`
		Name string `yaml:"name" doc:"A name."`
	}
	type spec struct {
		Token Secret            `yaml:"token" doc:"A token."`
		None  Secret            `yaml:"none" doc:"No token."`
		Size  Bytes             `yaml:"size" doc:"A size."`
		Empty string            `yaml:"empty" doc:"Empty."`
		Inner inner             `yaml:"inner" doc:"More."`
		Heads map[string]Secret `yaml:"heads" doc:"Headers."`
		Kinds map[string]bool   `yaml:"kinds" doc:"Kinds."`
		Order Map[bool]         `yaml:"order" doc:"An order."`
		Rules []rule            `yaml:"rules" doc:"Rules."`
	}
	on := false
	got := fmt.Sprint(Values(&spec{Token: NewSecret("canary"), Size: 4 << 20,
		Inner: inner{On: &on, Tags: []string{"a", "b"}},
		Heads: map[string]Secret{"X": NewSecret("canary")}, Kinds: map[string]bool{"B": true, "A": false},
		Order: Map[bool]{{Key: "B", Value: true}, {Key: "A"}}, Rules: []rule{{Name: "one", When: "x"}, {Name: "two"}}}))
	want := "[{token [redacted]} {none [unset]} {size 4MiB} {inner.on false} {inner.tags.0 a} {inner.tags.1 b} {heads.X " +
		"[redacted]} {kinds.A false} {kinds.B true} {order.B true} {order.A false} {rules one, two}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
