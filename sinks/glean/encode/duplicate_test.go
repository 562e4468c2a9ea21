package encode_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestDuplicateIDs: no principal resolves to another one. All who claim one id are
// rejected, users, groups, and a user and a group.
func TestDuplicateIDs(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	claim := func(stream, record, id string) *component.Item {
		if stream == "users" {
			return gleantest.Item(stream, record, "id", id, "email",
				strings.NewReplacer(":", ".", "/", ".").Replace(record)+"@x.example")
		}
		return gleantest.Item(stream, record, "id", id, "members", []string{"user:default/bob"})
	}
	err := f.Run(
		claim("users", "user:default/ann", "user:default/ann"), claim("users", "user:guests/ann", "user:default/ann"),
		claim("groups", "group:default/a", "group:default/a"), claim("groups", "group:other/a", "group:default/a"),
		claim("groups", "group:default/payments", "group:default/payments"),
		claim("users", "user:guests/evil", "group:default/payments"),
		gleantest.User("bob"), gleantest.Group("b", "user:default/ann", "user:default/bob", "group:default/a"),
		gleantest.Doc("ann", "user:default/ann"), gleantest.Doc("a", "group:default/a"),
		gleantest.Doc("payments", "group:default/payments"),
		gleantest.Doc("b", "group:default/b"),
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.IDs(), " "); got != "b" || strings.Join(f.Index().WhoFinds("component:default/b"),
		" ") != "bob@x.example" {
		t.Errorf("documents: %s, %v", got, f.Index().WhoFinds("component:default/b"))
	}
	if len(f.Ends) != 6 || len(f.Index().Users) != 1 || len(f.Index().Groups) != 1 {
		t.Errorf("%d users, %d groups, ends:\n%s", len(f.Index().Users), len(f.Index().Groups), strings.Join(f.Ends, "\n"))
	}
	for _, end := range f.Ends {
		if !strings.Contains(end, `rejected: id: 2 `+
			`users or groups`) || !strings.Contains(end, "all of them are rejected") {
			t.Error(end)
		}
	}
}

// TestManyMerged: work and notes stay small for many users with one e-mail address, and for
// many shared addresses.
func TestManyMerged(t *testing.T) {
	begin := time.Now()
	f := gleantest.Start(t, sandbox.Rules{})
	const n = 20_000
	var items []*component.Item
	var refs []string
	for i := range n {
		u := gleantest.User(fmt.Sprintf("bot%05d", i))
		u.Fields[1].Value = "bots@x.example"
		items, refs = append(items, u), append(refs, u.Ref)
	}
	for g := range 10 {
		items = append(items, gleantest.Group(fmt.Sprintf("g%d", g), refs[g*n/20:(g+1)*n/20]...))
	}
	f.Read(items...)
	want := "user:default/bot00000 and user:default/bot00001 and user:default/bot00002 and user:default/bot00003 " +
		"and user:default/bot00004 and 19,995 more have the same e-mail and are one user in Glean: " +
		"user:default/bot00000 gains group:default/g1; group:default/g2; group:default/g3; group:default/g4; " +
		"group:default/g5 and 4 more, "
	if len(f.Notes) != 1 || !strings.HasPrefix(f.Notes[0], want) ||
		!strings.HasSuffix(f.Notes[0], ", 19,995 more gain groups likewise") || len(f.Notes[0]) > 1500 {
		t.Errorf("notes: %.3000q", f.Notes)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}

	f.Reset()
	items = nil
	for i := range 25 {
		a, b := gleantest.User(fmt.Sprintf("a%02d", i)), gleantest.User(fmt.Sprintf("b%02d", i))
		b.Fields[1].Value = a.Fields[1].Value
		items = append(items, a, b)
	}
	f.Read(items...)
	if len(f.Notes) != 21 || f.Notes[0] != "user:default/a00 and user:default/b00 have the same e-mail and are "+
		"one user in Glean: no user gains access by it" ||
		f.Notes[20] != "5 more e-mails are each shared by several users, which are one user in Glean" {
		t.Errorf("notes: %q", f.Notes)
	}
}
