package preview_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/state"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sources/backstage"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

// registry has the components of the test pipelines. Packages of the engine must not use those of
// the program, in cmd/internal/components.
func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{filesource.Spec().Any(), backstage.Spec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{filesink.Spec().Any(), glean.Spec().Any()},
	}
}

// people are two teams, a department that contains one of them, and a person without a team.
const people = `
{"id":"ann","kind":"person","name":"Ann Archer","mail":"ann@example.com"}
{"id":"bob","kind":"person","name":"Bob Baker","mail":"bob@example.com"}
{"id":"cat","kind":"person","name":"Cat Cook","mail":"cat@example.com"}
{"id":"dan","kind":"person","name":"Dan Diver","mail":"dan@example.com"}
{"id":"blue","kind":"team","name":"Blue","members":["ann","cat"]}
{"id":"red","kind":"team","name":"Red","members":["bob","cat"]}
{"id":"department","kind":"team","name":"Department","members":["blue","department"]}
`

// pages have a word that all have, and one that only one has.
const pages = `
{"id":"open","kind":"page","name":"Welcome","text":"Everyone reads this shared page: lunch at noon.","place":"Hall"}
{"id":"of-blue","kind":"page","name":"Blue plans","teams":["blue"],"text":"A shared page about indigo paint.","place":"Blue room"}
{"id":"of-red","kind":"page","name":"Red plans","teams":["red"],"text":"A shared page about scarlet paint.","place":"Red room"}
{"id":"of-department","kind":"page","name":"Budget","teams":["department"],"text":"A shared page about money.","place":"Vault"}
{"id":"of-bob","kind":"page","name":"Salary of Bob","users":["bob"],"text":"A shared page about wages.","place":"Safe","type":"secret"}
{"id":"of-both","kind":"page","name":"Merger","both":["blue","red"],"text":"A shared page about purple paint.","place":"Attic"}
{"id":"of-nobody","kind":"page","name":"Draft","audience":"nobody","text":"A shared page that no one reads."}
`

// world is a pipeline with a file of records and a state folder.
type world struct {
	t       testing.TB
	dir     string
	records string
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.records = filepath.Join(w.dir, "records.ndjson")
	w.write(people + pages)
	return w
}

func (w *world) write(records string) {
	w.t.Helper()
	if err := os.WriteFile(w.records, []byte(strings.TrimSpace(records)+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options() job.Options {
	variables := map[string]string{"HANDBOOK_FILE": w.records, "HANDBOOK_OUT": filepath.Join(w.dir, "out")}
	return job.Options{
		Path: "testdata/handbook.yaml", Registry: registry(), State: state.Folder(filepath.Join(w.dir, "state")),
		Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
		Log:    slog.New(slog.DiscardHandler),
	}
}

// publish runs the pipeline.
func (w *world) publish() {
	w.t.Helper()
	if r := job.Run(context.Background(), job.Request{Open: w.options()}); r.Err != nil {
		w.t.Fatal(r.Err)
	}
}

// build returns an index of the pipeline's documents.
func (w *world) build() *preview.Index { return build(w.t, w.options(), w.dir) }

func build(t testing.TB, o job.Options, folder string) *preview.Index {
	t.Helper()
	j, err := job.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	x, err := preview.Build(context.Background(), j, folder, job.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// pick returns a person; "" is any user.
func pick(t testing.TB, x *preview.Index, who string) preview.Person {
	t.Helper()
	p, near, found := x.Pick(who)
	if !found {
		t.Fatalf("%q is no person; near: %v", who, near)
	}
	return p
}

// ids returns the sorted IDs of the documents that a search finds.
func ids(t testing.TB, x *preview.Index, q preview.Query) string {
	t.Helper()
	r, err := x.Search(context.Background(), q)
	if err != nil {
		t.Fatalf("search %q: %v", q.Text, err)
	}
	var out []string
	for _, h := range r.Hits {
		out = append(out, h.ID)
	}
	if len(out) < preview.PageSize && r.Total != len(out) {
		t.Errorf("%d documents, total %d", len(out), r.Total)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func sorted(words string) string {
	all := strings.Fields(words)
	slices.Sort(all)
	return strings.Join(all, " ")
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := codec.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
