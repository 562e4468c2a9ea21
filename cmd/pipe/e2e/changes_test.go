package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// nights is a world in which a firm's catalog is published night after night, and which
// counts the requests to Glean.
type nights struct {
	*world
	*firm
	mu       sync.Mutex
	requests []string
	during   func(path, body string) // called before a request is answered, unless nil
	sites    []string                // requests to Backstage for files of sites
}

// newNights makes some teams of one person each, which own some components.
func newNights(t *testing.T, teams, components int, rules ...gleansandbox.Rules) *nights {
	t.Helper()
	f := &firm{byDefault: "datasource-users"}
	for i := range teams {
		f.teams = append(f.teams, team{ns: "default", name: fmt.Sprintf("team-%d", i), title: fmt.Sprintf("Team %d", i)})
		f.people = append(f.people, person{ns: "default", name: fmt.Sprintf("p-%d", i), title: fmt.Sprintf("Person %d", i),
			email: fmt.Sprintf("p-%d@example.com", i), teams: []string{fmt.Sprintf("group:default/team-%d", i)}})
	}
	for i := range components {
		f.things = append(f.things, thing{kind: "Component", ns: "default", name: fmt.Sprintf("thing-%d", i),
			title: fmt.Sprintf("Thing %d", i), text: "what it does",
			owner: fmt.Sprintf("group:default/team-%d", i%min(teams, 12))})
	}
	n := &nights{firm: f}
	n.world = newWorld(t, backstagesandbox.Options{Entities: f.entities(t), Observe: func(r *http.Request) {
		if strings.Contains(r.URL.Path, "/api/techdocs/") {
			n.mu.Lock()
			n.sites = append(n.sites, r.URL.Path)
			n.mu.Unlock()
		}
	}},
		gleansandbox.Options{Rules: slices.Concat(rules, []gleansandbox.Rules{{}})[0],
			Observe: func(e gleansandbox.Exchange) {
				path := strings.TrimPrefix(e.Path, gleanapi.Prefix)
				n.mu.Lock()
				n.requests = append(n.requests, path)
				during := n.during
				n.mu.Unlock()
				if during != nil {
					during(path, string(e.Body))
				}
			}})
	return n
}

// night serves the firm's catalog and runs.
func (n *nights) night(t *testing.T, flags ...string) call {
	t.Helper()
	if err := n.backstage.Replace(n.entities(t)); err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	n.requests = nil
	n.mu.Unlock()
	return n.pipe(t, append([]string{"run", shipped, "--progress", "none"}, flags...)...)
}

// good is a night that ends well, after which the index is the catalog.
func (n *nights) good(t *testing.T, flags ...string) call {
	t.Helper()
	c := n.night(t, flags...)
	if c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	for _, d := range indexed(n.world.index()).known().differences(n.firm.index()) {
		t.Errorf("the index is not the catalog: %s", d)
	}
	return c
}

// TestRequestsOfChanges: an unchanged catalog takes three requests to Glean, and one changed
// entity five.
func TestRequestsOfChanges(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 60)
	n.good(t).expect(t, int(job.Done), "sent: everything, because this state folder has no earlier run")
	n.good(t).expect(t, int(job.Done), "sent: nothing, because nothing changed")
	if len(n.requests) > 3 {
		t.Errorf("nothing changed: %q", n.requests)
	}
	n.things[7].text = "another kind of file"
	n.good(t).expect(t, int(job.Done), "sent: what changed (1 document written)")
	if len(n.requests) > 5 {
		t.Errorf("one document changed: %q", n.requests)
	}
	n.things[7].visibility = "owner"
	n.good(t).expect(t, int(job.Done), "sent: what changed (1 document with a narrower audience)")
	if len(n.requests) > 5 || !slices.Contains(n.requests, "updatepermissions") ||
		slices.Contains(n.requests, "indexdocuments") {
		t.Errorf("one document is for fewer people: %q", n.requests)
	}
	n.things = n.things[1:]
	n.good(t)
	if !slices.Contains(n.requests, "deletedocument") {
		t.Errorf("one document went: %q", n.requests)
	}
	// Glean has processed the deletion, and the run detects that before it sends anything.
	n.good(t).expect(t, int(job.Done), "sent: nothing, because nothing changed")
	if !slices.Contains(n.requests, "debug/backstage/documents") {
		t.Errorf("whether the deletion took effect was not asked: %q", n.requests)
	}
	n.good(t)
	if len(n.requests) > 3 {
		t.Errorf("nothing changed, and nothing is on its way out: %q", n.requests)
	}
}

// TestModes: the call, the file and the state folder decide what a run sends.
func TestModes(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 40)
	n.night(t, "--changes").expect(t, int(job.Failed),
		"publishing only the changes is not possible: this state folder has no earlier run",
		"run without --changes")
	n.night(t, "--changes", "--full").expect(t, int(job.Wrong), "use only one of the two")
	n.night(t, "--changes", "--state", "none").expect(t, int(job.Failed), "there is no state folder")
	n.good(t)
	n.good(t, "--full").expect(t, int(job.Done), "!sent: ")
	if !slices.Contains(n.requests, "bulkindexdocuments") {
		t.Errorf("%q", n.requests)
	}
	n.good(t, "--set", "publish.mode=full")
	if !slices.Contains(n.requests, "bulkindexdocuments") {
		t.Errorf("%q", n.requests)
	}
	n.good(t, "--set", "publish.full_every=1ns").expect(t, int(job.Done),
		"sent: everything, because everything was last published on")
	n.good(t, "--set", "@sink.datasource.displayName=Another").expect(t, int(job.Done),
		"sent: everything, because the sink")
	n.things[0].text = "another"
	n.night(t, "--dry-run").expect(t, int(job.Done), "would be sent: everything, because the sink")
	n.good(t)
	for i := range n.things {
		n.things[i].text = "all of them"
	}
	n.night(t, "--dry-run", "--changes").expect(t, int(job.Done), "would be sent: what changed (40 documents "+
		"written)")
	n.good(t).expect(t, int(job.Done), "sent: everything, because this is faster than publishing only the changes")
}

// TestWaitForChanges: a run that waits ends when Glean has processed what changed.
func TestWaitForChanges(t *testing.T) {
	t.Parallel()
	n := newNights(t, 3, 40, gleansandbox.Rules{DocumentsTake: 8 * time.Second})
	n.good(t)
	n.things[0].text = "another"
	n.good(t).expect(t, int(job.Done), "sent: what changed", "!not processed")
	n.things[1].text = "another"
	n.night(t, "--wait=1ms").expect(t, int(job.Unconfirmed),
		"Glean has not processed it within 1ms: documents (1 not processed yet)")
	n.things[2].text = "another"
	n.things = n.things[:39]
	n.good(t, "--wait").expect(t, int(job.Done), "sent: what changed (1 document deleted, 2 documents written)")
	if i := n.glean.Effective("backstage"); len(i.Documents) != 42 {
		t.Errorf("%d documents are in effect", len(i.Documents))
	}
}

// TestInterruptedChanges: the run after an interrupted one publishes everything, also if a
// run was refused between the two; with --changes it sends the changes that may not have
// arrived.
func TestInterruptedChanges(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"", "--changes"} {
		for _, refused := range []bool{false, true} {
			n := newNights(t, 20, 40)
			n.good(t)
			n.things[3].text, n.things[4].text, n.things[5].visibility = "one", "two", "owner"
			n.glean.Fail(gleanfaults.Fault{Path: "indexdocuments", Status: 500})
			n.night(t, "--set", "@sink.retries.attempts=1").expect(t, int(job.Failed), "publish what changed, step write")
			n.glean.Heal()
			n.things[5].visibility = "" // the sent state is outdated
			if refused {
				all := n.things
				n.things = n.things[:5]
				n.night(t).expect(t, int(job.Refused), "max_loss")
				n.things = all
			}
			if flag == "" {
				n.good(t).expect(t, int(job.Done), "sent: everything, because an earlier publish was interrupted")
				continue
			}
			n.good(t, flag).expect(t, int(job.Done), "sent: what changed")
			n.good(t).expect(t, int(job.Done), "sent: everything, because an earlier publish was interrupted")
		}
	}
}

// TestUsersLoseTheirAddresses: users lose their addresses for one night. The run is refused
// and tightens nothing, since principals of documents are unknown; the next night needs no
// approval.
func TestUsersLoseTheirAddresses(t *testing.T) {
	t.Parallel()
	n := newNights(t, 40, 100)
	for i := range n.things {
		n.things[i].visibility = "owner"
		n.things[i].owner = n.people[i%40].ref()
	}
	n.good(t)
	was := n.world.index()
	people := slices.Clone(n.people)
	for i := range n.people {
		if i%2 == 0 {
			n.people[i].email = ""
		}
	}
	n.night(t).expect(t, int(job.Refused), "max_loss", "no access was narrowed")
	for _, d := range indexed(n.world.index()).differences(indexed(was)) {
		t.Errorf("after the refused run: %s", d)
	}
	if slices.ContainsFunc(n.requests, func(r string) bool {
		return !strings.Contains(r, "debug") && r != "getdatasourceconfig"
	}) {
		t.Errorf("the refused run made %q", n.requests)
	}
	n.people = people
	n.good(t).expect(t, int(job.Done), "sent: nothing, because nothing changed")
}

// TestTightenWithLoss: a rule makes 900 documents private while 88 team pages vanish. The
// run is refused, and the 900 are private after it.
func TestTightenWithLoss(t *testing.T) {
	t.Parallel()
	n := newNights(t, 100, 1000)
	n.good(t)
	teams, people := n.teams, n.people
	for i := range 900 {
		n.things[i].visibility, n.things[i].text = "owner", "with another text"
	}
	n.teams, n.people = n.teams[:12], slices.Clone(n.people)
	for i := 12; i < 100; i++ {
		n.people[i].teams = nil
	}
	n.night(t, "--dry-run").expect(t, int(job.Refused), "access would be narrowed although the run is refused",
		"900 documents")
	if d := n.world.index().Documents["component:default/thing-0"]; !d.Permissions.AllowAllDatasourceUsersAccess {
		t.Error("the dry run has tightened")
	}
	n.night(t).expect(t, int(job.Refused), "max_loss", "access was narrowed although the run was refused",
		"found by fewer people: 900 documents: component:default/thing-0,", "waits for an approval: 88 documents")
	i := n.world.index()
	for k := range 1000 {
		d := i.Documents[fmt.Sprintf("component:default/thing-%d", k)]
		if d.Permissions.AllowAllDatasourceUsersAccess != (k >= 900) ||
			len(d.Permissions.AllowedGroups) != boolInt(k < 900) ||
			d.Summary.TextContent != "what it does" {
			t.Fatalf("thing %d: %+v, %q", k, d.Permissions, d.Summary.TextContent)
		}
	}
	if len(i.Groups) != 100 || len(i.Users) != 100 || len(i.Documents) != 1100 {
		t.Errorf("%d groups, %d users, %d documents", len(i.Groups), len(i.Users), len(i.Documents))
	}
	// The teams are back: the contents follow, and nothing is to be approved.
	n.teams, n.people = teams, people
	n.good(t)
	// A rule that is taken back opens nothing that a good run has accepted as private.
	n.good(t).expect(t, int(job.Done), "sent: nothing, because nothing changed")
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestTightenToNobody: documents that a rule gives to no one are deleted if they are within
// max_loss, otherwise none of them is. With stop nothing is sent.
func TestTightenToNobody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		nobody int
		flags  []string
		left   int
		says   string
	}{
		"a few": {5, nil, 295, "found by no one: 5 documents"},
		"many":  {80, nil, 300, "waits for an approval: 80 documents that a rule withholds"},
		"stop":  {5, []string{"--set", "guards.on_refusal=stop"}, 300, "!tighten"},
	} {
		n := newNights(t, 100, 200)
		n.good(t)
		for i := range tc.nobody {
			n.things[i].visibility = "a mistake"
		}
		all := n.teams
		n.teams = n.teams[:12]
		n.night(t, tc.flags...).expect(t, int(job.Refused), "max_loss", tc.says)
		if got := len(n.world.index().Documents); got != tc.left {
			t.Errorf("%s: %d documents, want %d", name, got, tc.left)
		}
		n.teams = all
		if c := n.night(t); name != "many" && c.code != int(job.Done) {
			t.Errorf("%s, the next night: exit %d\n%s", name, c.code, c.both())
		}
	}
}

// TestRefusedMember: a group with a member that Glean refuses still loses other members, and
// gets the member when Glean accepts it, also after a run that failed in between.
func TestRefusedMember(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 40, gleansandbox.Rules{RefuseUnknownPrincipals: true})
	refuse := func() {
		n.glean.Fail(gleanfaults.Fault{Status: 400, Body: "no", Match: func(b []byte) bool {
			return strings.Contains(string(b), `"email":"p-1@example.com"`) && strings.Contains(string(b), `user`)
		}})
	}
	n.people[1].teams = []string{n.teams[0].ref()}
	n.people[2].teams = []string{n.teams[0].ref()}
	refuse()
	n.night(t).expect(t, int(job.Rejected))
	n.people[2].teams = nil
	n.night(t).expect(t, int(job.Rejected), "reduced to the remaining members")
	group := n.teams[0].ref()
	if members := n.world.index().Memberships[group]; len(members) != 1 {
		t.Errorf("the group has %v", members)
	}
	n.people[3].teams, n.things[5].text = []string{group}, "another text"
	n.glean.Fail(gleanfaults.Fault{Status: 500, Path: "indexdocuments"})
	n.night(t, "--set", "@sink.retries.attempts=1").expect(t, int(job.Failed), "step write")
	n.glean.Heal()
	n.good(t, "--changes")
}

// TestInterruptedPurge: after an incomplete purge a run publishes everything, since Glean
// may lack unchanged items.
func TestInterruptedPurge(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 40)
	n.good(t)
	n.glean.Fail(gleanfaults.Fault{Status: 403, Path: "bulkindexusers"})
	n.pipe(t, "purge", shipped, "--yes", "backstage", "--set", "@sink.retries.attempts=1").expect(t, int(job.Failed))
	n.glean.Heal()
	if d := n.world.index().Documents; len(d) > 0 {
		t.Fatalf("%d documents are left", len(d))
	}
	n.night(t, "--changes").expect(t, int(job.Failed), "publishing only the changes is not possible: a purge was "+
		"started and not finished")
	n.night(t, "--only", "documents").expect(t, int(job.Done))
	n.night(t, "--changes").expect(t, int(job.Failed), "a purge was started and not finished")
	n.good(t).expect(t, int(job.Done), "sent: everything, because a purge was started and not finished")
	n.good(t).expect(t, int(job.Done), "sent: nothing")
}

// TestTightenWritesNoContent: if Glean refuses the narrower permissions of a document, a
// refused run neither writes nor deletes the document, and reports it.
func TestTightenWritesNoContent(t *testing.T) {
	t.Parallel()
	n := newNights(t, 100, 200)
	n.good(t)
	n.things[0].visibility, n.things[0].text = "owner", "with another text"
	all := n.teams
	n.teams = n.teams[:12]
	for i, status := range []int{400, 404} {
		n.things[1+i].visibility = "owner"
		n.glean.Fail(gleanfaults.Fault{Status: status, Body: "no such thing", Path: "updatepermissions",
			Match: func(b []byte) bool { return strings.Contains(string(b), `"component:default/thing-0"`) }})
		n.night(t).expect(t, int(job.Refused), "access was narrowed in part",
			fmt.Sprintf("found by fewer people: 1 document: component:default/thing-%d", 1+i),
			"narrower permissions of 1 document were refused by Glean", "component:default/thing-0: no such thing")
		d, there := n.world.index().Documents["component:default/thing-0"]
		if !there || d.Summary.TextContent != "what it does" || !d.Permissions.AllowAllDatasourceUsersAccess {
			t.Errorf("status %d: a refused run changed %+v", status, d)
		}
		n.glean.Heal()
	}
	n.teams = all
	n.good(t)
	n.good(t).expect(t, int(job.Done), "sent: nothing, because nothing changed")
}
