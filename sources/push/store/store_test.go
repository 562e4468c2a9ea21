package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/push/store"
)

var limits = store.Limits{Record: 2000, Set: 1 << 20, Records: 5000}

var (
	pages  = component.Grant{ID: "pages", Kinds: []string{"Page", "Doc"}, Namespaces: []string{"a", "b"}}
	all    = component.Grant{ID: "all", Kinds: []string{"*"}, Namespaces: []string{"*"}}
	people = component.Grant{ID: "people", Identities: true}
)

// opened is a store of a test.
type opened struct {
	*store.Store
	t    *testing.T
	path string
}

func open(t *testing.T) opened {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.db")
	s, err := store.Open(t.Context(), path, model{[]string{"Page", "Doc"}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return opened{s, t, path}
}

// record returns a record of a ref kind:ns/id.
func record(ref string, more ...string) string {
	kind, rest, _ := strings.Cut(ref, ":")
	ns, id, _ := strings.Cut(rest, "/")
	return fmt.Sprintf(`{"kind":%q,"ns":%q,"id":%q%s}`, kind, ns, id, strings.Join(more, ""))
}

// records returns a line for each ref.
func records(refs ...string) string {
	var out strings.Builder
	for _, ref := range refs {
		out.WriteString(record(ref) + "\n")
	}
	return out.String()
}

func (s opened) begin(g component.Grant, in component.Scope) string {
	s.t.Helper()
	set, err := s.Begin(s.t.Context(), g, in, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return set.ID
}

func (s opened) append(g component.Grant, set, lines string) component.Appended {
	s.t.Helper()
	out, err := s.Append(s.t.Context(), g, set, strings.NewReader(lines), "")
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// set pushes a full set.
func (s opened) set(g component.Grant, in component.Scope, refs ...string) component.Committed {
	s.t.Helper()
	id := s.begin(g, in)
	s.append(g, id, records(refs...))
	out, err := s.Commit(s.t.Context(), g, id, len(refs), "")
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// read returns the refs of the stored records, phase by phase, or the error.
func (s opened) read() string {
	s.t.Helper()
	state, err := s.Snapshot(s.t.Context())
	if err != nil {
		return err.Error()
	}
	defer state.Release()
	return refsOf(s.t, state)
}

func refsOf(t *testing.T, state *store.Snapshot) string {
	t.Helper()
	var refs []string
	for _, phase := range (model{[]string{"Page", "Doc"}}).Phases() {
		err := state.Read(t.Context(), phase, func(_ context.Context, page []*component.Record) error {
			for _, r := range page {
				refs = append(refs, r.Ref)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(refs, " ")
}

// wants checks what is stored.
func (s opened) wants(refs string) {
	s.t.Helper()
	if got := s.read(); got != refs {
		s.t.Errorf("stored: %s\nwant:   %s", got, refs)
	}
}

// refused checks that a push was refused, and why.
func refused(t *testing.T, err error, fault component.PushFault, line int, words ...string) {
	t.Helper()
	var e *component.PushError
	if !errors.As(err, &e) {
		t.Errorf("error %v, want a refusal that says %q", err, words)
		return
	}
	if e.Fault != fault || e.Line != line {
		t.Errorf("fault %d on line %d, want %d on line %d: %v", e.Fault, e.Line, fault, line, err)
	}
	for _, word := range words {
		if !strings.Contains(e.Error(), word) {
			t.Errorf("the refusal %q does not say %q", e.Error(), word)
		}
	}
}

func TestSet(t *testing.T) {
	s := open(t)
	id := s.begin(pages, component.Scope{})
	got := s.append(pages, id, records("page:a/1", "doc:b/1")+"\n \n")
	if got != (component.Appended{Append: 1, Records: 2, Total: 2}) {
		t.Errorf("the first append: %+v", got)
	}
	got = s.append(pages, id, "\ufeff"+record("page:b/2"))
	if got != (component.Appended{Append: 2, Records: 1, Total: 3}) {
		t.Errorf("the second append: %+v", got)
	}
	if !strings.Contains(s.read(), "nothing was pushed yet") {
		t.Errorf("an open set is read: %s", s.read())
	}
	done, err := s.Commit(t.Context(), pages, id, 3, "")
	if err != nil || done != (component.Committed{Generation: 1, Records: 3}) {
		t.Errorf("the commit: %+v, %v", done, err)
	}
	s.wants("doc:b/1 page:a/1 page:b/2")

	done = s.set(pages, component.Scope{}, "page:a/9")
	if done != (component.Committed{Generation: 2, Records: 1, Before: 3}) {
		t.Errorf("the second set: %+v", done)
	}
	s.wants("page:a/9")
	s.set(pages, component.Scope{})
	s.wants("") // an empty set is stored; the guards of the run decide
}

// TestSetReplacesItsScope: records outside the scope of a set stay.
func TestSetReplacesItsScope(t *testing.T) {
	s := open(t)
	s.set(people, component.Scope{}, "person:x/ann", "team:x/t")
	s.set(all, component.Scope{}, "page:a/1", "page:b/1", "page:c/1", "doc:a/1")
	s.set(pages, component.Scope{Kinds: []string{"PAGE"}, Namespaces: []string{"a"}}, "page:a/2")
	s.wants("person:x/ann team:x/t doc:a/1 page:a/2 page:b/1 page:c/1")
	s.set(pages, component.Scope{Kinds: []string{"page"}})
	s.wants("person:x/ann team:x/t doc:a/1 page:c/1")
	s.set(all, component.Scope{})
	s.wants("person:x/ann team:x/t")
	s.set(all, component.Scope{}, "page:a/1")
	s.set(people, component.Scope{}, "person:x/bob")
	s.wants("person:x/bob page:a/1")
}

func TestGrants(t *testing.T) {
	s := open(t)
	every := []string{component.All}
	for name, c := range map[string]struct {
		g     component.Grant
		in    component.Scope
		fault component.PushFault
		words string
	}{
		"zero":      {component.Grant{}, component.Scope{}, component.PushForbidden, "no id"},
		"no kinds":  {component.Grant{ID: "x", Namespaces: every}, component.Scope{}, component.PushForbidden, "no kinds"},
		"no places": {component.Grant{ID: "x", Kinds: every}, component.Scope{}, component.PushForbidden, "no namespaces"},
		"people and more": {component.Grant{ID: "x", Kinds: every, Identities: true}, component.Scope{},
			component.PushForbidden, "people and groups"},
		"part of people": {people, component.Scope{Kinds: []string{"person"}}, component.PushInvalid, "cannot be limited"},
		"other kind": {component.Grant{ID: "x", Kinds: []string{"doc"}, Namespaces: every},
			component.Scope{Kinds: []string{"page"}}, component.PushForbidden, `the kind "page"`},
		"other namespace": {pages, component.Scope{Namespaces: []string{"c"}}, component.PushForbidden, `namespace "c"`},
		"every namespace": {pages, component.Scope{Namespaces: every}, component.PushForbidden, `namespace "*"`},
		"person":          {all, component.Scope{Kinds: []string{"person"}}, component.PushForbidden, "token for people"},
		"unknown kind":    {all, component.Scope{Kinds: []string{"pgae"}}, component.PushInvalid, `no kind "pgae"`},
	} {
		_, err := s.Begin(t.Context(), c.g, c.in, "")
		if t.Run(name, func(t *testing.T) { refused(t, err, c.fault, 0, c.words) }); err == nil {
			t.Errorf("%s: a set was begun", name)
		}
	}
}

func TestModelWithoutNamespaces(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), flat{model{[]string{"Page"}}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	some := component.Grant{ID: "x", Kinds: []string{"page"}, Namespaces: []string{"a"}}
	_, err = s.Begin(t.Context(), some, component.Scope{}, "")
	refused(t, err, component.PushInvalid, 0, "no namespaces")
	set, err := s.Begin(t.Context(), all, component.Scope{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), all, set.ID, strings.NewReader(records("page:a/1")), ""); err != nil {
		t.Error(err)
	}
}

// TestLines: a wrong line refuses the whole append, with its number.
func TestLines(t *testing.T) {
	filler := strings.Repeat("x", 2001-len(record("page:a/1", `,"x":""`)))
	long := record("page:a/1", `,"x":"`+filler+`"`)
	deep := strings.Repeat(`{"x":`, 900) + "1" + strings.Repeat("}", 900)
	for name, c := range map[string]struct {
		line  string
		fault component.PushFault
		words string
	}{
		"no JSON":         {`{"kind":`, component.PushInvalid, "not a record"},
		"a list":          {`[1]`, component.PushInvalid, "JSON object"},
		"two values":      {record("page:a/1") + record("page:a/2"), component.PushInvalid, "not a record"},
		"duplicate key":   {record("page:a/1", `,"x":{"k":1,"k":2}`), component.PushInvalid, `"k"`},
		"not UTF-8":       {record("page:a/1", ",\"x\":\"\xff\""), component.PushInvalid, "UTF-8"},
		"no kind":         {`{"id":"x"}`, component.PushInvalid, "no kind"},
		"unknown kind":    {record("thing:a/1"), component.PushInvalid, `no kind "thing"`},
		"no ref":          {record("page:a/1 2"), component.PushInvalid, "is not a ref"},
		"ref of a person": {record("person:a/1"), component.PushForbidden, "person"},
		"namespace":       {record("page:c/1"), component.PushForbidden, "outside"},
		"rejected":        {record("page:a/1", `,"bad":1`), component.PushInvalid, "is bad"},
		"too large":       {long, component.PushTooLarge, "larger than 2,000 bytes"},
		"line too long":   {deep, component.PushTooLarge, "longer than 2,000 bytes"},
		"twice":           {records("page:a/0"), component.PushInvalid, "the ref page:a/0 is also on line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			id := s.begin(pages, component.Scope{})
			text := records("page:a/0", "page:b/0") + "\n" + c.line + "\n"
			_, err := s.Append(t.Context(), pages, id, strings.NewReader(text), "")
			refused(t, err, c.fault, 4, c.words)
			if _, err := s.Commit(t.Context(), pages, id, 0, ""); err != nil {
				t.Errorf("the set has records of the refused append: %v", err)
			}
		})
	}
}

// TestTwiceInASet: a ref of an earlier append is refused with both lines, and the append can be
// repeated without it.
func TestTwiceInASet(t *testing.T) {
	s := open(t)
	id := s.begin(pages, component.Scope{})
	s.append(pages, id, records("page:a/1", "page:a/2"))
	_, err := s.Append(t.Context(), pages, id, strings.NewReader(records("page:a/3", "PAGE:a/2")), "")
	refused(t, err, component.PushInvalid, 2, "page:a/2 is also on line 2 of append 1")
	s.append(pages, id, records("page:a/3"))
	if _, err := s.Commit(t.Context(), pages, id, 3, ""); err != nil {
		t.Error(err)
	}
	s.wants("page:a/1 page:a/2 page:a/3")
}

// TestSetEndsDuringAppend: an append whose set is committed meanwhile is refused.
func TestSetEndsDuringAppend(t *testing.T) {
	for _, after := range []string{"", records("page:a/2")} {
		s := open(t)
		id := s.begin(pages, component.Scope{})
		commit := reading{func() error {
			_, err := s.Commit(t.Context(), pages, id, 0, "")
			return err
		}}
		body := io.MultiReader(commit, strings.NewReader(after))
		_, err := s.Append(t.Context(), pages, id, body, "")
		refused(t, err, component.PushUnknown, 0, "the set ended")
		s.wants("")
		if n := s.Rows(t, "staged") + s.Rows(t, "parts"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	}
}

// TestSetEndsDuringLongAppend: the append ends with the next records that it would store.
func TestSetEndsDuringLongAppend(t *testing.T) {
	s := open(t)
	id := s.begin(pages, component.Scope{})
	abort := reading{func() error { return s.Abort(t.Context(), pages, id) }}
	var refs []string
	for i := range 600 {
		refs = append(refs, fmt.Sprintf("page:a/%d", i))
	}
	body := io.MultiReader(abort, strings.NewReader(records(refs...)), failing{errors.New("it was read to the end")})
	_, err := s.Append(t.Context(), pages, id, body, "")
	refused(t, err, component.PushUnknown, 0, "the set ended")
}

// reading calls a function when it is read.
type reading struct{ do func() error }

func (r reading) Read([]byte) (int, error) {
	if err := r.do(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

func TestBodyFails(t *testing.T) {
	s := open(t)
	id := s.begin(pages, component.Scope{})
	cut := errors.New("the connection was cut")
	_, err := s.Append(t.Context(), pages, id, io.MultiReader(strings.NewReader(records("page:a/1")), failing{cut}), "")
	if !errors.Is(err, cut) {
		t.Errorf("error %v", err)
	}
	if got := s.append(pages, id, records("page:a/1")); got.Total != 1 {
		t.Errorf("the set has %d records", got.Total)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestCommitNumber(t *testing.T) {
	s := open(t)
	id := s.begin(pages, component.Scope{})
	s.append(pages, id, records("page:a/1", "page:a/2"))
	_, err := s.Commit(t.Context(), pages, id, 1234, "")
	refused(t, err, component.PushConflict, 0, "1,234 records", "has 2")
	if _, err := s.Commit(t.Context(), pages, id, 2, ""); err != nil {
		t.Errorf("the right number: %v", err)
	}
	_, err = s.Commit(t.Context(), pages, id, 2, "")
	refused(t, err, component.PushConflict, 0, "was committed at")
}

// TestSetOfAnotherToken: a set belongs to the token that began it, and a token that lost a kind
// cannot go on with a set of it.
func TestSetOfAnotherToken(t *testing.T) {
	s := open(t)
	id := s.begin(pages, component.Scope{})
	less := pages
	less.Kinds = []string{"page"}
	for _, c := range []struct {
		g     component.Grant
		fault component.PushFault
	}{{all, component.PushUnknown}, {less, component.PushForbidden}, {component.Grant{}, component.PushForbidden}} {
		_, err := s.Append(t.Context(), c.g, id, strings.NewReader(records("page:a/1")), "")
		refused(t, err, c.fault, 0)
		_, err = s.Commit(t.Context(), c.g, id, 0, "")
		refused(t, err, c.fault, 0)
		refused(t, s.Abort(t.Context(), c.g, id), c.fault, 0)
	}
	if err := s.Abort(t.Context(), pages, id); err != nil {
		t.Error(err)
	}
	_, err := s.Commit(t.Context(), pages, id, 0, "")
	refused(t, err, component.PushUnknown, 0, "no open set")
}

// TestConcurrentSets: of two sets with a common scope, the one that is committed second is
// refused when it began before the first was committed. Sets without a common scope are not in
// the way of each other.
func TestConcurrentSets(t *testing.T) {
	s := open(t)
	a := s.begin(pages, component.Scope{Namespaces: []string{"a"}})
	b := s.begin(pages, component.Scope{Namespaces: []string{"b"}})
	both := s.begin(all, component.Scope{Kinds: []string{"page"}})
	docs := s.begin(all, component.Scope{Kinds: []string{"doc"}})
	persons := s.begin(people, component.Scope{})
	s.append(pages, a, records("page:a/1"))
	s.append(all, both, records("page:a/2", "page:b/2"))
	if _, err := s.Commit(t.Context(), pages, a, 1, ""); err != nil {
		t.Fatal(err)
	}
	_, err := s.Commit(t.Context(), all, both, 2, "")
	refused(t, err, component.PushConflict, 0, "the set "+a+" was committed", "after this set began")
	if _, err := s.Commit(t.Context(), pages, b, 0, ""); err != nil {
		t.Errorf("a set of another namespace: %v", err)
	}
	_, err = s.Commit(t.Context(), all, docs, 0, "")
	refused(t, err, component.PushConflict, 0, "was committed") // a and b include documents
	if _, err := s.Commit(t.Context(), people, persons, 0, ""); err != nil {
		t.Errorf("a set of people: %v", err)
	}
	s.wants("page:a/1")
}

// TestSingleAfterBegin: a set cannot undo the change of a single record.
func TestSingleAfterBegin(t *testing.T) {
	s := open(t)
	s.set(pages, component.Scope{}, "page:a/1", "page:b/1")
	id := s.begin(pages, component.Scope{Namespaces: []string{"a"}})
	s.append(pages, id, records("page:a/1"))
	if _, err := s.Delete(t.Context(), pages, "page:b/1", ""); err != nil {
		t.Fatal(err)
	}
	other := s.begin(pages, component.Scope{Namespaces: []string{"a"}})
	if _, err := s.Delete(t.Context(), pages, "page:a/1", ""); err != nil {
		t.Fatal(err)
	}
	_, err := s.Commit(t.Context(), pages, id, 1, "")
	refused(t, err, component.PushConflict, 0, "page:a/1 was pushed or deleted")
	if err := s.Abort(t.Context(), pages, other); err != nil {
		t.Error(err)
	}
	s.wants("")
}

func TestUpsertAndDelete(t *testing.T) {
	s := open(t)
	_, err := s.Upsert(t.Context(), pages, "", strings.NewReader(record("page:a/1")), "")
	refused(t, err, component.PushConflict, 0, "no set was ever committed")
	_, err = s.Delete(t.Context(), pages, "page:a/1", "")
	refused(t, err, component.PushConflict, 0, "no set was ever committed")
	s.set(pages, component.Scope{}, "page:a/1")
	s.set(people, component.Scope{}, "person:x/ann")

	for _, c := range []struct {
		raw  string
		want component.Changed
	}{
		{record("page:a/1"), component.Changed{Ref: "page:a/1", Generation: 2}},
		{record("page:a/1", `,"n":1`), component.Changed{Ref: "page:a/1", Changed: true, Generation: 3}},
		{" " + record("doc:b/1") + "\n", component.Changed{Ref: "doc:b/1", Changed: true, Generation: 4}},
	} {
		got, err := s.Upsert(t.Context(), pages, "", strings.NewReader(c.raw), "")
		if err != nil || got != c.want {
			t.Errorf("upsert %s: %+v, %v", c.raw, got, err)
		}
	}
	s.wants("person:x/ann doc:b/1 page:a/1")
	_, err = s.Upsert(t.Context(), pages, "page:a/2", strings.NewReader(record("page:a/1", `,"n":2`)), "")
	refused(t, err, component.PushInvalid, 0, `the record has the ref page:a/1, not "page:a/2"`)
	if got, err := s.Upsert(t.Context(), pages, "PAGE:a/1", strings.NewReader(record("page:a/1", `,"n":1`)), ""); err != nil ||
		got.Changed {
		t.Errorf("upsert with its ref: %+v, %v", got, err)
	}
	state, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer state.Release()
	if r, err := state.Get(t.Context(), "page:a/1"); err != nil || string(r.Raw) != record("page:a/1", `,"n":1`) {
		t.Errorf("the record: %v, %v", r, err)
	}

	for _, c := range []struct {
		ref   string
		want  component.Changed
		fault component.PushFault
	}{
		{"Page:a/1", component.Changed{Ref: "page:a/1", Changed: true, Generation: 5}, 0},
		{"page:a/1", component.Changed{Ref: "page:a/1", Generation: 5}, 0},
		{"person:x/ann", component.Changed{}, component.PushForbidden},
		{"no ref", component.Changed{}, component.PushInvalid},
	} {
		got, err := s.Delete(t.Context(), pages, c.ref, "")
		if c.fault != 0 {
			refused(t, err, c.fault, 0)
		} else if err != nil || got != c.want {
			t.Errorf("delete %s: %+v, %v", c.ref, got, err)
		}
	}
	s.wants("person:x/ann doc:b/1")

	_, err = s.Upsert(t.Context(), pages, "", strings.NewReader(record("page:a/1")+strings.Repeat(" ", 2000)+"{"), "")
	refused(t, err, component.PushTooLarge, 1, "larger than 2,000 bytes")
	cut := errors.New("the connection was cut")
	_, err = s.Upsert(t.Context(), pages, "", io.MultiReader(strings.NewReader(record("page:a/1")), failing{cut}), "")
	if !errors.Is(err, cut) {
		t.Errorf("error %v", err)
	}
	_, err = s.Upsert(t.Context(), people, "", strings.NewReader(record("person:x/bob")), "")
	refused(t, err, component.PushForbidden, 0, "one at a time")
	_, err = s.Delete(t.Context(), people, "person:x/ann", "")
	refused(t, err, component.PushForbidden, 0, "one at a time")
	_, err = s.Upsert(t.Context(), all, "", strings.NewReader(record("person:x/bob")), "")
	refused(t, err, component.PushForbidden, 1, "of the kind person")
	_, err = s.Upsert(t.Context(), pages, "", strings.NewReader(record("page:c/1")), "")
	refused(t, err, component.PushForbidden, 1, "outside")
	_, err = s.Delete(t.Context(), all, "person:x/ann", "")
	refused(t, err, component.PushForbidden, 0, "outside")
	_, err = s.Append(t.Context(), people, s.begin(people, component.Scope{}), strings.NewReader(records("page:a/1")), "")
	refused(t, err, component.PushForbidden, 1, "outside")
}

// TestRefOfAnotherRecord: a record cannot take the place of one outside its scope, such as a
// page that of a person, or one of a namespace that the token does not include.
func TestRefOfAnotherRecord(t *testing.T) {
	s := open(t)
	s.set(people, component.Scope{}, "person:x/ann")
	s.set(all, component.Scope{}, "page:c/1")
	before := s.read()
	page := component.Grant{ID: "x", Kinds: []string{"page"}, Namespaces: []string{"a", ""}}
	for _, ref := range []string{"person:x/ann", "page:c/1"} {
		raw := fmt.Sprintf(`{"kind":"page","ns":"a","id":%q,"bare":true}`, ref)
		if ref == "page:c/1" {
			raw = fmt.Sprintf(`{"kind":"doc","id":%q,"bare":true}`, ref)
			page = component.Grant{ID: "y", Kinds: []string{"doc"}, Namespaces: []string{"c", "x", ""}}
		} else {
			page.Namespaces = []string{"x"}
		}
		_, err := s.Upsert(t.Context(), page, "", strings.NewReader(raw), "")
		refused(t, err, component.PushConflict, 0, "another kind or namespace has the ref "+ref)
		id := s.begin(page, component.Scope{})
		s.append(page, id, raw)
		_, err = s.Commit(t.Context(), page, id, 1, "")
		refused(t, err, component.PushConflict, 0, "line 1 of append 1", ref)
	}
	s.wants(before)
}

// TestIdempotency: a repeated request changes nothing and has the first answer; the key with
// another content, set or operation is refused.
func TestIdempotency(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	first, err := s.Begin(ctx, pages, component.Scope{Kinds: []string{"page"}}, "k1")
	if err != nil || first.Replayed {
		t.Fatal(first, err)
	}
	again, err := s.Begin(ctx, pages, component.Scope{Kinds: []string{"page"}}, "k1")
	if err != nil || again.ID != first.ID || !again.Replayed || !again.Expires.Equal(first.Expires) {
		t.Errorf("begin again: %+v, %v", again, err)
	}
	_, err = s.Begin(ctx, pages, component.Scope{}, "k1")
	refused(t, err, component.PushConflict, 0, `the idempotency key "k1"`)
	if other, err := s.Begin(ctx, all, component.Scope{}, "k1"); err != nil || other.Replayed {
		t.Errorf("the key of another token: %+v, %v", other, err)
	}

	for i := range 2 {
		got, err := s.Append(ctx, pages, first.ID, strings.NewReader(records("page:a/1", "page:a/2")), "k2")
		if want := (component.Appended{Append: 1, Records: 2, Total: 2, Replayed: i == 1}); err != nil || got != want {
			t.Errorf("append %d: %+v, %v", i, got, err)
		}
	}
	_, err = s.Append(ctx, pages, first.ID, strings.NewReader(records("page:a/1", "page:a/3")), "k2")
	refused(t, err, component.PushConflict, 0, `the idempotency key "k2"`)
	_, err = s.Append(ctx, pages, "other", strings.NewReader(records("page:a/1", "page:a/2")), "k2")
	refused(t, err, component.PushConflict, 0, `the idempotency key "k2"`)

	for i := range 2 {
		got, err := s.Commit(ctx, pages, first.ID, 2, "k3")
		if want := (component.Committed{Generation: 1, Records: 2, Replayed: i == 1}); err != nil || got != want {
			t.Errorf("commit %d: %+v, %v", i, got, err)
		}
	}
	_, err = s.Commit(ctx, pages, first.ID, 3, "k3")
	refused(t, err, component.PushConflict, 0)

	for i := range 2 {
		got, err := s.Upsert(ctx, pages, "", strings.NewReader(record("page:a/4")), "k4")
		want := component.Changed{Ref: "page:a/4", Changed: true, Generation: 2, Replayed: i == 1}
		if err != nil || got != want {
			t.Errorf("upsert %d: %+v, %v", i, got, err)
		}
	}
	_, err = s.Delete(ctx, pages, record("page:a/4"), "k4")
	refused(t, err, component.PushConflict, 0)
	for i := range 2 {
		got, err := s.Delete(ctx, pages, "page:a/4", "k5")
		want := component.Changed{Ref: "page:a/4", Changed: true, Generation: 3, Replayed: i == 1}
		if err != nil || got != want {
			t.Errorf("delete %d: %+v, %v", i, got, err)
		}
	}
	_, err = s.Begin(ctx, pages, component.Scope{}, strings.Repeat("k", 201))
	refused(t, err, component.PushInvalid, 0, "longer than 200 bytes")
	s.wants("page:a/1 page:a/2")
}

// TestSameAppendAtOnce: of equal requests at the same time, one is stored.
func TestSameAppendAtOnce(t *testing.T) {
	s := open(t)
	id := s.begin(pages, component.Scope{})
	var refs []string
	for i := range 800 {
		refs = append(refs, fmt.Sprintf("page:a/%d", i))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	replayed := 0
	for range 6 {
		wg.Go(func() {
			got, err := s.Append(context.Background(), pages, id, strings.NewReader(records(refs...)), "same")
			mu.Lock()
			defer mu.Unlock()
			if err != nil || got.Total != 800 {
				t.Errorf("%+v, %v", got, err)
			}
			if got.Replayed {
				replayed++
			}
		})
	}
	wg.Wait()
	if replayed != 5 {
		t.Errorf("%d answers were repeated, want 5", replayed)
	}
	if _, err := s.Commit(t.Context(), pages, id, 800, ""); err != nil {
		t.Error(err)
	}
}

// TestSnapshot: a run that is reading sees one state, whatever is committed meanwhile.
func TestSnapshot(t *testing.T) {
	s := open(t)
	s.set(people, component.Scope{}, "person:x/ann")
	s.set(all, component.Scope{}, "page:a/1", "page:a/2")
	state, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer state.Release()
	other, err := store.Open(t.Context(), s.path, model{[]string{"Page", "Doc"}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	opened{other, t, s.path}.set(all, component.Scope{}, "page:a/3")
	s.set(people, component.Scope{}, "person:x/bob")
	if _, err := s.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := refsOf(t, state); got != "person:x/ann page:a/1 page:a/2" {
		t.Errorf("the snapshot: %s", got)
	}
	s.wants("person:x/bob page:a/3")
}

func TestLimits(t *testing.T) {
	s := open(t)
	filler := `,"x":"` + strings.Repeat("x", 1800) + `"`
	id := s.begin(pages, component.Scope{})
	var lines strings.Builder
	for i := range 300 {
		lines.WriteString(record(fmt.Sprintf("page:a/%d", i), filler) + "\n")
	}
	s.append(pages, id, lines.String())
	_, err := s.Append(t.Context(), pages, id, strings.NewReader(strings.ReplaceAll(lines.String(), `"id":"`, `"id":"n`)), "")
	refused(t, err, component.PushTooLarge, 0, "larger than 1 MiB")
	for _, key := range []string{"", "kept"} {
		_, err = s.Append(t.Context(), pages, id, strings.NewReader(strings.Repeat("\n", 2<<20)), key)
		refused(t, err, component.PushTooLarge, 0, "the body is larger than a set")
	}

	lines.Reset()
	for i := range 5001 {
		lines.WriteString(record(fmt.Sprintf("page:b/%d", i)) + "\n")
	}
	many := s.begin(pages, component.Scope{Namespaces: []string{"b"}})
	_, err = s.Append(t.Context(), pages, many, strings.NewReader(lines.String()), "")
	refused(t, err, component.PushTooLarge, 0, "more than 5,000 records")
	short, _, _ := strings.Cut(lines.String(), `"id":"5000"`)
	short = short[:strings.LastIndexByte(short, '\n')]
	s.append(pages, many, short)
	if _, err := s.Commit(t.Context(), pages, many, 5000, ""); err != nil {
		t.Fatal(err)
	}
	_, err = s.Upsert(t.Context(), pages, "", strings.NewReader(record("page:a/1")), "")
	refused(t, err, component.PushTooLarge, 0, "the store would have more than 5,000 records")
	if _, err := s.Upsert(t.Context(), pages, "", strings.NewReader(record("page:b/1", `,"n":1`)), ""); err != nil {
		t.Errorf("a record that is replaced: %v", err)
	}
	docs := component.Grant{ID: "docs", Kinds: []string{"doc"}, Namespaces: []string{"*"}}
	one := s.begin(docs, component.Scope{})
	s.append(docs, one, records("doc:a/1"))
	_, err = s.Commit(t.Context(), docs, one, 1, "")
	refused(t, err, component.PushTooLarge, 0, "the store would have more than 5,000 records")

	for range 2 {
		s.begin(pages, component.Scope{})
	}
	s.begin(pages, component.Scope{})
	_, err = s.Begin(t.Context(), pages, component.Scope{}, "")
	refused(t, err, component.PushConflict, 0, "4 open sets")
}

func TestStats(t *testing.T) {
	s := open(t)
	if got, err := s.Stats(t.Context()); err != nil || got.Committed || len(got.Kinds) > 0 || !got.LastChange.IsZero() {
		t.Errorf("an empty store: %+v, %v", got, err)
	}
	s.set(all, component.Scope{}, "page:a/1", "page:a/2", "doc:a/1")
	s.set(people, component.Scope{}, "team:x/t")
	s.append(pages, s.begin(pages, component.Scope{}), records("page:a/1"))
	got, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []store.KindCount{{Kind: "Team", Records: 1}, {Kind: "Page", Records: 2}, {Kind: "Doc", Records: 1}}
	if !got.Committed || got.Generation != 2 || got.By != "people" || got.LastChange.IsZero() ||
		!slices.Equal(got.Kinds, want) {
		t.Errorf("%+v", got)
	}
	less, err := store.Open(t.Context(), s.path, model{[]string{"Doc"}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer less.Close()
	unread := store.KindCount{Kind: "page", Records: 2, Unread: true}
	if got, err := less.Stats(t.Context()); err != nil || !slices.Contains(got.Kinds, unread) {
		t.Errorf("a kind that the pipeline does not read: %+v, %v", got.Kinds, err)
	}
}

// TestModelChanged: a stored record that the model now gives another ref fails the read.
func TestModelChanged(t *testing.T) {
	s := open(t)
	s.set(all, component.Scope{}, "page:a/1")
	changed, err := store.Open(t.Context(), s.path, renaming{model{[]string{"Page"}}}, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer changed.Close()
	state, err := changed.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer state.Release()
	for _, phase := range (model{[]string{"Page"}}).Phases()[1:] {
		err := state.Read(t.Context(), phase, func(context.Context, []*component.Record) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "no longer fits") {
			t.Errorf("error %v", err)
		}
	}
}

type renaming struct{ model }

func (m renaming) Record(raw []byte) (*component.Record, error) {
	r, err := m.model.Record(raw)
	r.Ref += "-new"
	return r, err
}

// TestReadEnds: an error of the engine ends the reading and is returned as it is.
func TestReadEnds(t *testing.T) {
	s := open(t)
	s.set(all, component.Scope{}, "page:a/1")
	state, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer state.Release()
	stop := errors.New("stop")
	err = state.Read(t.Context(), onlyPages, func(context.Context, []*component.Record) error { return stop })
	if err != stop {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = state.Read(ctx, onlyPages, func(context.Context, []*component.Record) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := refsOf(t, state); got != "page:a/1" {
		t.Errorf("after a read that was cancelled: %s", got)
	}
}

func TestFiles(t *testing.T) {
	s := open(t)
	s.set(all, component.Scope{}, "page:a/1")
	files, err := filepath.Glob(s.path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	if _, err := store.Open(t.Context(), filepath.Join(s.path, "x"), model{}, limits); err == nil {
		t.Error("a path below a file was opened")
	}
	if _, err := store.Open(t.Context(), s.path, struct{ component.Model }{model{}}, limits); err == nil {
		t.Error("a model that makes no records was taken")
	}
}
