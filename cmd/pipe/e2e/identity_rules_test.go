package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// The people and rules of the tests below, in the shipped pipeline's place.
const (
	left  = `["user:default/liam.obrien", "user:default/mei.tanaka"]`
	rules = `
    - name: an api
      when: kind == "API"
      allow:
        users: related("ownedBy", "user")
        all_of: map(related("ownedBy", "group"), [#, "group:default/data"])
    - name: a component
      when: kind == "Component"
      allow:
        groups: ["group:default/platform"]
        all_of: |
          [first(related("ownedBy", "group")), "group:default/engineering"]
    - name: a resource
      when: kind == "Resource"
      allow:
        all_of: ["group:default/engineering", "group:default/ghosts"]
    - name: a system
      when: kind == "System"
      allow:
        users: ["user:default/mei.tanaka"]
  default: ${DEFAULT_PERMISSIONS:-datasource-users}`
)

// withRules is the shipped pipeline with nested groups, people who have left,
// and rules of every kind.
func withRules(t *testing.T, more ...string) string {
	return edited(t, append([]string{
		`# subgroups: related("parentOf")`, `subgroups: related("parentOf")`,
		"      email: lower(spec.profile.email)\n",
		"      email: lower(spec.profile.email)\n      isActive: not (ref in " + left + ")\n",
		"\n  # DEFAULT_PERMISSIONS", rules + "\n#",
		"\n  default: ${DEFAULT_PERMISSIONS:-datasource-users}\n\nguards:", "\nguards:",
	}, more...)...)
}

// members are the e-mails of the active people in a group and the groups below
// it.
func (c catalog) members(ref string, gone []string) map[string]bool {
	out := map[string]bool{}
	for _, m := range c[ref].related["hasMember"] {
		if e := c[m]; e.email != "" && !slices.Contains(gone, m) {
			out[e.email] = true
		}
	}
	for _, below := range c[ref].related["parentOf"] {
		maps.Copy(out, c.members(below, gone))
	}
	return out
}

// ruled returns who must find an entity's document by the rules above; nil for no one.
func (c catalog) ruled(e entity) []string {
	gone := []string{"user:default/liam.obrien", "user:default/mei.tanaka"}
	out := map[string]bool{}
	both := func(a, b string) {
		of := c.members(b, gone)
		for mail := range c.members(a, gone) {
			if of[mail] {
				out[mail] = true
			}
		}
	}
	switch e.kind {
	case "API":
		for _, o := range e.related["ownedBy"] {
			if c[o].kind == "Group" {
				both(o, "group:default/data")
			} else if !slices.Contains(gone, o) && c[o].email != "" {
				out[c[o].email] = true
			}
		}
	case "Component":
		maps.Copy(out, c.members("group:default/platform", gone))
		for _, o := range e.related["ownedBy"] {
			if strings.HasPrefix(o, "group:") {
				both(o, "group:default/engineering")
				break
			}
		}
	case "Resource", "System":
	default:
		for ref, u := range c {
			if u.kind == "User" && u.email != "" && !u.orphan && !slices.Contains(gone, ref) {
				out[u.email] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// checkRuled compares who finds each document with the rules above.
func (c catalog) checkRuled(t *testing.T, index gleansandbox.Index) {
	t.Helper()
	some := 0
	for ref, e := range c {
		if e.marked || e.orphan ||
			!slices.Contains([]string{"API", "Component", "Resource", "System", "Domain", "Group"}, e.kind) {
			continue
		}
		want := c.ruled(e)
		if got := slices.Sorted(slices.Values(index.WhoFinds(ref))); !slices.Equal(got, want) {
			t.Errorf("%s is found by %v, want %v", ref, got, want)
		}
		if _, there := index.Document(ref); there == (e.kind == "Resource" || e.kind == "System") {
			t.Errorf("%s: in the index %t", ref, there)
		}
		if len(want) > 0 && e.kind == "API" {
			some++
		}
	}
	if some == 0 {
		t.Error("no document is found through two groups: the test proves nothing")
	}
}

// TestIdentities: intersections of groups, nested groups and people who left, identified by
// e-mail, by ref and by a separate id, and under each reading of Glean's documentation: each
// person finds what the rules allow.
func TestIdentities(t *testing.T) {
	t.Parallel()
	catalog := catalogOf(t, backstagesandbox.Company())
	const byEmail = "isUserReferencedByEmail: true"
	ways := map[string][]string{
		"by e-mail": nil,
		"by ref":    {byEmail, "isUserReferencedByEmail: false"},
		"by id": {byEmail, "isUserReferencedByEmail: false", "      isActive:",
			"      userId: slug(metadata.namespace) + \"/\" + upper(metadata.name)\n      isActive:"},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			file := withRules(t, way...)
			for _, reading := range gleansandbox.Readings() {
				w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{Rules: reading.Rules})
				w.pipe(t, "datasource", "apply", "--yes", file).expect(t, 0)
				c := w.pipe(t, "run", "--set", "@sink.requests_per_second=0", "--progress", "none", file)
				c.expect(t, 0, "all_of was left out where it names a ref that is not a delivered group: "+
					"group:default/engineering and group:default/ghosts, where group:default/ghosts is not a "+
					"delivered group in ",
					"groups name 2 refs as members that are inactive users",
					"permissions name 1 ref that is an inactive user; it was left out: user:default/mei.tanaka")
				index := w.index()
				catalog.checkRuled(t, index)
				gone := 0
				for _, u := range index.Users {
					if u.IsActive != nil && !*u.IsActive {
						gone++
					}
					if (u.UserID == "") != (name == "by e-mail") ||
						name == "by id" && !strings.HasPrefix(u.UserID, "default/") &&
							!strings.HasPrefix(u.UserID, "payments-internal/") {
						t.Errorf("%s: %+v", reading.Name, u)
					}
				}
				if gone != 2 {
					t.Errorf("%s: %d users are not active", reading.Name, gone)
				}
			}
		})
	}
}

// TestIdentitiesBorrowed: a datasource with the users and groups of another. None are
// uploaded for it, and each person finds the same documents.
func TestIdentitiesBorrowed(t *testing.T) {
	t.Parallel()
	catalog := catalogOf(t, backstagesandbox.Company())
	for _, byEmail := range []string{"true", "false"} {
		ids := []string{"isUserReferencedByEmail: true", "isUserReferencedByEmail: " + byEmail}
		own := withRules(t, ids...)
		borrowed := withRules(t,
			append(ids, "      quicklinks:", "      identityDatasourceName: backstage\n      quicklinks:")...)
		w := bare(t)
		w.env["GLEAN_DATASOURCE_ID"] = "services"
		w.pipe(t, "datasource", "apply", "--yes", borrowed).expect(t, int(job.Wrong), "identityDatasourceName", `there is no datasource "backstage"`)
		w.env["GLEAN_DATASOURCE_ID"] = "backstage"
		w.pipe(t, "run", "--apply-datasource", "--set", "@sink.requests_per_second=0", own).expect(t, 0)
		w.env["GLEAN_DATASOURCE_ID"] = "services"
		w.pipe(t, "datasource", "apply", "--yes", borrowed).expect(t, 0)
		c := w.pipe(t, "run", "--set", "@sink.requests_per_second=0", borrowed)
		c.expect(t, 0, "the datasource backstage provides users and groups: none are sent",
			"the datasource backstage provides them", "!no one will find",
			"people were not counted, so max_growth limits nothing: ")
		w.pipe(t, "run", "--json", "--dry-run", borrowed).expect(t, 0, `"people were not counted, so max_growth`)
		services := w.glean.Index("services")
		if len(services.Users)+len(services.Groups)+len(services.Memberships) > 0 ||
			slices.ContainsFunc(services.Uploads, func(u gleansandbox.Upload) bool {
				return u.Stream != "documents"
			}) {
			t.Errorf("people were uploaded: %+v", services.Uploads)
		}
		catalog.checkRuled(t, services)
		w.pipe(t, "doctor", borrowed).expect(t, 0, "identities", "users and groups come from the datasource backstage")

		// A file that borrows no identities is another datasource than this one.
		w.pipe(t, "run", own).expect(t, int(job.Wrong),
			"identityDatasourceName is not set in the file and backstage in Glean", `write identityDatasourceName: ""`)
		again := withRules(t, append(ids, "      quicklinks:", "      identityDatasourceName: \"\"\n      quicklinks:")...)
		w.pipe(t, "datasource", "apply", "--yes", again).expect(t, 0, "- identityDatasourceName")
		w.pipe(t, "run", "--set", "@sink.requests_per_second=0", again).expect(t, 0, "!provides users and groups",
			"!people were not counted")
		if services = w.glean.Index("services"); len(services.Users) == 0 {
			t.Error("no users were uploaded")
		}
		catalog.checkRuled(t, services)
	}
}

// TestIntersectionsGuarded: a group less in an intersection is seen by the
// exposure guard, a group more and an intersection within a group are not.
func TestIntersectionsGuarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	file := func(allow string) string {
		return edited(t, "  rules:\n",
			"  rules:\n    - name: everything\n      when: kind != \"User\"\n      allow:\n        "+allow+"\n")
	}
	two, three := `all_of: ["group:default/data", "group:default/routing"]`, `all_of: ["group:default/routing", "group:default/data", "group:default/platform"]`
	for _, step := range []struct {
		allow string
		code  int
		says  string
	}{
		{three, 0, "listed 5"},
		{two, int(job.Refused), "everything: listed → more users or groups, 5"},
		{two + "\n        groups: []", int(job.Refused), "max_widen"},
		{`groups: ["group:default/data"]`, int(job.Refused), "max_widen"},
		{three, 0, "listed 5"},
	} {
		w.pipe(t, "run", "--set", "@sink.requests_per_second=0", file(step.allow)).expect(t, step.code, step.says)
	}
	wider := file(`groups: ["group:default/data"]`)
	if c := w.pipe(t, "run", "--approve", approvalIn(t, w.pipe(t, "run", wider)), wider); c.code != 0 {
		t.Fatal(c.both())
	}
	w.pipe(t, "run", file(two)).expect(t, 0, "listed 5")
}
