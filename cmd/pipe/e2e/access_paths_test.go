package e2e

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// curious is a transform that records which paths decide access.
type curious struct{ s component.TransformSettings }

func (curious) Name() string { return "curious" }

func (curious) Apply(_ context.Context, _ *component.Worker, r []*component.Record) ([]component.Outcome, error) {
	return make([]component.Outcome, len(r)), nil
}

// TestAccessPaths: the paths that decide who finds what in the shipped pipeline, and that a
// plugin may not write without permission: those that rules and identities read, also
// through a `set`; texts are not among them.
func TestAccessPaths(t *testing.T) {
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), "transforms:  ", `transforms:
  - name: curious
    curious: x
  - name: mark
    set:
      metadata.annotations["glean.com/visibility"]: metadata.labels["who"]
  - name: a text
    set:
      metadata.title: spec.nick
#`, 1)
	text = strings.Replace(text, "      email: lower(spec.profile.email)\n",
		"      email: lower(spec.profile.email)\n      isActive: spec.left != true\n      userId: spec.login\n", 1)
	text = strings.Replace(text, "      members: related(\"hasMember\")\n",
		"      members: related(\"hasMember\")\n      name: spec.team\n", 1)
	var told []string
	r := components.Registry()
	r.Transforms = append(r.Transforms,
		component.TransformSpec[any]{Key: "curious", Config: func() any { return new(string) },
			New: func(_ any, s component.TransformSettings) component.Transform { return curious{s} }})
	d := pipeline.Parse("pipeline.yaml", []byte(text),
		pipeline.Options{Registry: r,
			Variables: config.Variables{Lookup: func(string) (string, bool) { return "", false }, Lenient: true}})
	if d.Problems.HasErrors() {
		t.Fatal(d.Problems)
	}
	c, _ := component.Capability[curious](d.Transforms()[0])
	told = c.s.AccessReads()
	for _, path := range []string{"metadata.annotations", "metadata.labels", "relations", "spec.profile.email",
		"metadata.labels.who", "spec.left", "spec.login", "spec.team"} {
		if !slices.Contains(told, path) {
			t.Errorf("%s decides who finds what, and only %v are told", path, told)
		}
	}
	for _, path := range []string{"spec.definition", "metadata.title", "metadata.description", "spec.nick", "spec"} {
		if slices.Contains(told, path) {
			t.Errorf("%s decides nothing", path)
		}
	}
}
