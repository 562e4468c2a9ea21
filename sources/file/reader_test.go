package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

func reader(t *testing.T, name, text string) component.Source {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &Config{Path: name, Title: "meta.name", Identities: []string{"Team"}, Kinds: config.Map[bool]{{Key: "page",
		Value: true}}}
	s, err := Spec().Open(cfg, component.Settings{Folder: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readAll reads every phase: "kind ref title" of each record, phases apart by |.
func readAll(t *testing.T, s component.Source, between func()) (string, error) {
	t.Helper()
	var out []string
	for _, ph := range s.(*Reader).model.Phases() {
		err := s.Read(t.Context(), ph, func(_ context.Context, page []*component.Record) error {
			for _, r := range page {
				out = append(out, strings.TrimSpace(r.Kind+" "+r.Ref+" "+r.Title))
			}
			return nil
		})
		if err != nil {
			return "", err
		}
		out = append(out, "|")
		between()
	}
	return strings.Join(out, " "), nil
}

func TestReader(t *testing.T) {
	for name, text := range map[string]string{
		"a.ndjson": `{"id":"P1","kind":"page","meta":{"name":"One"}}` + "\n\n" + `{"id":42,"kind":"team"}` + "\n",
		"a.json":   `[{"id":"P1","kind":"page","meta":{"name":"One"}},{"id":42,"kind":"TEAM"}]`,
		"a.yaml":   "- {id: P1, kind: page, meta: {name: One}}\n- {id: 42, kind: Team}\n",
	} {
		got, err := readAll(t, reader(t, name, text), func() {})
		if want := "Team 42 | page p1 One |"; err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestReaderRefuses: invariant 1. Whatever is doubtful about the file fails the read.
func TestReaderRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no ref":        {`{"kind":"page"}`, "a.ndjson:1:1: id is missing or empty"},
		"no kind":       {`{"id":"a"}`, "kind is missing or empty"},
		"unlisted kind": {`{"id":"a","kind":"pgae"}`, `the kind "pgae" is listed neither`},
		"one ref twice": {"{\"id\":\"a\",\"kind\":\"page\"}\n{\"id\":\"A\",\"kind\":\"team\"}",
			"a.ndjson:2:1: the ref a is also at"},
		"a cut line":     {"{\"id\":\"a\",\"kind\":\"page\"}\n{\"id\":\"b\",", "a.ndjson:2:1"},
		"no records":     {"\n", "holds no records"},
		"ref is a list":  {`{"id":[],"kind":"page"}`, "id is not a text"},
		"a path of text": {`{"id":"a","kind":"page","meta":"x"}`, "meta.name: the parent of"},
	} {
		if _, err := readAll(t, reader(t, "a.ndjson", c.text), func() {}); err == nil || !strings.Contains(err.Error(),
			c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	s := reader(t, "a.ndjson", `{"id":"a","kind":"page"}`)
	_, err := readAll(t, s, func() { _ = os.Chtimes(s.(*Reader).path, time.Time{}, time.Now().Add(time.Hour)) })
	if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("a changed file: %v", err)
	}
	if err := os.Remove(s.(*Reader).path); err != nil {
		t.Fatal(err)
	}
	if f := s.(*Reader).Check(t.Context()); len(f) != 1 || f[0].OK || !errors.Is(f[0].Err, fs.ErrNotExist) {
		t.Errorf("a missing file: %+v", f)
	}
}

func TestModelRefs(t *testing.T) {
	m := Model{&Config{Kinds: config.Map[bool]{{Key: "page", Value: true}}}}
	if ref, ok := m.ParseRef(" Team-42 "); !ok || ref != "team-42" {
		t.Error(ref, ok)
	}
	if _, ok := m.ParseRef(" "); ok {
		t.Error("an empty ref was taken")
	}
	for ref, want := range map[string]string{"page:a": "page", "a": "", "other:a": ""} {
		if got := m.KindOf(ref); got != want {
			t.Errorf("KindOf(%q) = %q, want %q", ref, got, want)
		}
	}
	for text, want := range map[string]bool{"page:a": true, " A ": true, "b": false, "": false, "other:a": false} {
		if got := m.MayMean(text, "page:a"); got != want {
			t.Errorf("MayMean(%q, page:a) = %t", text, got)
		}
	}
}
