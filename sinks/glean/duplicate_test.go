package glean

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestDuplicateIDs: no principal resolves to another one. All who claim one id are
// rejected, users, groups, and a user and a group.
func TestDuplicateIDs(t *testing.T) {
	f := start(t, sandbox.Rules{})
	claim := func(stream, record, id string) *component.Item {
		if stream == "users" {
			return item(stream, record, "id", id, "email", strings.NewReplacer(":", ".", "/", ".").Replace(record)+"@x.example")
		}
		return item(stream, record, "id", id, "members", []string{"user:default/bob"})
	}
	err := f.run(
		claim("users", "user:default/ann", "user:default/ann"), claim("users", "user:guests/ann", "user:default/ann"),
		claim("groups", "group:default/a", "group:default/a"), claim("groups", "group:other/a", "group:default/a"),
		claim("groups", "group:default/payments", "group:default/payments"),
		claim("users", "user:guests/evil", "group:default/payments"),
		user("bob"), group("b", "user:default/ann", "user:default/bob", "group:default/a"),
		doc("ann", "user:default/ann"), doc("a", "group:default/a"), doc("payments", "group:default/payments"),
		doc("b", "group:default/b"),
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.ids(), " "); got != "b" || strings.Join(f.index().WhoFinds("component:default/b"),
		" ") != "bob@x.example" {
		t.Errorf("documents: %s, %v", got, f.index().WhoFinds("component:default/b"))
	}
	if len(f.ends) != 6 || len(f.index().Users) != 1 || len(f.index().Groups) != 1 {
		t.Errorf("%d users, %d groups, ends:\n%s", len(f.index().Users), len(f.index().Groups), strings.Join(f.ends, "\n"))
	}
	for _, end := range f.ends {
		if !strings.Contains(end, `rejected: id: "`) || !strings.Contains(end, "none of them is taken") {
			t.Error(end)
		}
	}
}

// TestManyMerged: the work and the notes stay small, however many share an
// e-mail, and however many e-mails are shared.
func TestManyMerged(t *testing.T) {
	begin := time.Now()
	f := start(t, sandbox.Rules{})
	const n = 20_000
	var items []*component.Item
	var refs []string
	for i := range n {
		u := user(fmt.Sprintf("bot%05d", i))
		u.Fields[1].Value = "bots@x.example"
		items, refs = append(items, u), append(refs, u.Ref)
	}
	for g := range 10 {
		items = append(items, group(fmt.Sprintf("g%d", g), refs[g*n/20:(g+1)*n/20]...))
	}
	f.read(items...)
	want := "user:default/bot00000 and user:default/bot00001 and user:default/bot00002 and user:default/bot00003 and " +
		"user:default/bot00004 and 19,995 more have one e-mail and are one user of Glean: " +
		"user:default/bot00000 gains group:default/g1; group:default/g2; group:default/g3; group:default/g4; " +
		"group:default/g5 and 4 more, "
	if len(f.notes) != 1 || !strings.HasPrefix(f.notes[0], want) ||
		!strings.HasSuffix(f.notes[0], ", 19,995 more gain groups likewise") || len(f.notes[0]) > 1500 {
		t.Errorf("notes: %.3000q", f.notes)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}

	f.reset()
	items = nil
	for i := range 25 {
		a, b := user(fmt.Sprintf("a%02d", i)), user(fmt.Sprintf("b%02d", i))
		b.Fields[1].Value = a.Fields[1].Value
		items = append(items, a, b)
	}
	f.read(items...)
	if len(f.notes) != 21 || f.notes[0] != "user:default/a00 and user:default/b00 have one e-mail and are one user of "+
		"Glean: neither gains anything by it" ||
		f.notes[20] != "and 5 more e-mails are each shared by several users, who are one user of Glean" {
		t.Errorf("notes: %q", f.notes)
	}
}
