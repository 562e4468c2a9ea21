package upload_test

import (
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// changing publishes changes of a small company.
type changing struct {
	*gleantest.Fixture
	items map[string]component.Encoded   // staged, by stream and ID
	now   map[string][]component.Encoded // staged, by stream

	mu   sync.Mutex
	told []string
}

// company publishes a first night and stages a second one.
func company(t *testing.T, rules sandbox.Rules, now []*component.Item, adjust ...func(*settings.Config)) (*changing,
	gleantest.Session) {
	t.Helper()
	c := &changing{Fixture: gleantest.Start(t, rules, adjust...), items: map[string]component.Encoded{}}
	c.AddDatasource(c.Config.Datasource)
	before := []*component.Item{
		gleantest.User("ann"), gleantest.User("bob"), gleantest.Group("a", "user:default/ann", "user:default/bob"),
		gleantest.Group("b", "user:default/bob"),
		gleantest.Doc("one", "user:default/ann", "group:default/a", "group:default/b"),
		gleantest.Doc("two"),
	}
	if err := c.Run(before...); err != nil {
		t.Fatal(err)
	}
	c.Reset()
	s := c.Read(now...)
	if _, err := s.Holds(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.now = c.Staged
	for stream, items := range c.Staged {
		for _, e := range items {
			c.items[stream+" "+e.ID] = e
		}
	}
	c.Reset()
	return c, s
}

// change is one of an item that is staged, or a removal of one that is not.
func (c *changing) change(step component.Step, stream, id string, to ...string) component.Change {
	ch := component.Change{Step: step, Stream: stream, Encoded: c.items[stream+" "+id]}
	if ch.Body == nil {
		ch.Remove, ch.Encoded = true, component.Encoded{ID: id, Ref: id, Type: "component"}
	}
	ch.To = access.Grant{Audience: access.Listed, Names: access.UnpackNames(access.PackNames(to, nil))}
	return ch
}

// plan has the changes alone sent.
func (c *changing) plan(all ...component.Change) *component.Plan {
	counts := map[component.StepCount]int{}
	for i := range all {
		all[i].Number = i + 1
		counts[component.StepCount{Step: all[i].Step, Stream: all[i].Stream, Remove: all[i].Remove}]++
	}
	plan := &component.Plan{Only: true, Stop: c.Stop, Note: c.Note, Uploaded: func(string, string) {},
		Sent: func(string, int) {}, Withhold: func(_ string, e component.Encoded, sent bool) {
			c.Notes = append(c.Notes, fmt.Sprintf("withheld %s, sent: %v", e.ID, sent))
		},
		Reject: func(_ string, e component.Encoded, reason string) error {
			c.Rejected[e.ID] = reason
			return c.TooMuch
		},
		Changes: &component.Changes{
			Each: func(step component.Step) iter.Seq2[component.Change, error] {
				return func(yield func(component.Change, error) bool) {
					for _, ch := range all {
						if ch.Step == step && !yield(ch, nil) {
							return
						}
					}
				}
			},
			Told: func(ch component.Change) {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.told = append(c.told, ch.Step.String()+" "+ch.ID)
			},
			Differs: func(string, string) bool { return true },
		}}
	for n, k := range counts {
		n.N = k
		plan.Changes.Counts = append(plan.Changes.Counts, n)
	}
	for _, name := range []string{"users", "groups", "documents", "memberships"} {
		plan.Streams = append(plan.Streams, component.StreamPlan{Name: name, Count: len(all), Own: name == "memberships"})
	}
	return plan
}

const one, two, three = "component:default/one", "component:default/two", "component:default/three"

// night is the second night of a company.
func night() []*component.Item {
	return []*component.Item{
		gleantest.User("ann"), gleantest.Inactive("bob"), gleantest.User("cas"),
		gleantest.Group("a", "user:default/ann", "user:default/cas"),
		gleantest.Group("c", "user:default/cas"), gleantest.Doc("one", "user:default/ann", "group:default/a"),
		gleantest.Doc("two", "group:default/c"), gleantest.Doc("three"),
	}
}

// TestChanges: the requests of every change, each step after the one before it.
func TestChanges(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night())
	plan := c.plan(
		c.change(component.Drop, "groups", "group:default/b"),
		c.change(component.Widen, "documents", two, component.GroupPrincipal("group:default/c")),
		c.change(component.Write, "documents", three),
		c.change(component.Grow, "memberships", "group:default/a", component.UserPrincipal("ann@x.example")),
		c.change(component.Grow, "memberships", "group:default/c"),
		c.change(component.Grow, "groups", "group:default/c"),
		c.change(component.Grow, "users", "cas@x.example"),
		c.change(component.Cut, "users", "bob@x.example"),
		c.change(component.Cut, "memberships", "group:default/a", component.UserPrincipal("ann@x.example")),
		c.change(component.Narrow, "documents", one, component.UserPrincipal("ann@x.example"),
			component.GroupPrincipal("group:default/a")),
	)
	var mu sync.Mutex // of cut
	cut := []string{}
	c.Watch(func(e sandbox.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(e.Path, "/bulkindexmemberships") {
			cut = append(cut, fmt.Sprint(strings.Count(string(e.Body), "memberUserId")))
		}
	})
	if err := s.Publish(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	want := []string{"updatepermissions", "indexuser", "bulkindexmemberships", "indexuser", "indexgroup",
		"bulkindexmemberships", "bulkindexmemberships", "indexdocuments", "updatepermissions", "deletegroup"}
	if !slices.Equal(c.Requests, want) {
		t.Errorf("%q, want %q", c.Requests, want)
	}
	slices.Sort(cut[1:])
	if !slices.Equal(cut, []string{"1", "1", "2"}) { // who stays, and then all of a and of c
		t.Errorf("members in the uploads: %q", cut)
	}
	c.Staged = c.now
	if d := c.Differs(); d != "" || len(c.told) != 10 {
		t.Errorf("differs in %s; told %q", d, c.told)
	}
}

// TestChangesNarrow: the remaining principals are a subset of the earlier ones, by any name.
func TestChangesNarrow(t *testing.T) {
	groupA, groupB := component.GroupPrincipal("group:default/a"), component.GroupPrincipal("group:default/b")
	for name, tc := range map[string]struct {
		now  *component.Item
		to   access.Grant
		want string
	}{
		"users": {gleantest.Doc("one", "user:default/ann", "user:default/bob"),
			grant(component.UserPrincipal("bob@x.example")), `{"allowedUsers":[{"email":"bob@x.example"}]}`},
		"groups": {gleantest.Doc("one", "group:default/a", "group:default/b"), grant(groupB), `{"allowedGroups":["group:default/b"]}`},
		"nobody": {gleantest.Doc("one", "group:default/a"), grant(), `{}`},
		"a set": {gleantest.DocOf("one", nil, []string{"group:default/a", "group:default/b"}),
			access.Grant{Audience: access.Listed,
				Names: access.UnpackNames(access.PackNames(nil, access.HashSets([][]string{{groupA, groupB}})))},
			`{"allowedGroupIntersections":[{"requiredGroups":["group:default/a","group:default/b"]}]}`},
		"everybody":               {gleantest.Doc("one"), access.Grant{Audience: access.DatasourceUsers}, `{"allowAllDatasourceUsersAccess":true}`},
		"from everyone to no one": {gleantest.Doc("one"), access.Grant{Audience: access.Nobody}, `{}`},
		"unknown principals":      {gleantest.Doc("one"), grant(groupA), `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := company(t, sandbox.Rules{}, []*component.Item{gleantest.User("ann"), gleantest.User("bob"),
				gleantest.Group("a", "user:default/ann"), gleantest.Group("b", "user:default/bob"), tc.now})
			ch := c.change(component.Narrow, "documents", one)
			ch.To = tc.to
			body := ""
			c.Watch(func(e sandbox.Exchange) { body = string(e.Body) })
			if err := s.Publish(t.Context(), c.plan(ch)); err != nil {
				t.Fatal(err)
			}
			if _, got, _ := strings.Cut(body, `"permissions":`); got != tc.want+"}" {
				t.Errorf("%s, want %s", body, tc.want)
			}
		})
	}
}

func grant(principals ...string) access.Grant {
	return access.Grant{Audience: access.Listed, Names: access.UnpackNames(access.PackNames(principals, nil))}
}

// TestChangesRefused: an item that Glean refuses because of its content is rejected and its
// old version removed; the other items of its request are sent.
func TestChangesRefused(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, append(night(), gleantest.Docs(5)...))
	var all []component.Change
	for id := range maps.Keys(c.items) {
		if stream, id, _ := strings.Cut(id, " "); stream == "documents" {
			all = append(all, c.change(component.Write, stream, id))
		}
	}
	c.Server.Fail(faults.Fault{Path: api.PathIndexDocuments, Match: gleantest.Holding(one + `"`),
		Status: http.StatusBadRequest,
		Body:   "bad"})
	if err := s.Publish(t.Context(), c.plan(all...)); err != nil {
		t.Fatal(err)
	}
	if _, there := c.Index().Document(one); there || len(c.Rejected) != 1 || c.Rejected[one] == "" || len(c.IDs()) != 7 {
		t.Errorf("it is there: %v; rejected %v; %q", there, c.Rejected, c.IDs())
	}
	if slices.Contains(c.told, "write "+one) || len(c.told) != 7 {
		t.Errorf("told %q", c.told)
	}
}

// TestChangesRefusedUser: a user or a group that Glean refuses is not left as it was.
func TestChangesRefusedUser(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night())
	c.Server.Fail(faults.Fault{Path: api.PathIndexUser, Status: http.StatusBadRequest, Body: "bad"})
	c.Server.Fail(faults.Fault{Path: api.PathIndexGroup, Status: http.StatusBadRequest, Body: "bad"})
	if err := s.Publish(t.Context(), c.plan(c.change(component.Cut, "users", "bob@x.example"),
		c.change(component.Grow, "groups", "group:default/a"))); err != nil {
		t.Fatal(err)
	}
	i := c.Index()
	if _, there := i.Users["bob@x.example"]; there || len(i.Groups) != 1 || len(c.Rejected) != 2 || len(c.told) != 0 {
		t.Errorf("%v, %v, rejected %v, told %q", i.Users, i.Groups, c.Rejected, c.told)
	}
}

// TestRefusedBeforeUpload: what Glean refuses before an upload of everything, and takes in the upload,
// is not rejected.
func TestRefusedBeforeUpload(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night())
	for _, path := range []string{api.PathIndexUser, api.PathUpdatePermissions, api.PathIndexDocuments} {
		c.Server.Fail(faults.Fault{Path: path, Status: http.StatusBadRequest, Body: "bad"})
	}
	plan := c.plan(c.change(component.Cut, "users", "bob@x.example"),
		c.change(component.Narrow, "documents", one, component.UserPrincipal("ann@x.example")))
	c.Staged = c.now
	whole := c.Plan()
	plan.Only, plan.First, plan.Streams = false, true, whole.Streams
	plan.Refused = func(principal string) { t.Errorf("%s was refused", principal) }
	if err := s.Publish(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if d := c.Differs(); d != "" || len(c.Rejected) != 0 || len(c.told) != 0 {
		t.Errorf("differs in %s; rejected %v, told %q", d, c.Rejected, c.told)
	}
	if !slices.Contains(c.Requests, "deleteuser") || !slices.Contains(c.Requests, "deletedocument") {
		t.Errorf("what was refused stayed as it was: %q", c.Requests)
	}
}

// TestCutWithLostUsers: before an upload of everything, a group is reduced although Glean has lost some
// of those who stay, or all of them.
func TestCutWithLostUsers(t *testing.T) {
	people := []string{"ann", "cas", "dan", "eve", "fay", "gil"}
	for lost := range len(people) + 1 {
		items := []*component.Item{gleantest.User("bob"), gleantest.Group("b", "user:default/bob"), gleantest.Doc("two"),
			gleantest.Doc("one", "group:default/a")}
		var refs, principals []string
		for _, name := range people {
			items = append(items, gleantest.User(name))
			refs = append(refs, "user:default/"+name)
			principals = append(principals, component.UserPrincipal(name+"@x.example"))
		}
		c, s := company(t, sandbox.Rules{RefuseUnknownPrincipals: true}, append(items, gleantest.Group("a", refs...)))
		c.Staged = c.now
		whole, other := c.Plan(), c.API.For(api.PathDeleteUser, api.PathIndexUser)
		if err := other.Send(t.Context(), api.PathDeleteUser, api.DeleteUserRequest{ // Glean has her by now
			Datasource: c.Config.Datasource.Name, Email: "ann@x.example"}); err != nil {
			t.Fatal(err)
		}
		for _, name := range people[lost:] {
			if err := other.Send(t.Context(), api.PathIndexUser, api.IndexUserRequest{Datasource: c.Config.Datasource.Name,
				User: api.User{Email: name + "@x.example", Name: name}}); err != nil {
				t.Fatal(err)
			}
		}
		plan := c.plan(c.change(component.Cut, "memberships", "group:default/a", principals...))
		plan.Only, plan.First, plan.Streams = false, true, whole.Streams
		plan.Refused = func(principal string) { t.Errorf("%s was refused", principal) }
		if err := s.Publish(t.Context(), plan); err != nil {
			t.Fatalf("%d lost: %v", lost, err)
		}
		if d := c.Differs(); d != "" || len(c.Rejected) != 0 {
			t.Errorf("%d lost: differs in %s; rejected %v", lost, d, c.Rejected)
		}
	}
}

// TestChangesOfRefusedLeaver: a user that goes and cannot be deactivated is deleted at once.
func TestChangesOfRefusedLeaver(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night()[3:])
	c.Server.Fail(faults.Fault{Path: api.PathIndexUser, Status: http.StatusBadRequest, Body: "bad"})
	if err := s.Publish(t.Context(), c.plan(c.change(component.Cut, "users", "bob@x.example"))); err != nil {
		t.Fatal(err)
	}
	if _, there := c.Index().Users["bob@x.example"]; there || len(c.Rejected) != 0 {
		t.Errorf("it is there: %v, rejected %v", there, c.Rejected)
	}
}

// TestChangesOfMissing: a document whose permissions change and that Glean does not have
// is written, with the permissions of the step.
func TestChangesOfMissing(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night())
	c.Post(api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: "backstage", ObjectType: "component", ID: one})
	if err := s.Publish(t.Context(),
		c.plan(c.change(component.Narrow, "documents", one, component.UserPrincipal("ann@x.example")))); err != nil {
		t.Fatal(err)
	}
	d, there := c.Index().Document(one)
	if !there || len(d.Permissions.AllowedUsers) != 1 || len(d.Permissions.AllowedGroups) != 0 ||
		!slices.Equal(c.told, []string{"narrow " + one}) {
		t.Errorf("%v %+v, told %q", there, d.Permissions, c.told)
	}
}

// TestChangesFail: a request that fails ends the publish, and no later step begins.
func TestChangesFail(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night())
	c.Server.Fail(faults.Fault{Path: api.PathUpdatePermissions, Status: http.StatusInternalServerError})
	err := s.Publish(t.Context(), c.plan(
		c.change(component.Narrow, "documents", one, component.UserPrincipal("ann@x.example")),
		c.change(component.Grow, "users", "cas@x.example"),
	))
	if err == nil || !strings.Contains(err.Error(), "step narrow: "+one) || c.Made("indexuser") != 0 || len(c.told) != 0 {
		t.Errorf("%v, requests %q, told %q", err, c.Requests, c.told)
	}
}

// TestChangesStopped: a stopped run begins no further request.
func TestChangesStopped(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night())
	close(c.Stop)
	if err := s.Publish(t.Context(), c.plan(c.change(component.Write, "documents", three))); err == nil ||
		len(c.Requests) != 0 {
		t.Errorf("%v, requests %q", err, c.Requests)
	}
}

// TestChangesOfUsers: a user that goes is deactivated before anything widens, and deleted
// in the end. Without its id in the datasource it cannot be written, and is deleted first.
func TestChangesOfUsers(t *testing.T) {
	for byEmail, want := range map[bool][]string{true: {"indexuser", "deleteuser"}, false: {"deleteuser", "deleteuser"}} {
		c, s := company(t, sandbox.Rules{}, night(), func(cfg *settings.Config) {
			cfg.Datasource.IsUserReferencedByEmail = &byEmail
		})
		if err := s.Publish(t.Context(),
			c.plan(c.change(component.Cut, "users", "bob@x.example-gone"),
				c.change(component.Drop, "users", "bob@x.example-gone"))); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Requests, want) {
			t.Errorf("by e-mail %v: %q, want %q", byEmail, c.Requests, want)
		}
	}
}

// TestChangesHidden: a document that is hidden before its request is not sent, and one that
// is hidden after it is taken away again.
func TestChangesHidden(t *testing.T) {
	for _, step := range []component.Step{component.Write, component.Widen} {
		for after, want := range map[int]string{0: "withheld " + two + ", sent: false",
			1: "withheld " + two + ", sent: true"} {
			c, s := company(t, sandbox.Rules{}, night())
			plan := c.plan(c.change(step, "documents", two, component.GroupPrincipal("group:default/a")))
			asked := 0
			plan.Hidden = func() (func(component.Encoded) bool, error) {
				if asked++; asked <= after {
					return nil, nil
				}
				return func(e component.Encoded) bool { return e.ID == two }, nil
			}
			if err := s.Publish(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(c.Notes, []string{want}) {
				t.Errorf("%s, hidden after %d: %q, want %q", step, after, c.Notes, want)
			}
			if _, there := c.Index().Document(two); after == 1 && there {
				t.Errorf("%s: it is still there", step)
			}
		}
	}
}

// TestChangesPace: documents go no faster than Glean takes them in a minute, and a few
// wait for nothing.
func TestChangesPace(t *testing.T) {
	for n, want := range map[int][2]time.Duration{50: {0, 0}, 500: {48 * time.Second, 52 * time.Second}} {
		c, s := company(t, sandbox.Rules{}, gleantest.Docs(n), func(cfg *settings.Config) { cfg.Batch.Documents = 500 })
		var all []component.Change
		for _, e := range c.items {
			all = append(all, c.change(component.Write, "documents", e.ID))
		}
		began := c.Now()
		if err := s.Publish(t.Context(), c.plan(all...)); err != nil {
			t.Fatal(err)
		}
		if took := c.Now().Sub(began); took < want[0] || took > want[1] || len(c.IDs()) != n+2 {
			t.Errorf("%d documents took %s, %d are there", n, took, len(c.IDs()))
		}
	}
}

// TestFullPublishOrder: of a full publish what narrows goes before the uploads, and the members of
// groups that did not change come after the documents.
func TestFullPublishOrder(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night())
	narrow := c.plan(c.change(component.Narrow, "documents", one, component.UserPrincipal("ann@x.example")))
	c.Staged = c.now
	plan := c.Plan()
	plan.First, plan.Changes = true, narrow.Changes
	plan.Changes.Differs = func(_, id string) bool { return id == "group:default/a" }
	if err := s.Publish(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	want := []string{"updatepermissions", "bulkindexusers", "bulkindexgroups", "bulkindexmemberships"}
	if len(c.Requests) != 6 || !slices.Equal(c.Requests[:4], want) ||
		c.Requests[len(c.Requests)-1] != "bulkindexmemberships" ||
		c.Made("bulkindexmemberships") != 2 {
		t.Errorf("%q", c.Requests)
	}
}

// TestEstimate: documents by the minute, other requests by the second.
func TestEstimate(t *testing.T) {
	c, s := company(t, sandbox.Rules{}, night(), func(cfg *settings.Config) {
		cfg.RequestsPerSecond = 20
		cfg.Batch.Documents = 500
	})
	plan := c.plan()
	plan.Streams = []component.StreamPlan{{Name: "users", Count: 900}, {Name: "groups", Count: 10},
		{Name: "memberships", Count: 100, Own: true}, {Name: "documents", Count: 1000, Bytes: 5 << 20}}
	plan.Changes.Counts = []component.StepCount{{Step: component.Narrow, Stream: "documents", N: 20},
		{Step: component.Cut, Stream: "memberships", N: 20}, {Step: component.Write, Stream: "documents", N: 20}}
	got := s.(component.Changer).Estimate(plan)
	if want := (component.Estimate{Whole: 108 * time.Second / 20, Changes: 4 * time.Second,
		First: 2 * time.Second}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestLocate: what Glean says nothing of may be there.
func TestLocate(t *testing.T) {
	c, s := company(t, sandbox.Rules{DocumentsTake: time.Hour}, night())
	locator := s.(component.Locator)
	got, err := locator.Locate(t.Context(), "documents", []component.ItemName{
		{ID: one, Type: "component"}, {ID: "component:default/nothing", Type: "component"}, {ID: one, Type: "system"},
	})
	if err != nil || !slices.Equal(got, []component.Location{component.Held, component.Gone, component.Gone}) {
		t.Errorf("%v %v", got, err)
	}
	c.Time = c.Time.Add(2 * time.Hour)
	item := []component.ItemName{{ID: strings.ToUpper(one), Type: "component"}}
	if got, err = locator.Locate(t.Context(), "documents", item); err != nil || got[0] != component.Indexed {
		t.Errorf("later: %v %v", got, err)
	}
	c.Server.Fail(faults.Fault{Path: "/documents", Status: http.StatusOK, Body: `{"documentStatuses":[]}`,
		Header: http.Header{"Content-Type": {"application/json"}}})
	if got, err = locator.Locate(t.Context(), "documents", item); err != nil || got[0] != component.Unsaid {
		t.Errorf("an answer without it: %v %v", got, err)
	}
}
