package explain

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// dotted is a grammar of refs such as "eu.shop.checkout", which users may shorten to their last
// part.
type dotted struct{ component.Refs }

func (dotted) ParseRef(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	return text, strings.Count(text, ".") == 2
}

func (d dotted) MayMean(text, ref string) bool {
	text, whole := d.ParseRef(text)
	return text == ref || !whole && strings.HasSuffix(ref, "."+text)
}

func (d dotted) Name(text string) string {
	text, _ = d.ParseRef(text)
	return text[strings.LastIndex(text, ".")+1:]
}

// TestPick: Pick returns the ref that is meant, or else all that may be meant, or else the
// nearest ones.
func TestPick(t *testing.T) {
	refs := []string{"eu.api.orders", "eu.shop.checkout", "us.shop.orders", "eu.group.payments", "eu.user.pay"}
	for asked, want := range map[string]string{
		"eu.shop.checkout":   "eu.shop.checkout",
		" EU.Shop.checkout ": "eu.shop.checkout",
		"shop.checkout":      "eu.shop.checkout",
		"checkout":           "eu.shop.checkout",
		"api.orders":         "eu.api.orders",
		"orders":             "? eu.api.orders us.shop.orders",
		"chekout":            "? eu.shop.checkout",
		"pay":                "eu.user.pay",
		"payment":            "? eu.group.payments",
		"us.user.pay":        "? eu.group.payments eu.user.pay",
		"zzzzzz":             "?",
		"":                   "?",
	} {
		ref, near := NewMatcher(dotted{}, asked).Pick(refs)
		got := ref
		if ref == "" {
			got = strings.TrimSpace("? " + strings.Join(near, " "))
		}
		if got != want {
			t.Errorf("%q: %s, want %s", asked, got, want)
		}
	}
}

// anyText is a grammar of arbitrary refs, which users may shorten to the part after a colon.
type anyText struct{ dotted }

func (anyText) ParseRef(text string) (string, bool) { return text, true }
func (anyText) MayMean(text, ref string) bool       { return text == ref || strings.HasSuffix(ref, ":"+text) }

// TestPickWhole: a full ref is meant even when it is a part of another one.
func TestPickWhole(t *testing.T) {
	if ref, near := NewMatcher(anyText{}, "a").Pick([]string{"a", "page:a"}); ref != "a" {
		t.Errorf("%q, near %q", ref, near)
	}
}

// company returns a trace of two people, a team in a department that contains itself, and a
// document with the given audience.
func company(audience access.Audience, principals ...string) (*Trace, *Journey) {
	t := New(&component.Pipeline{Model: kinds{},
		Streams: []component.Stream{{Name: "users", Identities: true,
			Fields: []component.FieldSpec{{Name: "email", Type: component.EmailField}}}, {Name: "groups", Identities: true},
			{Name: "documents", Permissions: true}}}, func(ref string) bool {
		return ref == "doc:a/b"
	})
	person := func(ref, email string, end component.Ending) {
		r := &component.Record{Entry: component.Entry{Ref: ref, Email: email}}
		t.Wants(ref)
		t.Decoded(r)
		if email != "" {
			t.Mapped(r,
				component.Mapped{Items: []component.Item{{Stream: "users", Ref: ref,
					Fields: []component.Field{{Name: "email", Value: email}}}}})
		}
		if end == component.Delivered {
			t.Named(ref, "user "+strings.ToLower(email))
		}
		t.Ended("users", end, component.DeadLetter{Ref: ref, Reason: "so it is"})
	}
	person("user:a/sam", "Sam@example.com", component.Delivered)
	person("user:b/sam", "sam@example.com", component.Merged)
	person("user:a/kim", "kim@example.com", component.Delivered)
	person("user:a/left", "left@example.com", component.Delivered)
	t.Named("user:a/left", "")
	person("user:a/bot", "", component.Filtered)
	person("user:a/odd", "odd@example.com", component.Rejected)
	group := func(ref string, members ...string) {
		t.Wants(ref)
		t.Named(ref, "group "+ref)
		t.Staged("held", component.Encoded{ID: ref, Ref: ref, Principals: members})
		t.Ended("groups", component.Delivered, component.DeadLetter{Ref: ref})
	}
	group("group:a/team", "user sam@example.com")
	group("group:a/department", "group group:a/team", "group group:a/department", "group group:a/empty")
	group("group:a/empty")
	t.Wants("doc:a/b")
	t.Mapped(&component.Record{Entry: component.Entry{Ref: "doc:a/b"}},
		component.Mapped{Items: []component.Item{{Stream: "documents", Ref: "doc:a/b"}}})
	if audience == access.Nobody {
		t.Ended("documents", component.Withheld, component.DeadLetter{Ref: "doc:a/b", Reason: `rule "r" grants access to no ` +
			"one"})
	} else {
		t.Staged("documents",
			component.Encoded{ID: "doc:a/b", Ref: "doc:a/b", Audience: audience, Rule: "r", Principals: principals})
		t.Ended("documents", component.Delivered, component.DeadLetter{Ref: "doc:a/b"})
	}
	return t, t.Journey("doc:a/b")
}

type kinds struct{ component.Model }

func (kinds) Phases() []component.Phase {
	return []component.Phase{{Identities: true, Kinds: []component.Kind{{Name: "User"}, {Name: "Group"}}}}
}

func (kinds) ParseRef(text string) (string, bool) {
	return strings.ToLower(strings.TrimSpace(text)), strings.Contains(text, ":")
}

func (kinds) KindOf(ref string) string { kind, _, _ := strings.Cut(ref, ":"); return kind }

// TestFinds: who finds a document, also through subgroups, and why.
func TestFinds(t *testing.T) {
	listed := []string{"group group:a/department"}
	for _, c := range []struct {
		audience   access.Audience
		principals []string
		who        string
		finds      bool
		why, chain string
	}{
		{access.Listed, listed, "sam@example.com", true, `the rule "r" allows group:a/department`, "user:a/sam group:a/team group:a/department"},
		{access.Listed, listed, "SAM@example.com", true, "", "user:a/sam group:a/team group:a/department"},
		{access.Listed, listed, "user:b/sam", true, "", "user:a/sam group:a/team group:a/department"},
		{access.Listed, []string{"user sam@example.com"}, "user:a/sam", true, `allows user:a/sam`, "user:a/sam"},
		{access.Listed, []string{"user user:b/sam"}, "sam@example.com", false, "", ""}, // not the sink's name
		{access.Listed, listed, "left@example.com", false, "user:a/left is not active", ""},
		{access.DatasourceUsers, nil, "left@example.com", false, "the person is not active", ""},
		{access.AllUsers, nil, "left@example.com", false, "the person is not active", ""},
		{access.Listed, listed, "kim@example.com", false, "user:a/kim is a member of no group", ""},
		{access.Listed, []string{"user kim@example.com"}, "sam@example.com", false,
			"a member of group:a/team, and none of these groups gives access", ""},
		{access.Listed, listed, "user:a/bot", false, "user:a/bot does not become a user: filtered, so it is", ""},
		{access.Listed, listed, "odd@example.com", false, "rejected", ""},
		{access.Listed, listed, "group:a/team", false, "is a group, not a person", ""},
		{access.Listed, listed, "no@example.com", false, "no user with the e-mail", ""},
		{access.DatasourceUsers, nil, "kim@example.com", true, "every user of the datasource", ""},
		{access.DatasourceUsers, nil, "no@example.com", false, "no user with the e-mail", ""},
		{access.AllUsers, nil, "no@example.com", true, "everyone who can sign in", ""},
		{access.Nobody, nil, "sam@example.com", false, `withheld, rule "r" grants access to no one`, ""},
	} {
		tr, j := company(c.audience, c.principals...)
		a := tr.Finds(j, c.who)
		if a.Finds != c.finds || !strings.Contains(a.Why, c.why) || c.finds && strings.Join(a.Chain, " ") != c.chain {
			t.Errorf("%v %v, %s: %+v", c.audience, c.principals, c.who, a)
		}
	}
}

// TestFinders: a group is expanded once on each path.
func TestFinders(t *testing.T) {
	tr, _ := company(access.AllUsers)
	all := tr.Finders([]string{"group group:a/department", "user kim@example.com"})
	if got := Reached(all); !slices.Equal(got, []string{"kim@example.com", "sam@example.com"}) {
		t.Error(got)
	}
	if len(all) != 2 || len(all[0].Members) != 3 || all[0].Members[1].Members != nil ||
		strings.Join(all[0].Members[0].Members[0].Refs, " ") != "user:a/sam user:b/sam" {
		t.Errorf("%+v", all)
	}
}

// TestBrief: of people who were not chosen, only what access queries need is kept.
func TestBrief(t *testing.T) {
	tr, _ := company(access.AllUsers)
	r := &component.Record{Entry: component.Entry{Ref: "user:a/sam"}, Value: map[string]any{"large": true}}
	tr.Decoded(r)
	tr.Staged("users", component.Encoded{Ref: "user:a/sam", Body: []byte("{}")})
	if j := tr.Journey("user:a/sam"); j.Value != nil || j.Staged[0].Body != nil {
		t.Errorf("%+v", j)
	}
	if tr.Wants("doc:a/c") || !slices.Contains(tr.Refs(), "doc:a/c") || !slices.Equal(tr.Asked(), []string{"doc:a/b"}) {
		t.Error(tr.Refs())
	}
}
