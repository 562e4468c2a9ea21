package analysis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sources/backstage"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/sources/push"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
	"github.com/pipe-engine/pipe/transforms/set"
)

// mark is the cursor in a text of a test.
const mark = "§"

// tests are the tests of the small pipeline file.
const tests = `fixtures:
  checkout:
    kind: Component
    metadata: {name: checkout, title: Checkout, tags: [go], annotations: {"example.com/tier": gold}}
    spec: {type: service, lifecycle: production, owner: payments}
  payments:
    kind: Group
    metadata: {name: payments}
    spec: {type: team, children: []}
tests:
  - name: everyone finds it
    records: [{fixture: payments}, {fixture: checkout}]
    expect:
      component:default/checkout:
        rule: default
        documents: {title: Checkout}
  - name: only its owners find it
    records:
      - fixture: checkout
    expect:
      component:default/checkout: {rule: payments}
`

// world is a workspace with a pipeline file and its tests.
type world struct {
	*Workspace
	t          testing.TB
	file, test string
}

func host() Host {
	return Host{Registry: component.Registry{
		Sources:     []component.SourceSpec[any]{backstage.Spec().Any(), filesource.Spec().Any(), push.Spec().Any()},
		Models:      []component.ModelSpec[any]{backstage.ModelSpec().Any(), filesource.ModelSpec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any(), set.Spec().Any(), pluginhost.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{glean.Spec().Any(), filesink.Spec().Any()},
	}, Source: func(given []component.Recorded, m component.Model) (component.Source, error) {
		return filesource.New(given, m)
	}}
}

func newWorld(t testing.TB) *world {
	folder := t.TempDir()
	x := &world{New(host(), []string{folder}), t, filepath.Join(folder, "small.yaml"),
		filepath.Join(folder, "small.test.yaml")}
	x.Set(x.file, small(t))
	x.Set(x.test, tests)
	return x
}

func small(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../../../cmd/pipe/cli/testdata/good/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// edit replaces a part of a file's text, and returns the place of the mark in the new part.
func (x *world) edit(path, old, new string) (offset int) {
	x.t.Helper()
	now := x.Document(path).Text()
	if strings.Contains(now, "\r\n") {
		old, new = strings.ReplaceAll(old, "\n", "\r\n"), strings.ReplaceAll(new, "\n", "\r\n")
	}
	if strings.Count(now, old) == 0 {
		x.t.Fatalf("the file has no %q", old)
	}
	now = strings.Replace(now, old, new, 1)
	offset = strings.Index(now, mark)
	x.Set(path, strings.Replace(now, mark, "", 1))
	return offset
}

// crlf makes the lines of the files end as those of Windows do.
func (x *world) crlf() {
	for _, path := range []string{x.file, x.test} {
		x.Set(path, strings.ReplaceAll(x.Document(path).Text(), "\n", "\r\n"))
	}
}
