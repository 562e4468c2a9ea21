package preview_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// TestMatch: people whose name or e-mail begins with a text come first, and no more than asked
// for.
func TestMatch(t *testing.T) {
	w := newWorld(t)
	w.write(people + `
{"id":"zed","kind":"person","mail":"a.zed@example.com"}
{"id":"eva","kind":"person","name":"Eva Bobson","mail":"eva@example.com"}`)
	x := w.build()
	for text, want := range map[string]string{
		"bob":     "[Bob Baker <bob@example.com> Eva Bobson <eva@example.com>]",
		"a.":      "[a.zed@example.com]",
		" ZED ":   "[a.zed@example.com]",
		"cook":    "[Cat Cook <cat@example.com>]",
		"nothing": "[]",
	} {
		if got := fmt.Sprint(x.Match(text, 10)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for n := range 4 {
		if got := x.Match("example.com", n); len(got) != n {
			t.Errorf("%d people, want %d", len(got), n)
		}
		if got := x.Match("a", n); len(got) != n {
			t.Errorf("%d people with an a, want %d", len(got), n)
		}
	}
	if p := pick(t, x, ""); p.String() != "Any user" || fmt.Sprint(p) != fmt.Sprint(preview.AnyUser) {
		t.Errorf("no text is %s", p)
	}
	for _, text := range []string{"example", "none", "<>", "x <bob@example.com"} {
		if p, _, found := x.Pick(text); found {
			t.Errorf("%q is %s", text, p)
		}
	}
}

// TestKept: an index keeps no record in memory but users and groups.
func TestKept(t *testing.T) {
	if got := fmt.Sprint(newWorld(t).build().Kept()); got != "[ann blue bob cat dan department red]" {
		t.Error(got)
	}
}

// TestKeptNames: the names of people do not keep the rest of their records in memory.
func TestKeptNames(t *testing.T) {
	var records []component.Recorded
	const n, size = 50, 200_000
	for i := range n {
		records = append(records, component.Recorded{Raw: fmt.Appendf(nil, `{"apiVersion":"backstage.io/v1alpha1",`+
			`"kind":"User","metadata":{"name":"p%d","annotations":{"a":%q}},`+
			`"spec":{"profile":{"displayName":"Person %d","email":"p%d@example.com"},"memberOf":[]}}`, i,
			strings.Repeat("x", size), i, i)})
	}
	before := heap()
	x := build(t, entities(records, "owner"), t.TempDir())
	if more := heap() - before; x.People() != n || more > n*size/4 {
		t.Errorf("the index has %d people and %.0f bytes", x.People(), more)
	}
	runtime.KeepAlive(x)
	runtime.KeepAlive(records)
}

// TestInactive: a person who is not active cannot be picked.
func TestInactive(t *testing.T) {
	x := build(t, job.Options{
		Path: "../../../pipelines/backstage.yaml", Registry: registry(), Sandbox: true, Log: slog.New(slog.DiscardHandler),
		Lookup:   func(string) (string, bool) { return "", false },
		Settings: []pipeline.Setting{{Path: "mapping.users.fields.isActive", Value: `metadata.name != "amara.okafor"`}},
	}, t.TempDir())
	if x.People() < 10 || x.Documents < 20 {
		t.Errorf("%d people, %d documents", x.People(), x.Documents)
	}
	if notes := fmt.Sprint(x.Report.Notes); !strings.Contains(notes, "it was not asked") {
		t.Errorf("the sink was asked: %s", notes)
	}
	if p, near, found := x.Pick("amara.okafor@larkspur.example"); found || len(near) > 0 {
		t.Errorf("%s, %v", p, near)
	}
	pick(t, x, "ben.lindqvist@larkspur.example")
}
