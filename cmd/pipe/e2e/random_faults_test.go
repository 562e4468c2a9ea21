package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
)

// slow is longer than any request of a test with faults may take.
const slow = time.Minute

var (
	sourceStatuses = []int{400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504}
	sinkStatuses   = []int{400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504}
)

// times is how often a fault strikes: mostly a few times, now and then for ever.
func times(r *rand.Rand) int { return choose(r, 1, 1, 1, 2, 3, 0) }

// sourceTrouble returns a random fault of the catalog server, and its name.
func sourceTrouble(r *rand.Rand, f *firm) (backstagefaults.Fault, string) {
	t := backstagefaults.Fault{
		Path: choose(r, "", "by-query", "by-query", "by-refs"), Kind: choose(r, "", "", "User", "Group", "Component", "API"),
		Page: choose(r, 0, 0, 1, 2, 3), Times: times(r),
	}
	what := ""
	switch r.IntN(13) {
	case 0:
		t.Reset, what = true, "a reset"
	case 1, 2:
		t.Status = choose(r, sourceStatuses...)
		t.RetryAfter = choose(r, "", "0")
		what = fmt.Sprint(t.Status)
	case 3:
		t.HTML, what = true, "a sign-in page"
	case 4:
		t.Redirect, what = "https://login.example.com/", "a redirect"
	case 5:
		t.Cut, what = 1+r.IntN(3000), "a cut body"
	case 6:
		t.Truncate, what = 1+r.IntN(3000), "a body that ends early"
	case 7:
		t.Empty, what = true, "nothing there"
	case 8:
		t.Promise, what = 1+r.IntN(5), "too great a promise"
	case 9:
		t.Repeat, what = true, "the same page again"
	case 10:
		hidden := map[string]bool{}
		share := choose(r, 5, 30, 80)
		for _, ref := range f.refs() {
			hidden[ref] = chance(r, share)
		}
		t.Hide, what = func(ref string) bool { return hidden[ref] }, fmt.Sprintf("%d%% hidden", share)
		t.Page, t.Times = 0, choose(r, 0, 0, 3)
	case 11:
		t.Bare, what = true, "no relations"
		t.Page, t.Times = 0, choose(r, 0, 0, 2)
	default:
		t.Delay, what = slow, "no answer in time"
		t.Times = 1
	}
	if chance(r, 5) {
		t.Double = true
		what += ", all twice"
	}
	return t, fmt.Sprintf("Backstage %s: path %q kind %q page %d times %d", what, t.Path, t.Kind, t.Page, t.Times)
}

// sinkTrouble returns a random fault of the index server, and its name. None of them reports
// success without effect.
func sinkTrouble(r *rand.Rand, f *firm, rules gleansandbox.Rules) (gleanfaults.Fault, string) {
	t := gleanfaults.Fault{
		Path: choose(r, "", "bulkindexdocuments", "bulkindexdocuments", "bulkindexusers", "bulkindexgroups",
			"bulkindexmemberships", "/status", "getdatasourceconfig"),
		Page:  choose(r, gleanfaults.AnyPage, gleanfaults.FirstPage, gleanfaults.MiddlePage, gleanfaults.LastPage),
		After: r.IntN(4), Times: times(r),
	}
	what := ""
	switch r.IntN(10) {
	case 0:
		t.Reset, what = true, "a reset"
	case 1, 2:
		t.Status = choose(r, sinkStatuses...)
		t.Body = choose(r, "", "Invalid request", "<html></html>", "Upload is already in progress")
		if chance(r, 30) {
			t.Header = http.Header{"Retry-After": {"0"}}
		}
		what = fmt.Sprintf("%d %q", t.Status, t.Body)
	case 3:
		t.HTML, what = true, "a sign-in page"
	case 4, 5:
		t.LoseAnswer, what = true, "a lost answer"
	case 6:
		t.Truncate, what = true, "half an answer"
	case 7:
		t.Twice, what = true, "taken twice"
	case 8:
		t.Late, what = 1+r.IntN(6), "taken again later"
		t.Match = again(rules)
	default:
		t.Delay, what = slow, "no answer in time"
		t.Times = 1
	}
	if (t.Reset || t.Status != 0 || t.HTML) && chance(r, 25) {
		t.TakesEffect = true
		what += " that takes effect"
	}
	if refs := f.refs(); chance(r, 8) {
		ref := choose(r, refs...)
		t = gleanfaults.Fault{Path: "bulkindexdocuments", Status: 400, Body: fmt.Sprintf("document %q is bad", ref),
			Match: func(body []byte) bool {
				return bytes.Contains(body, []byte(`"id":"`+ref+`"`))
			}}
		what = "refuses " + ref
	} else if chance(r, 4) && len(f.people) > 0 {
		email := strings.ToLower(choose(r, f.people...).email)
		t = gleanfaults.Fault{Path: "bulkindexusers", Status: 400, Body: "bad user", Match: func(body []byte) bool {
			return bytes.Contains(body, []byte(`"email":"`+email+`"`))
		}}
		what = "refuses " + email
	}
	return t, fmt.Sprintf("Glean %s: path %q page %d after %d times %d", what, t.Path, t.Page, t.After, t.Times)
}

// again matches the requests that may be delivered twice. If a first page discards its own
// upload, a copy that arrives after later pages loses them without a trace, which no client
// can notice.
func again(rules gleansandbox.Rules) func(body []byte) bool {
	if !rules.SameIDBeginsAnew {
		return nil
	}
	return func(body []byte) bool { return !bytes.Contains(body, []byte(`"isFirstPage":true`)) }
}

// trouble makes both servers of a world fail in some random ways.
func (w *world) trouble(r *rand.Rand, f *firm, rules gleansandbox.Rules) (what []string) {
	for range choose(r, 0, 0, 1, 1, 2) {
		failed, name := sourceTrouble(r, f)
		w.backstage.Fail(failed)
		what = append(what, name)
	}
	for range choose(r, 0, 1, 1, 2, 3) {
		failed, name := sinkTrouble(r, f, rules)
		w.glean.Fail(failed)
		what = append(what, name)
	}
	return what
}

// reading is a random way to read Glean's documents.
func reading(r *rand.Rand) (rules gleansandbox.Rules, name string) {
	readings := gleansandbox.Readings()
	if chance(r, 60) {
		one := choose(r, readings...)
		return one.Rules, one.Name
	}
	yes := func() bool { return chance(r, 40) }
	rules = gleansandbox.Rules{
		VisibleBeforeLastPage: yes(), RefuseUnknownPrincipals: yes(), StrictIDs: yes(), RefuseReusedUploadIDs: yes(),
		ConflictIsBadRequest: yes(), SameIDBeginsAnew: yes(),
		GroupsIgnoreCase: yes(), EchoCustomNames: yes(), MissingIsNotFound: yes(),
		Scope: choose(r, gleansandbox.OfStream, gleansandbox.OfKind, gleansandbox.OfDatasource),
	}
	return rules, fmt.Sprintf("%+v", rules)
}

// refs returns the refs of all entities.
func (f *firm) refs() (out []string) {
	for _, p := range f.people {
		out = append(out, p.ref())
	}
	for _, g := range f.teams {
		out = append(out, g.ref())
	}
	for _, x := range f.things {
		out = append(out, x.ref())
	}
	return out
}
