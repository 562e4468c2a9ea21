package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/sources/backstage"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

const wiki = shippedExamples + "/push/wiki.yaml"

var (
	pageToken   = component.Grant{ID: "wiki", Kinds: []string{component.All}, Namespaces: []string{component.All}}
	peopleToken = component.Grant{ID: "people", Identities: true}
)

// pushed pushes records to a pipeline, as a server does, and runs it.
type pushed struct {
	t    *testing.T
	file string
	env  map[string]string
}

func newWiki(t *testing.T) pushed {
	dir := t.TempDir()
	return pushed{t, wiki, map[string]string{
		"WIKI_STORE": filepath.Join(dir, "wiki.db"), "WIKI_OUT": filepath.Join(dir, "out"),
		"XDG_STATE_HOME": filepath.Join(dir, "state"), "CI": "true",
	}}
}

func (p pushed) store() component.RecordStore {
	p.t.Helper()
	lookup := func(name string) (string, bool) { v, ok := p.env[name]; return v, ok }
	d := pipeline.Load(p.file, pipeline.Options{Registry: components.Registry(), SinkLenient: true,
		Variables: config.Variables{Lookup: lookup}})
	s, err := d.OpenRecords(p.t.Context(), component.Settings{Folder: filepath.Dir(p.file)})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// set pushes a full set of lines.
func (p pushed) set(g component.Grant, lines string) {
	p.t.Helper()
	s := p.store()
	defer s.Close()
	set, err := s.Begin(p.t.Context(), g, component.Scope{}, "")
	if err != nil {
		p.t.Fatal(err)
	}
	added, err := s.Append(p.t.Context(), g, set.ID, strings.NewReader(lines), "")
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := s.Commit(p.t.Context(), g, set.ID, added.Records, ""); err != nil {
		p.t.Fatal(err)
	}
}

func (p pushed) pipe(args ...string) call {
	p.t.Helper()
	return pipe(p.t, p.env, append([]string{args[0], p.file}, args[1:]...)...)
}

func (p pushed) documents() string {
	text, _ := os.ReadFile(filepath.Join(p.env["WIKI_OUT"], "documents.ndjson"))
	return string(text)
}

// expects checks the exit code and the words of a call.
func (p pushed) expects(c call, code job.Class, words ...string) {
	p.t.Helper()
	for _, word := range words {
		if !strings.Contains(c.both(), word) {
			p.t.Errorf("no %q in the output of a call", word)
		}
	}
	if c.code != int(code) || p.t.Failed() {
		p.t.Errorf("exit %d, want %d\n%s", c.code, code, c.both())
	}
}

// TestPushExample: every command works on what is stored. Before the first push, a run fails and
// creates no store; afterwards it reads what was committed, and no open set.
func TestPushExample(t *testing.T) {
	t.Parallel()
	p := newWiki(t)
	p.expects(pipe(t, nil, "test", wiki), job.Done, "6 tests passed", "3 of 3 permission rules")
	p.expects(p.pipe("check"), job.Done)
	p.expects(p.pipe("run"), job.Failed, "nothing was pushed yet")
	p.expects(p.pipe("doctor"), job.Failed, "nothing was pushed yet", "push a set of records")
	if _, err := os.Stat(p.env["WIKI_STORE"]); err == nil {
		t.Error("reading created the store")
	}

	p.set(peopleToken, servetest.WikiPeople)
	p.set(pageToken, servetest.WikiPages(100, 60))
	s := p.store()
	if _, err := s.Begin(t.Context(), pageToken, component.Scope{}, ""); err != nil {
		t.Fatal(err)
	}
	s.Close()
	p.expects(p.pipe("doctor"), job.Done, "103 records", "person 2, team 1, page 100")
	p.expects(p.pipe("run"), job.Done, "103 records read", "103 delivered", "0 rejected")
	if got := p.documents(); strings.Count(got, "\n") != 100 || strings.Count(got, `"groups":["payments"]`) != 60 {
		t.Errorf("documents:\n%s", got)
	}
	p.expects(p.pipe("diff", "--against", p.env["WIKI_OUT"]), job.Done, "nothing would change")
	p.expects(p.pipe("show", "pages", "--limit", "3"), job.Done, "page-0", "Page 0")
	p.expects(p.pipe("explain", "page-3"), job.Done, "readers of the page", "payments")
	p.expects(p.pipe("config"), job.Done, "source.push.model.file.identities", "source.push.store")

	s = p.store()
	defer s.Close()
	const newPage = `{"id":"new","kind":"page","name":"New","public":true}`
	if _, err := s.Upsert(t.Context(), pageToken, "", strings.NewReader(newPage), ""); err != nil {
		t.Fatal(err)
	}
	p.expects(p.pipe("diff", "--against", p.env["WIKI_OUT"]), job.Changes, "new")
	p.expects(p.pipe("run"), job.Done, "104 delivered")
	if _, err := s.Delete(t.Context(), pageToken, "NEW", ""); err != nil {
		t.Fatal(err)
	}
	p.expects(p.pipe("run"), job.Done, "103 delivered")
	if got := p.documents(); strings.Contains(got, `"new"`) {
		t.Error("the deleted record is published")
	}
}

// TestPushInvariants: the guards look at the sum of what is stored, however it was pushed.
func TestPushInvariants(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		push func(p pushed)
		code job.Class
		want string
	}{
		"no mass deletion: an empty set": {func(p pushed) { p.set(pageToken, "") }, job.Refused, "max_loss"},
		"no mass deletion: a short set": {func(p pushed) { p.set(pageToken, servetest.WikiPages(40, 40)) }, job.Refused,
			"max_loss"},
		"no mass deletion: no people": {func(p pushed) { p.set(peopleToken, "") }, job.Refused, "refused"},
		"no mass deletion: one at a time": {func(p pushed) {
			s := p.store()
			defer s.Close()
			for i := range 40 {
				if _, err := s.Delete(p.t.Context(), pageToken, fmt.Sprintf("page-%d", i), ""); err != nil {
					p.t.Fatal(err)
				}
			}
		}, job.Refused, "max_loss"},
		"no mass exposure": {func(p pushed) { p.set(pageToken, servetest.WikiPages(100, 10)) }, job.Refused, "max_widen"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWiki(t)
			p.set(peopleToken, servetest.WikiPeople)
			p.set(pageToken, servetest.WikiPages(100, 60))
			p.expects(p.pipe("run"), job.Done)
			before := p.documents()
			c.push(p)
			p.expects(p.pipe("run"), c.code, c.want)
			if p.documents() != before {
				t.Error("the documents changed")
			}
		})
	}
}

// TestPushedEntities: entities that are pushed as Backstage's API returns them become the same
// documents as entities that are read from Backstage, also in a sandbox of Glean.
func TestPushedEntities(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	from, to := bytes.Index(text, []byte("\nsource:\n")), bytes.Index(text, []byte("\ntransforms:"))
	dir := t.TempDir()
	p := pushed{t, filepath.Join(dir, "pushed.yaml"), map[string]string{"XDG_STATE_HOME": filepath.Join(dir, "state"),
		"CI": "true"}}
	source := "\nsource:\n  push:\n    store: entities.db\n    model:\n      backstage:\n" +
		"        ui_url: https://backstage.example.com\n"
	text = append(append(bytes.Clone(text[:from]), source...), text[to:]...)
	if err := os.WriteFile(p.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var identities, others bytes.Buffer
	for _, entity := range sandbox.Company() {
		into := &others
		if made, err := backstage.NewModel(&backstage.Config{}).Record(entity); err != nil {
			t.Fatal(err)
		} else if made.Kind == "User" || made.Kind == "Group" {
			into = &identities
		}
		into.Write(append(bytes.ReplaceAll(entity, []byte("\n"), nil), '\n'))
	}
	p.set(peopleToken, identities.String())
	p.set(pageToken, others.String())

	p.expects(p.pipe("run", "--sandbox", "--catalog", shipped), job.Wrong, "--catalog", "leave --catalog out")
	out, want := filepath.Join(dir, "out"), filepath.Join(dir, "want")
	p.expects(p.pipe("run", "--sandbox", "--output", out), job.Done)
	if c := pipe(t, p.env, "run", "--sandbox", "--dry-run", "--output", want, shipped); c.code != 0 {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	for _, name := range []string{"documents.ndjson", "groups.ndjson", "memberships.ndjson", "users.ndjson"} {
		if got, want := sortedLines(t, filepath.Join(out, name)), sortedLines(t, filepath.Join(want, name)); got != want ||
			got == "" {
			t.Errorf("%s differs:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// sortedLines returns the lines of a file in order.
func sortedLines(t *testing.T, path string) string {
	t.Helper()
	lines := strings.Split(read(t, path), "\n")
	slices.Sort(lines)
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
