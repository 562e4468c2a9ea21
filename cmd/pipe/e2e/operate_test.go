package e2e

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
	"github.com/pipe-engine/pipe/engine/state"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

const (
	scorer   = "component:default/fraud-scorer" // for group:default/payments alone
	payments = "group:default/payments"
	orphan   = "resource:default/card-vault" // its owner was not delivered
)

// kept is a world that has had a good run, whose exchanges are checked against Glean's
// OpenAPI document, and whose Glean has its own clock.
type kept struct {
	*world
	mu    sync.Mutex
	ahead time.Duration
	pace  time.Duration // how far each request brings the clock forward
	paths map[string]int
}

func keeping(t *testing.T, o gleansandbox.Options) *kept {
	t.Helper()
	k := &kept{paths: map[string]int{}}
	judge := judged(t)
	o.Now = func() time.Time {
		k.mu.Lock()
		defer k.mu.Unlock()
		return time.Now().Add(k.ahead)
	}
	o.Observe = func(e gleansandbox.Exchange) {
		if judge != nil {
			judge(e)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.ahead += k.pace
		k.paths[strings.TrimPrefix(e.Path, gleanapi.Prefix)]++
	}
	k.world = newWorld(t, backstagesandbox.Options{}, o)
	k.run(t).expect(t, int(job.Done))
	k.asked()
	return k
}

// later brings the clock forward.
func (k *kept) later(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ahead += d
}

// ask makes a request to Glean without the program, and returns the status.
func (k *kept) ask(t *testing.T, operation, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.glean.URL()+gleanapi.Prefix+operation,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sinkToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// hold locks the place as a run does.
func (k *kept) hold(t *testing.T) (release func()) {
	t.Helper()
	p, err := operate.TakePlace(state.Folder(filepath.Join(k.state, "pipe")), k.glean.URL()+" backstage", "01OTHER")
	if err != nil {
		t.Fatal(err)
	}
	return func() { p.Release() }
}

// asked returns the paths of the requests since its last call.
func (k *kept) asked() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := slices.Sorted(maps.Keys(k.paths))
	k.paths = map[string]int{}
	return out
}

// quarterHour is how long Glean takes to make changes effective.
var quarterHour = gleansandbox.Rules{DocumentsTake: 15 * time.Minute, IdentitiesTake: 15 * time.Minute}

// TestStatus: a run, Glean's contents, and when they are found.
func TestStatus(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{Rules: quarterHour})
	k.pipe(t, "status", shipped).expect(t, int(job.Done), "enabled for everyone",
		"documents          56        0        56", "  team             12        0        12", "memberships        29",
		"upload completed", "expected to finish by", "pipe process")
	k.pipe(t, "status", shipped, "--wait=1ns").expect(t, int(job.Unconfirmed),
		"Glean has not processed everything within 1ns: users, groups, memberships, documents", "pipe process "+shipped,
		"!FILE")
	k.pipe(t, "status", shipped, "--wait=1ns", "--json").expect(t, int(job.Unconfirmed), `"ok": false`, `"pending": [`, `"unconfirmed"`)
	k.mu.Lock()
	k.pace = time.Hour // the second request then finds it indexed
	k.mu.Unlock()
	k.pipe(t, "status", shipped, "--wait").expect(t, int(job.Done), "documents          56       56        56",
		"is searchable now", "indexing completed")
	if got := k.asked(); !reflect.DeepEqual(got, []string{"debug/backstage/status"}) {
		t.Errorf("asked for %v", got)
	}
	k.pipe(t, "status", shipped, "--state", "none").expect(t, int(job.Done), "this state folder has no good run")
	k.pipe(t, "status", shipped, "--set", "@sink.datasource.name=elsewhere").expect(t, int(job.Wrong), `Glean has no datasource "elsewhere"`,
		"datasource apply", "name: ")
	k.pipe(t, "status", shipped, "--as", "sam@example.com").expect(t, int(job.Wrong), "--as goes with a ref")
	k.pipe(t, "status", shipped, "payment").expect(t, int(job.Wrong), "payment is not the ref of an entity",
		"write one of: ", payments)
	k.pipe(t, "status", shipped, "fraud-scorer").expect(t, int(job.Done), scorer+"\n", "uploaded     yes")
	k.pipe(t, "status", shipped, "fraud-scorer", "--state", "none").expect(t, int(job.Wrong),
		"fraud-scorer is not the ref of an entity", "KIND:NAMESPACE/NAME")
	k.pipe(t, "hide", shipped, "fraud-scorer").expect(t, int(job.Done), scorer+": deleted")
	k.pipe(t, "hide", shipped, "--unhide", "fraud-scorer").expect(t, int(job.Done), scorer+": no longer hidden")
}

// TestStatusPaused: documents whose deletion is paused.
func TestStatusPaused(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	page := `{"uploadId":"u","datasource":"backstage","isFirstPage":true,"isLastPage":true,"documents":[]}`
	if c := k.ask(t, "bulkindexdocuments", page); c != 200 {
		t.Fatal(c)
	}
	k.pipe(t, "status", shipped).expect(t, int(job.Unconfirmed), "deletion paused", "paused the deletion of documents",
		"on "+time.Now().Add(7*24*time.Hour).Format(time.DateOnly)+" at the latest", "pipe hide")
}

// TestStatusItem: one document, and why a person does not find it.
func TestStatusItem(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	finder := k.index().WhoFinds(scorer)[0]
	k.pipe(t, "status", shipped, scorer, "--as", finder).expect(t, int(job.Done), "uploaded     yes", "indexed      yes",
		"in Glean     listed: group group:default/payments",
		"pipeline     listed: group group:default/payments (rule private to its owners)", "events", "indexed",
		finder+" finds it", "!differ", "!once a minute")
	k.pipe(t, "status", shipped, strings.ToUpper(scorer), "--as", "nobody@example.com").expect(t, int(job.Done),
		"Glean returns a document's events once a minute",
		"nobody@example.com does not find it", "does not know nobody@example.com")
	if got := k.asked(); slices.ContainsFunc(got, func(p string) bool {
		return !strings.HasPrefix(p, "debug/backstage/") && p != "checkdocumentaccess"
	}) {
		t.Errorf("asked for %v", got)
	}
	for email := range k.index().Users {
		if !slices.Contains(k.index().WhoFinds(scorer), email) {
			k.pipe(t, "status", shipped, scorer, "--as", email).expect(t, int(job.Done),
				email+" is not a member of the groups that may find it: group:default/payments")
			break
		}
	}
	k.later(2 * time.Minute)
	k.pipe(t, "status", shipped, scorer, "--json").expect(t, int(job.Done), `"samePermissions": true`, `"what": "uploaded"`, `"rule": "private to its owners"`)
	k.pipe(t, "status", shipped, "component:default/nope").expect(t, int(job.Done), "uploaded     no",
		"the source does not have it")

	k.pipe(t, "status", shipped, orphan).expect(t, int(job.Done), "uploaded     no", "withheld: rule ")

	k.backstage.Fail(backstagefaults.Fault{Status: 403})
	k.pipe(t, "status", shipped, scorer).expect(t, int(job.Done), "uploaded     yes", "pipeline     not known: ", "403")
	k.backstage.Heal()
	k.backstage.Fail(backstagefaults.Fault{Bare: true})
	k.pipe(t, "status", shipped, scorer).expect(t, int(job.Done), `pipeline     withheld: rule "private to its `+
		`owners"`,
		"they differ")
}

// TestDenied: reasons for not finding a document other than the document itself.
func TestDenied(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options gleansandbox.Options
		tamper  string // a request to Glean
		body    string
		want    string
	}{
		"not enabled": {options: gleansandbox.Options{Visibility: gleanapi.VisibilityNone},
			want: "the datasource is not enabled in Glean"},
		"test group": {options: gleansandbox.Options{Visibility: gleanapi.VisibilityTestGroup}, want: "is not a test user"},
		"not indexed": {options: gleansandbox.Options{Rules: gleansandbox.Rules{DocumentsTake: time.Hour}},
			want: "not indexed yet"},
		"inactive": {tamper: "indexuser", body: `{"datasource":"backstage","user":{"email":"FINDER","name":"x","isActive":false}}`, want: "is an inactive user"},
		"gone":     {tamper: "deleteuser", body: `{"datasource":"backstage","email":"FINDER"}`, want: "does not know FINDER"},
		"nobody": {tamper: "updatepermissions", body: `{"datasource":"backstage","objectType":"component","id":"` + scorer + `","permissions":{}}`, want: "its permissions name no user " +
			"or group"},
		"others": {tamper: "updatepermissions", body: `{"datasource":"backstage","objectType":"component","id":"` + scorer + `","permissions":{"allowedUsers":[{"email":"x@example.com"}]}}`, want: "name only others: user x@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := keeping(t, tc.options)
			finder := k.index().WhoFinds(scorer)[0]
			if tc.tamper != "" {
				if c := k.ask(t, tc.tamper, strings.ReplaceAll(tc.body, "FINDER", finder)); c != 200 {
					t.Fatal(c)
				}
			}
			k.pipe(t, "status", shipped, scorer, "--as", finder).expect(t, int(job.Done), finder+" does not find it",
				strings.ReplaceAll(tc.want, "FINDER", finder))
		})
	}
}

// TestDeniedEmptyGroup: the group that may find it has no members.
func TestDeniedEmptyGroup(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	finder := k.index().WhoFinds(scorer)[0]
	if err := k.backstage.Put([]byte(`{"apiVersion":"backstage.io/v1alpha1","kind":"Group","metadata":{"name":"payments","namespace":"default"},"spec":{"type":"team","children":[]},"relations":[]}`)); err != nil {
		t.Fatal(err)
	}
	k.run(t).expect(t, int(job.Done))
	k.pipe(t, "status", shipped, scorer, "--as", finder).expect(t, int(job.Done),
		"the group group:default/payments, which may find it, has no members")
}

// TestHide: a hidden document is gone immediately, and no run brings it back before a person
// does; neither is a loss or a widening.
func TestHide(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	finder := k.index().WhoFinds(scorer)[0]
	k.backstage.Fail(backstagefaults.Fault{Status: 403})
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Done), scorer+": deleted, and hidden until",
		"the search for documents that mention hidden ones was skipped: ", "403")
	k.backstage.Heal()
	before := k.asked()
	k.pipe(t, "explain", shipped, scorer, "--as", finder).expect(t, int(job.Done),
		"withheld: hidden with pipe hide on "+time.Now().Format(time.DateOnly), "no, "+finder+" does not find it")
	k.pipe(t, "explain", shipped, scorer, "--as", finder, "--state", "none").expect(t, int(job.Done),
		"yes, "+finder+" finds it")
	if got := k.asked(); len(got) > 0 {
		t.Errorf("explain asked for %v", got)
	}
	if got, want := before, []string{"debug/backstage/documents", "debug/backstage/status", "deletedocument",
		"processalldocuments", "updatepermissions"}; !reflect.DeepEqual(got, want) {
		t.Errorf("asked for %v", got)
	}
	if _, there := k.index().Document(scorer); there {
		t.Fatal("it is still there")
	}
	k.run(t).expect(t, int(job.Done), "1 hidden with pipe hide on "+time.Now().Format(time.DateOnly))
	k.run(t, "--dry-run").expect(t, int(job.Done), "hidden with pipe hide")
	if _, there := k.index().Document(scorer); there {
		t.Fatal("a run brought it back")
	}
	k.pipe(t, "status", shipped).expect(t, int(job.Done), "hidden with pipe hide", scorer+"  since ")
	k.pipe(t, "push", shipped, scorer).expect(t, int(job.Refused), "nothing was sent", "hidden with pipe hide on")
	k.pipe(t, "hide", shipped, "--unhide", scorer).expect(t, int(job.Done), "no longer hidden")
	k.pipe(t, "hide", shipped, "--unhide", scorer).expect(t, int(job.Failed), "is not hidden; nothing was changed")
	k.run(t).expect(t, int(job.Done), "0 documents found by more people", "!1 hidden with")
	if _, there := k.index().Document(scorer); !there {
		t.Fatal("it did not come back")
	}
}

// TestHidePage: the page of a group is hidden, and the group stays; the sum of a
// run names it although its record is delivered.
func TestHidePage(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "hide", shipped, payments).expect(t, int(job.Done), "the page of "+payments+": deleted, and hidden "+
		"until")
	note := "1 document hidden with pipe hide: " + payments + " (" + time.Now().Format(time.DateOnly) + ")"
	k.run(t).expect(t, int(job.Done), note)
	k.run(t, "--dry-run").expect(t, int(job.Done), note)
	if _, there := k.index().Document(payments); there {
		t.Error("its page is there")
	}
	if len(k.index().WhoFinds(scorer)) == 0 {
		t.Error("nobody is in it any more")
	}
}

// TestHideUnseen: unknown refs are rejected, and are hidden only with --unseen; a user has
// no document.
func TestHideUnseen(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "hide", shipped, scorer+"s").expect(t, int(job.Failed),
		scorer+"s: neither the last good run, nor the source, nor Glean has it; it was not put on the hidden list",
		"did you mean "+scorer+"?", "--unseen")
	k.pipe(t, "status", shipped).expect(t, int(job.Done), "!hidden with")
	k.pipe(t, "hide", shipped, "user:default/sam").expect(t, int(job.Wrong), "a user has no document")
	k.pipe(t, "hide", shipped, scorer+"s", "--unseen").expect(t, int(job.Done),
		"Glean does not have it; it is on the hidden list")
	k.pipe(t, "status", shipped).expect(t, int(job.Done), scorer+"s  since")
	k.pipe(t, "hide", shipped, "--unhide", scorer+"s").expect(t, int(job.Done))

	k.backstage.Fail(backstagefaults.Fault{Status: 403})
	k.pipe(t, "hide", shipped, "component:default/new").expect(t, int(job.Unconfirmed),
		"its id could not be read from the source", "was skipped: ", "hide it again when the source answers")
	k.pipe(t, "status", shipped).expect(t, int(job.Done), "component:default/new  since")
}

// TestHideMany: hidden documents are not a loss, and are not a widening when they return, in
// any number, and also while Glean still counts them.
func TestHideMany(t *testing.T) {
	t.Parallel()
	for name, lags := range map[string]time.Duration{"fresh counts": 0, "old counts": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := keeping(t, gleansandbox.Options{Rules: gleansandbox.Rules{StatusLags: lags}})
			k.later(lags + time.Minute)
			var all []string
			for id, d := range k.index().Documents {
				if d.ObjectType == "component" || d.ObjectType == "system" || d.ObjectType == "api" {
					all = append(all, id)
				}
			}
			k.pipe(t, append([]string{"hide", shipped}, all...)...).expect(t, int(job.Done))
			for range 2 {
				k.run(t).expect(t, int(job.Done))
			}
			k.pipe(t, append([]string{"hide", shipped, "--unhide"}, all...)...).expect(t, int(job.Done))
			k.run(t).expect(t, int(job.Done), "0 documents found by more people")
			if n := k.index().CountByType()["system"]; n == 0 {
				t.Error("they did not come back")
			}
			if left := k.stateFile(t, ".hidden"); strings.Contains(left, "system:") {
				t.Errorf("what was let back is still remembered: %s", left)
			}
		})
	}
}

func (k *kept) stateFile(t *testing.T, suffix string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(k.state, "pipe", "*"+suffix))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	return fileText(t, files[0])
}

// TestHideRefuses: documents that cannot be put on the hidden list are not hidden, and
// listed ones are never forgotten.
func TestHideRefuses(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "hide", shipped, scorer, "--state", "none").expect(t, int(job.Wrong), "without a state folder",
		"--state DIR")
	k.pipe(t, "hide", shipped).expect(t, int(job.Wrong), "needs a pipeline file and refs")
	if got := k.asked(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
	k.glean.Fail(gleanfaults.Fault{Path: "deletedocument", Status: 403, Body: "not you"})
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Failed), "on the hidden list", "not you")
	k.glean.Heal()
	if who := k.index().WhoFinds(scorer); len(who) > 0 {
		t.Errorf("%v find it although its permissions went first", who)
	}
	k.run(t).expect(t, int(job.Done), "hidden with pipe hide")
	k.spoilHidden(t)
	for _, command := range []string{"run", "status", "hide", "push"} {
		args := []string{command, shipped}
		if command == "hide" || command == "push" {
			args = append(args, scorer)
		}
		k.pipe(t, args...).expect(t, int(job.Wrong), "is not the hidden list of")
	}
}

// spoilHidden damages the hidden list.
func (k *kept) spoilHidden(t *testing.T) {
	k.stateFile(t, ".hidden")
	files, _ := filepath.Glob(filepath.Join(k.state, "pipe", "*.hidden"))
	if err := os.WriteFile(files[0], []byte(`{"version":1,"hidden":[]}`), 0o600); err != nil {
		t.Error(err)
	}
}

// TestHideUnconfirmed: Glean took the deletion and still has the document.
func TestHideUnconfirmed(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.glean.Fail(gleanfaults.Fault{Path: "deletedocument", Status: 200})
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Done), "Glean still lists it, with permissions that name no user")
	k.glean.Heal()
	k.run(t).expect(t, int(job.Done))
	k.pipe(t, "hide", shipped, "--unhide", scorer).expect(t, int(job.Done))
	k.run(t).expect(t, int(job.Done))
	k.glean.Fail(gleanfaults.Fault{Path: "deletedocument", Status: 200})
	k.glean.Fail(gleanfaults.Fault{Path: "updatepermissions", Status: 200})
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Unconfirmed),
		"Glean still lists it with permissions by which it can be found")
	k.glean.Heal()
	k.glean.Fail(gleanfaults.Fault{Path: "debug/backstage/documents", Status: 404})
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Unconfirmed), "does not report whether it is gone")
	if _, there := k.index().Document(scorer); there {
		t.Error("it is still there")
	}
}

// TestPush: a push sends the same as a run, with the principals.
func TestPush(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{Rules: gleansandbox.Rules{RefuseUnknownPrincipals: true}})
	before := k.index()
	k.pipe(t, "push", shipped, scorer).expect(t, int(job.Done),
		"found within some minutes by listed: group group:default/payments (rule private to its owners)",
		"the next run replaces", "!before it")
	k.pipe(t, "push", shipped, "user:default/ben.lindqvist").expect(t, int(job.Refused),
		"user:default/ben.lindqvist: no document is made from it")
	k.run(t).expect(t, int(job.Done), "memberships  29 in 12")
	k.asked()
	k.pipe(t, "push", shipped, scorer).expect(t, int(job.Done))
	if got := k.asked(); slices.Contains(got, "indexuser") || !slices.Contains(got, "indexdocument") {
		t.Errorf("asked for %v", got)
	}
	k.pipe(t, "purge", shipped, "--yes", "backstage").expect(t, int(job.Done))
	k.asked()
	refs := slices.Sorted(maps.Keys(before.Documents))
	for some := range slices.Chunk(refs, 20) {
		k.pipe(t, append([]string{"push", shipped}, some...)...).expect(t, int(job.Done))
	}
	after := k.index()
	for id, d := range before.Documents {
		if !reflect.DeepEqual(after.Documents[id], d) {
			t.Errorf("pushed\n%+v\nrun\n%+v", after.Documents[id], d)
		}
	}
	if got, want := after.WhoFinds(scorer), before.WhoFinds(scorer); !reflect.DeepEqual(got, want) || len(got) == 0 {
		t.Errorf("it is found by %v, and was by %v", got, want)
	}
	k.pipe(t, "audit", "who", shipped, scorer).expect(t, int(job.Done), "found by   2 people", "(push ")
	if len(after.Users) >= len(before.Users) {
		t.Error("people were sent whom nothing names")
	}
	for _, path := range k.asked() {
		if strings.HasPrefix(path, "bulk") || strings.HasPrefix(path, "delete") {
			t.Errorf("asked for %s", path)
		}
	}
}

// TestPushRefuses: all or nothing.
func TestPushRefuses(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "push", shipped, scorer, orphan).expect(t, int(job.Refused),
		"1 of 2 records would not be delivered; nothing was sent", orphan+": withheld: rule")
	k.pipe(t, "push", shipped, "component:default/nope").expect(t, int(job.Refused), "the source does not have it")
	k.pipe(t, "push", shipped, "user:default/nope", "--json").expect(t, int(job.Refused), `"refused"`, `"table"`)
	many := []string{"push", shipped}
	for range 21 {
		many = append(many, scorer)
	}
	k.pipe(t, many...).expect(t, int(job.Wrong), "at most 20 entities")
	k.backstage.Fail(backstagefaults.Fault{Bare: true})
	k.pipe(t, "push", shipped, scorer).expect(t, int(job.Refused), "withheld")
	k.backstage.Heal()
	if got := k.asked(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
	k.glean.Fail(gleanfaults.Fault{Path: "indexdocument", Status: 400, Body: "viewURL: does not match"})
	k.pipe(t, "push", shipped, scorer).expect(t, int(job.Failed), "viewURL: does not match", "correct what Glean "+
		"names")
}

// TestOperateHeld: commands wait for each other and for runs, except hide.
func TestOperateHeld(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	release := k.hold(t)
	for _, args := range [][]string{{"push", shipped, scorer}, {"purge", shipped, "--yes", "backstage"}} {
		k.pipe(t, args...).expect(t, int(job.Held), "another run holds the sink")
	}
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Done), scorer+": deleted")
	k.pipe(t, "hide", shipped, "--unhide", scorer).expect(t, int(job.Done))
	k.pipe(t, "status", shipped, scorer).expect(t, int(job.Done))
	release()
	page := `{"uploadId":"theirs","datasource":"backstage","isFirstPage":true,"documents":[]}`
	if c := k.ask(t, "bulkindexdocuments", page); c != 200 {
		t.Fatal(c)
	}
	k.pipe(t, "push", shipped, scorer).expect(t, int(job.Failed), "not by this pipeline, is unfinished", "theirs")
	k.pipe(t, "purge", shipped, "--yes", "backstage").expect(t, int(job.Failed), "theirs")
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Done),
		"another program is uploading documents to this datasource", "theirs")
}

// TestPurge: nothing is left in the datasource or the state, except the hidden list.
func TestPurge(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "hide", shipped, scorer).expect(t, int(job.Done))
	k.asked()
	k.pipe(t, "purge", shipped).expect(t, int(job.Wrong), "26 users, 12 groups, 29 memberships, 55 documents",
		"--yes backstage")
	k.pipe(t, "purge", shipped, "--yes", "nope").expect(t, int(job.Wrong), "nothing was changed")
	if len(k.index().Documents) != 55 {
		t.Fatal("it was emptied")
	}
	k.pipe(t, "purge", shipped, "--yes", "backstage").expect(t, int(job.Done), "is empty")
	i := k.index()
	members := 0
	for _, m := range i.Memberships {
		members += len(m)
	}
	if len(i.Documents)+len(i.Users)+len(i.Groups)+members > 0 {
		t.Errorf("left: %d, %d, %d, %d", len(i.Documents), len(i.Users), len(i.Groups), members)
	}
	for _, path := range k.asked() {
		if !strings.HasPrefix(path, "bulkindex") && path != "debug/backstage/status" {
			t.Errorf("asked for %s", path)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(k.state, "pipe", "*.state")); len(files) > 0 {
		t.Errorf("left %v", files)
	}
	k.run(t).expect(t, int(job.Done), "hidden with pipe hide", "First run with this state folder")
	k.pipe(t, "purge", shipped, "--yes", "backstage", "--json").expect(t, int(job.Done), `"empty": true`)
}

// TestPurgeUnconfirmed: Glean's counts lag.
func TestPurgeUnconfirmed(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{Rules: gleansandbox.Rules{StatusLags: time.Hour}})
	k.later(2 * time.Hour)
	k.pipe(t, "purge", shipped, "--yes", "backstage").expect(t, int(job.Unconfirmed), "still counts", "56 documents",
		"three hours old")
}

// TestProcess: once in three hours, with the time of the next call.
func TestProcess(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{Rules: quarterHour})
	k.pipe(t, "process", shipped).expect(t, int(job.Done), "is processing")
	k.pipe(t, "status", shipped).expect(t, int(job.Done), "is searchable now")
	k.pipe(t, "process", shipped).expect(t, int(job.Failed), "once in three hours",
		"ask again after "+time.Now().Add(3*time.Hour).Format("15:"))
	if got, want := k.asked(), []string{"debug/backstage/status", "processalldocuments",
		"processallmemberships"}; !reflect.DeepEqual(got, want) {
		t.Errorf("asked for %v", got)
	}
	k.later(3 * time.Hour)
	k.pipe(t, "process", shipped, "--json").expect(t, int(job.Done), `"processing": true`)
}
