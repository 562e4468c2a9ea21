package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// entity is what tests know of an entity, read from its JSON without any of
// the pipeline's code.
type entity struct {
	ref, kind, name string
	email, mark     string
	marked, orphan  bool
	related         map[string][]string // targets by type of relation
}

// catalog is entities by ref, and the expected result of the shipped pipeline.
type catalog map[string]entity

func catalogOf(t testing.TB, raw [][]byte) catalog {
	t.Helper()
	c := catalog{}
	for _, one := range raw {
		v, err := codec.Decode(one)
		if err != nil {
			t.Fatal(err)
		}
		e := entityOf(v)
		if _, twice := c[e.ref]; twice {
			t.Fatalf("%s is listed twice", e.ref)
		}
		c[e.ref] = e
	}
	return c
}

func entityOf(v map[string]any) entity {
	meta, _ := v["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	spec, _ := v["spec"].(map[string]any)
	profile, _ := spec["profile"].(map[string]any)
	e := entity{related: map[string][]string{}}
	e.kind, _ = v["kind"].(string)
	e.name, _ = meta["name"].(string)
	e.email, _ = profile["email"].(string)
	e.email = strings.ToLower(e.email)
	e.mark, e.marked = annotations["glean.com/visibility"].(string)
	e.orphan = annotations["backstage.io/orphan"] == "true"
	namespace, _ := meta["namespace"].(string)
	if namespace == "" {
		namespace = "default"
	}
	e.ref = strings.ToLower(e.kind + ":" + namespace + "/" + e.name)
	relations, _ := v["relations"].([]any)
	for _, one := range relations {
		r, _ := one.(map[string]any)
		name, _ := r["type"].(string)
		target, _ := r["targetRef"].(string)
		e.related[name] = append(e.related[name], strings.ToLower(target))
	}
	return e
}

// owners are the refs that a private entity is found by: a team owns its page.
func (e entity) owners() []string {
	if e.kind == "Group" {
		return []string{e.ref}
	}
	return e.related["ownedBy"]
}

// principals are the refs that Glean gets to know: users with an e-mail, and
// groups.
func (c catalog) principals() map[string]bool {
	out := map[string]bool{}
	for ref, e := range c {
		if (e.kind == "Group" || e.kind == "User" && e.email != "") && !e.orphan {
			out[ref] = true
		}
	}
	return out
}

// The ends of an entity in the shipped pipeline, and why.
const (
	asDocument  = "a document"
	asUser      = "a user"
	merged      = "merged"
	noMail      = "no e-mail"
	orphaned    = "not orphaned"
	generated   = "not a generated location"
	forNobody   = "withheld"
	unsupported = "no mapping"
)

// fates returns how each entity must end.
func (c catalog) fates() map[string]string {
	known := c.principals()
	first := map[string]string{} // e-mail → its user
	out := map[string]string{}
	for _, ref := range slices.Sorted(maps.Keys(c)) {
		e := c[ref]
		mark := strings.ToLower(strings.TrimSpace(e.mark))
		switch {
		case e.orphan:
			out[ref] = orphaned
		case e.kind == "Location" && strings.HasPrefix(e.name, "generated-"):
			out[ref] = generated
		case e.kind == "User" && e.email == "":
			out[ref] = noMail
		case e.kind == "User" && first[e.email] != "":
			out[ref] = merged
		case e.kind == "User":
			out[ref], first[e.email] = asUser, ref
		case !slices.Contains([]string{"Group", "Component", "API", "System", "Domain", "Resource", "Location", "Template"},
			e.kind):
			out[ref] = unsupported
		case !e.marked:
			out[ref] = asDocument
		case mark != "owner" && mark != "private" ||
			!slices.ContainsFunc(e.owners(), func(o string) bool { return known[o] }):
			out[ref] = forNobody
		default:
			out[ref] = asDocument
		}
	}
	return out
}

// account checks where every entity has ended: in the index or not, and in the counts of the
// report (invariant 3).
func (c catalog) account(t testing.TB, index gleansandbox.Index, r printedReport) {
	t.Helper()
	counts := map[string]int{}
	documents, users, groups := 0, 0, 0
	for ref, fate := range c.fates() {
		e := c[ref]
		if fate != forNobody || e.kind != "Group" { // a group without a page is still a group
			counts[fate]++
		}
		if _, there := index.Documents[ref]; there != (fate == asDocument) {
			t.Errorf("%s (%s): in the index %t", ref, fate, there)
		} else if there {
			documents++
		}
		u, there := index.Users[e.email]
		if fate == asUser && (!there || !strings.EqualFold(u.Email, e.email)) {
			t.Errorf("%s is not among the users", ref)
		} else if fate == asUser {
			users++
		}
		if _, there := index.Groups[ref]; there != (e.kind == "Group" && fate != orphaned) {
			t.Errorf("%s: among the groups %t", ref, there)
		} else if there {
			groups++
		}
	}
	if len(index.Documents) != documents || len(index.Users) != users || len(index.Groups) != groups {
		t.Errorf("in the index are %d documents, %d users, %d groups; accounted for are %d, %d, %d",
			len(index.Documents), len(index.Users), len(index.Groups), documents, users, groups)
	}
	if r.Data.Read != len(c) || r.Data.Endings["rejected"] != 0 || r.Data.Endings["merged"] != counts[merged] {
		t.Errorf("read %d, endings %v; there are %d, merged %d", r.Data.Read, r.Data.Endings, len(c), counts[merged])
	}
	for _, why := range []string{orphaned, generated, noMail, unsupported} {
		if r.Data.Reasons["filtered"][why] != counts[why] {
			t.Errorf("filtered %q: %d, want %d", why, r.Data.Reasons["filtered"][why], counts[why])
		}
	}
}

// access compares who finds each document with the entities.
func (c catalog) access(t testing.TB, index gleansandbox.Index) {
	t.Helper()
	known := c.principals()
	var everybody []string
	mails := func(refs []string) (out []string) {
		for _, ref := range refs {
			if e := c[ref]; e.kind == "User" && known[ref] {
				out = append(out, e.email)
			}
		}
		return out
	}
	for ref, e := range c {
		if e.kind == "User" && known[ref] {
			everybody = append(everybody, e.email)
		}
	}
	for ref, fate := range c.fates() {
		if fate != asDocument {
			continue
		}
		want := everybody
		if e := c[ref]; e.marked {
			want = mails(e.owners())
			for _, o := range e.owners() {
				if known[o] {
					want = append(want, mails(c[o].related["hasMember"])...)
				}
			}
		}
		want = slices.Compact(slices.Sorted(slices.Values(want)))
		if got := slices.Sorted(slices.Values(index.WhoFinds(ref))); !slices.Equal(got, want) {
			t.Errorf("%s (mark %q) is found by %v, want %v", ref, c[ref].mark, got, want)
		}
	}
}
