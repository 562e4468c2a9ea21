package file

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// outlet keeps the items that Seal emits.
type outlet struct {
	kept map[string][]component.Encoded
	ends []string
}

func (o *outlet) Keep(stream string, e component.Encoded) error {
	o.kept[stream] = append(o.kept[stream], e)
	return nil
}

func (o *outlet) End(stream, ref string, _ component.Ending, reason string) {
	o.ends = append(o.ends, stream+" "+ref+": "+reason)
}

func (*outlet) Note(string, ...any) {}

func item(stream, id string, fields ...component.Field) *component.Item {
	return &component.Item{Stream: stream, Ref: id, Fields: append([]component.Field{{Name: "id", Value: id}},
		fields...)}
}

func open(t *testing.T, folder string) *session {
	t.Helper()
	sink, err := Spec().Open(&Config{Folder: folder}, component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sink.Open(t.Context(), component.Opening{Written: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*session)
}

// sealed is a session that knows the user ann and the group team, which holds ann.
func sealed(t *testing.T) (*session, *outlet) {
	t.Helper()
	s, out := open(t, t.TempDir()), &outlet{kept: map[string][]component.Encoded{}}
	for _, i := range []*component.Item{
		item(streamUsers, "ann"), item(streamGroups, "team", component.Field{Name: "members", Value: []string{"ann",
			"stranger"}}),
		item(streamUsers, "both"), item(streamGroups, "both"),
	} {
		if _, kept, err := s.Encode(i); kept || err != nil {
			t.Fatal(kept, err)
		}
	}
	if err := s.Seal(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	return s, out
}

func TestSeal(t *testing.T) {
	_, out := sealed(t)
	members := out.kept[streamMemberships]
	if len(members) != 1 || string(members[0].Body) != `{"group":"team","members":["ann"]}` ||
		strings.Join(members[0].Principals, " ") != "user ann" {
		t.Errorf("members %+v", members)
	}
	if len(out.kept[streamUsers]) != 1 || len(out.kept[streamGroups]) != 1 || len(out.ends) != 2 {
		t.Errorf("a user and a group with one id: kept %v, ended %q", out.kept, out.ends)
	}
}

// TestPermissions: invariant 2. A missing decision rejects the document, unknown refs grant
// no access, and a set with an unknown ref is dropped whole.
func TestPermissions(t *testing.T) {
	s, _ := sealed(t)
	listed := func(principals []string, sets ...[]string) access.Permissions {
		return access.Permissions{Audience: access.Listed, Rule: "r", Principals: principals, AllOf: sets}
	}
	for name, c := range map[string]struct {
		decided access.Permissions
		want    access.Audience
		line    string
	}{
		"everybody": {access.Permissions{Audience: access.AllUsers, Rule: "r"}, access.AllUsers,
			`{"audience":"all-users","rule":"r"}`},
		"a user and a group": {listed([]string{"team", "ann"}), access.Listed,
			`{"audience":"listed","rule":"r","users":["ann"],"groups":["team"]}`},
		"an unknown ref": {listed([]string{"stranger"}), access.Nobody, `{"audience":"nobody","rule":"r"}`},
		"no refs":        {listed(nil), access.Nobody, `{"audience":"nobody","rule":"r"}`},
		"a set with a unknown": {listed([]string{"ann"}, []string{"team", "stranger"}), access.Listed,
			`{"audience":"listed","rule":"r","users":["ann"]}`},
		"a set": {listed(nil, []string{"team", "ann"}), access.Listed,
			`{"audience":"listed","rule":"r","all_of":[["team","ann"]]}`},
	} {
		doc := item(streamDocuments, "d")
		doc.Permissions = c.decided
		e, kept, err := s.Encode(doc)
		if !kept || err != nil || e.Audience != c.want || !strings.Contains(string(e.Body), `"permissions":`+c.line) {
			t.Errorf("%s: %v %v %v %s", name, kept, err, e.Audience, e.Body)
		}
	}
	if _, kept, err := s.Encode(item(streamDocuments, "d")); kept || !errors.As(err, new(*fault.Rejection)) {
		t.Errorf("a document without a decision: kept %v, %v", kept, err)
	}
	if notes := s.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "stranger") {
		t.Errorf("notes %q", notes)
	}
}

// plan has documents with these ids; the last one fails with err.
func plan(err error, ids ...string) *component.Plan {
	var items iter.Seq2[component.Encoded, error] = func(yield func(component.Encoded, error) bool) {
		for _, id := range ids {
			if !yield(component.Encoded{ID: id, Ref: id, Body: []byte(`{"id":"` + id + `","type":"page"}`)}, nil) {
				return
			}
		}
		if err != nil {
			yield(component.Encoded{}, err)
		}
	}
	return &component.Plan{
		Streams: []component.StreamPlan{{Name: streamDocuments, Count: len(ids), Items: items}},
		Sent:    func(string, int) {}, Hidden: func() (func(component.Encoded) bool, error) { return nil, nil },
		Withhold: func(string, component.Encoded, bool) {},
	}
}

// TestPublishIsAtomic: invariant 1. A publish that fails or is stopped leaves the last
// file as it was, and no temporary file.
func TestPublishIsAtomic(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Publish(t.Context(), plan(nil, "a", "b")); err != nil {
		t.Fatal(err)
	}
	stopped := plan(nil, "c")
	stop := make(chan struct{})
	close(stop)
	stopped.Stop = stop
	unknown := plan(nil, "c")
	unknown.Hidden = func() (func(component.Encoded) bool, error) { return nil, errors.New("unreadable") }
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		plan *component.Plan
	}{
		"a broken stage": {t.Context(), plan(errors.New("broken"), "c")}, "stopped": {t.Context(), stopped},
		"cancelled": {ended, plan(nil, "c")}, "an unreadable hidden list": {t.Context(), unknown},
	} {
		if err := s.Publish(c.ctx, c.plan); err == nil {
			t.Errorf("%s: no error", name)
		}
		files, _ := os.ReadDir(dir)
		text, _ := os.ReadFile(filepath.Join(dir, "documents.ndjson"))
		if len(files) != 1 || strings.Count(string(text), "\n") != 2 {
			t.Errorf("%s: %v, %s", name, files, text)
		}
	}
}

// TestPublishHides: documents hidden while the files are written are not in them, and
// documents hidden after the replacement are removed again.
func TestPublishHides(t *testing.T) {
	for name, hiddenAt := range map[string]int{"before": 1, "after": 2} {
		dir, asked := t.TempDir(), 0
		var withheld []bool
		p := plan(nil, "a", "b")
		p.Hidden = func() (func(component.Encoded) bool, error) {
			if asked++; asked < hiddenAt {
				return nil, nil
			}
			return func(e component.Encoded) bool { return e.ID == "b" }, nil
		}
		p.Withhold = func(_ string, _ component.Encoded, sent bool) { withheld = append(withheld, sent) }
		if err := open(t, dir).Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(filepath.Join(dir, "documents.ndjson"))
		if strings.Contains(string(text), `"b"`) || len(withheld) != 1 || withheld[0] != (name == "after") {
			t.Errorf("hidden %s: %v\n%s", name, withheld, text)
		}
	}
}

func TestHolds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if h, err := s.Holds(t.Context()); err != nil || h.Streams[streamDocuments] != 0 {
		t.Error(h, err)
	}
	write := func(stream, text string) {
		if err := os.WriteFile(filepath.Join(dir, stream+".ndjson"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(streamDocuments, `{"id":"a","type":"page"}`+"\n"+`{"id":"b"}`+"\n")
	write(streamMemberships, `{"group":"g","members":["a","b"]}`+"\n")
	h, err := s.Holds(t.Context())
	if err != nil || h.Streams[streamDocuments] != 2 || h.Streams[streamMemberships] != 2 ||
		h.Types[streamDocuments]["page"] != 1 {
		t.Error(h, err)
	}
	for _, text := range []string{"{\"id\":\"a\"}\n{\"id\":", "text\n", "{}\n"} {
		write(streamDocuments, text)
		if _, err := s.Holds(t.Context()); err == nil || !strings.Contains(err.Error(), "documents.ndjson:") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
