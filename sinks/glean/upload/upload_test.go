package upload

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

func TestUploadID(t *testing.T) {
	const run = "01JCQ7ZJ8Z0000000000000000"
	for id, want := range map[string]bool{
		"pipe-documents-" + run:                         true,
		"pipe-documents-0123456789abcdef-" + run:        true,
		"pipe-documents-0123456789abcdef-" + run + "-3": true,
		"pipe-documents-0123456789ABCDEF-" + run:        false,
		"pipe-documents-0123456789abcde-" + run:         false,
		"pipe-documents--" + run:                        false,
		"pipe-documents-" + run + "-2":                  true,
		"pipe-documents-" + run + "-":                   false,
		"pipe-documents-" + run + "-x":                  false,
		"pipe-documents-" + run + "-2-3":                false,
		"pipe-documents-1":                              false,
		"pipe-users-" + run:                             false,
		"pipe-documents-documents-" + run:               false,
		"other-documents-" + run:                        false,
		"pipe-documents-" + run[1:]:                     false,
		"":                                              false,
		"pipe-documents-":                               false,
		"x-pipe-documents-" + run:                       false,
		"pipe-documents-01JCQ7ZJ8Z00000!0000":           false,
		"pipe-documents-U1JCQ7ZJ8Z0000000000000000":     false, // U is no digit of a ULID
	} {
		got, ours := RunOf("pipe", "documents", id)
		if ours != want || ours && got.String() != run {
			t.Errorf("%q: %s %v", id, got, ours)
		}
	}
	s := New(&api.Client{}, &settings.Config{}, SystemClock(), component.Opening{Pipeline: "pipe",
		Owner: "00000000deadbeef", RunID: run})
	first, again, users := s.newID(&upload{stream: "documents"}), s.newID(&upload{stream: "documents"}),
		s.newID(&upload{stream: "users"})
	if want := "pipe-documents-00000000deadbeef-" + run; first != want || again != want+"-2" ||
		users != "pipe-users-00000000deadbeef-"+run {
		t.Errorf("%s %s %s", first, again, users)
	}
}

// TestShellWord: only texts that a shell does not interpret are typed unquoted.
func TestShellWord(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "''",
		"pipe-documents-01J": "pipe-documents-01J",
		"a/b_c.d:e@f":        "a/b_c.d:e@f",
		"two words":          "'two words'",
		"a'b":                `'a'\''b'`,
		"$HOME":              "'$HOME'",
		"é":                  "'é'",
		"[":                  "'['",
		"`":                  "'`'",
		"{":                  "'{'",
		";":                  "';'",
	} {
		if got := ShellWord(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestExceeds: members take more than a page when they are too many or too large.
func TestExceeds(t *testing.T) {
	row := bytes.Repeat([]byte("x"), 99)
	for _, tc := range []struct {
		rows, documents, bytes int
		want                   bool
	}{
		{0, 5, Envelope, false}, {5, 5, 1 << 20, false}, {6, 5, 1 << 20, true},
		{5, 5, Envelope + 500, false}, {5, 5, Envelope + 499, true},
	} {
		m := rawMembers{}
		for range tc.rows {
			m.rows = append(m.rows, row)
		}
		if got := m.exceeds(settings.Batch{Documents: tc.documents, Bytes: config.Bytes(tc.bytes)}); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

func TestKindOf(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{`document "x": bad url`, `document "y": bad url`, true},
		{`documents[3].body: bad`, `documents[12].body: bad`, true},
		{`component:default/a is bad`, `component:default/b is bad`, true},
		{`bad url`, `bad body`, false},
	} {
		a := kindOf(tc.a, component.Encoded{ID: "component:default/a"})
		b := kindOf(tc.b, component.Encoded{ID: "component:default/b"})
		if (a == b) != tc.same {
			t.Errorf("%q and %q", a, b)
		}
	}
}

func TestPageRequest(t *testing.T) {
	p := newPage("documents", 0)
	p.add(component.Encoded{ID: "a", Body: []byte(`{"id":"a"}`)})
	p.add(component.Encoded{ID: "b", Body: []byte(`{"id":"b"}`)})
	first := p.request(`,"isFirstPage":true`)
	again := p.request("")
	if string(first) != `{"documents":[{"id":"a"},{"id":"b"}],"isFirstPage":true}` ||
		string(again) != `{"documents":[{"id":"a"},{"id":"b"}]}` {
		t.Errorf("%s %s", first, again)
	}
	if b := p.some("documents",
		func(i int) bool { return i == 1 }); string(b.request("")) != `{"documents":[{"id":"b"}]}` {
		t.Errorf("%s", b.buf)
	}
	if empty := newPage("documents", 0); string(empty.request("")) != `{"documents":[]}` {
		t.Errorf("%s", empty.buf)
	}
}

// TestLifts: Glean's guard is lifted only for deletions that it would pause and the engine's
// guards have allowed.
func TestLifts(t *testing.T) {
	for _, tc := range []struct {
		before, gone int
		cleared      bool
		want         bool
	}{
		{100, 21, true, true}, {100, 20, true, false}, {100, 21, false, false}, {0, 0, true, false}, {5, 1, true, false},
		{5, 2, true, true}, {3, 3, true, true},
	} {
		if got := lifts(&component.StreamPlan{Before: tc.before, Gone: tc.gone, Cleared: tc.cleared}); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
	if !lifts(&component.StreamPlan{Before: 7, Gone: 1, Cleared: true, Paused: true}) ||
		lifts(&component.StreamPlan{Before: 7, Gone: 1, Paused: true}) {
		t.Error("after a pause the guard is lifted for what the engine's guards have let pass, and for nothing else")
	}
}

// TestRequests: publishing makes no other requests.
func TestRequests(t *testing.T) {
	want := []string{api.PathBulkIndexUsers, api.PathBulkIndexGroups, api.PathBulkIndexMemberships,
		api.PathBulkIndexDocuments, api.PathDebugStatus("d"), api.PathUpdatePermissions, api.PathDeleteDocument,
		api.PathIndexDocuments, api.PathIndexUser, api.PathDeleteUser, api.PathIndexGroup, api.PathDeleteGroup,
		api.PathDebugDocuments("d")}
	if got := Requests("d"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
