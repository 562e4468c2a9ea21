package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// library is nights in which components have documentation.
type library struct {
	*nights
	build int
}

// newLibrary makes components thing-0 and so on; the first ones have a site.
func newLibrary(t *testing.T, components, documented int) *library {
	t.Helper()
	l := &library{nights: newNights(t, 8, components)}
	l.env["SYNC_TECHDOCS_ENABLED"] = "true"
	for i := range documented {
		l.things[i].documented = true
		l.publish(l.things[i], "", "guides/start/", "guides/stop/", "faq/")
	}
	return l
}

// siteOf returns the address of a site below that of all sites.
func siteOf(x thing) string { return strings.ToLower(x.ns + "/" + x.kind + "/" + x.name) }

// publish builds the site of a component anew.
func (l *library) publish(x thing, pages ...string) {
	l.build++
	var docs []string
	for _, p := range pages {
		docs = append(docs, fmt.Sprintf(`{"location":%q,"title":"%s of %s","text":"build %d"}`, p, p, x.name, l.build))
	}
	l.backstage.SetFiles(map[string][]byte{
		siteOf(x) + "/techdocs_metadata.json": fmt.Appendf(nil,
			`{"site_name":"S","etag":"%d","build_timestamp":1767225600000}`, l.build),
		siteOf(x) + "/search/search_index.json": fmt.Appendf(nil, `{"config":{"indexing":"full"},"docs":[%s]}`,
			strings.Join(docs, ",")),
	})
}

// pages returns the paths of the indexed pages of a component, sorted.
func (l *library) pages(x thing) []string {
	out := []string{}
	for id := range l.index().Documents {
		if rest, is := strings.CutPrefix(id, "techdocs:"+siteOf(x)+"/"); is {
			out = append(out, rest)
		}
	}
	slices.Sort(out)
	return out
}

func (l *library) index() gleansandbox.Index { return l.world.index() }

// same reports pages that are not found by exactly the people who find their entity.
func (l *library) same(t *testing.T, what string) {
	t.Helper()
	l.compare(t, what, slices.Equal[[]string])
}

// within reports pages that are found by people who do not find their entity.
func (l *library) within(t *testing.T, what string) {
	t.Helper()
	l.compare(t, what, func(page, entity []string) bool {
		return !slices.ContainsFunc(page, func(one string) bool { return !slices.Contains(entity, one) })
	})
}

// compare reports pages whose entity is not there, or for which allowed returns false.
func (l *library) compare(t *testing.T, what string, allowed func(page, entity []string) bool) {
	t.Helper()
	index := l.index()
	for id := range index.Documents {
		rest, is := strings.CutPrefix(id, "techdocs:")
		if !is {
			continue
		}
		parts := strings.SplitN(rest, "/", 4)
		entity := parts[1] + ":" + parts[0] + "/" + parts[2]
		if _, there := index.Document(entity); !there {
			t.Errorf("%s: %s is there, and %s is not", what, id, entity)
			continue
		}
		if page, of := index.WhoFinds(id), index.WhoFinds(entity); !allowed(page, of) {
			t.Errorf("%s: %s is found by %v, and %s by %v", what, id, page, entity, of)
		}
	}
}

var noLimits = []string{"--set", "guards.max_loss=100%", "--set", "guards.max_widen=100%", "--set",
	"guards.max_rejected=100%"}

// TestPagesAreFoundWithTheirEntity: through nights of changes, faults, pushes and hiding, in change
// and full runs, with TechDocs on and off, each page is found by exactly the people who find its
// entity, and a site that cannot be read keeps its pages. After a run that a guard refused, no page
// is found by anyone who does not find its entity.
func TestPagesAreFoundWithTheirEntity(t *testing.T) {
	t.Parallel()
	seeds := 16
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			l := &years{library: newLibrary(t, 12, 6), r: rand.New(rand.NewPCG(uint64(seed), 7)), hidden: map[string]bool{}}
			l.canary = len(l.things) - 1
			l.things[l.canary].visibility = "owner"
			for night := range 10 {
				l.backstage.Heal()
				l.broken, l.what = nil, ""
				l.env["SYNC_TECHDOCS_ENABLED"] = fmt.Sprint(night == 0 || l.r.IntN(5) > 0)
				for range l.r.IntN(4) {
					l.change(t)
				}
				l.run(t, night)
			}
		})
	}
}

// years are random nights of a library.
type years struct {
	*library
	r       *rand.Rand
	canary  int // the component that a guard refuses to widen
	hidden  map[string]bool
	broken  []thing // whose sites cannot be read
	what    string  // was changed
	refused bool    // the last run
}

// follow reports pages that are found by others than the people who find their entity. Pages that
// a refused run narrowed may be found by fewer people.
func (l *years) follow(t *testing.T, what string) {
	t.Helper()
	if l.refused {
		l.within(t, what)
	} else {
		l.same(t, what)
	}
}

// change changes a component or its site.
func (l *years) change(t *testing.T) {
	t.Helper()
	r, x := l.r, &l.things[l.r.IntN(l.canary)]
	op := r.IntN(10)
	switch op {
	case 0:
		x.visibility = choose(r, "", "owner", "nonsense")
		x.documented = x.documented && r.IntN(2) == 0
	case 1:
		x.owner = l.teams[r.IntN(len(l.teams))].ref()
	case 2:
		x.documented = !x.documented
	case 3:
		l.publish(*x, choose(r, []string{""}, []string{"", "guides/start/", "New/"}, []string{"faq/", "a/", "b/", "c/"})...)
	case 4, 5:
		l.broken = append(l.broken, *x)
		fault := backstagefaults.Fault{Path: "/docs/" + siteOf(*x) + "/", Status: choose(r, 403, 500, 404, 401)}
		if r.IntN(4) == 0 {
			fault.Status, fault.HTML = 200, true
		}
		l.backstage.Fail(fault)
	case 6:
		c := l.pipe(t, "hide", shipped, x.ref(), "--no-mentions", "--set", "@sink.retries.attempts=1")
		if c.code == int(job.Done) {
			l.hidden[x.ref()] = true
		}
		l.follow(t, l.what+" hide "+x.name)
	case 7:
		if l.hidden[x.ref()] {
			l.pipe(t, "hide", shipped, "--unhide", x.ref()).expect(t, int(job.Done))
			delete(l.hidden, x.ref())
		}
	case 8:
		x.orphan = !x.orphan
	case 9:
		x.visibility = choose(r, "", "owner")
		if err := l.backstage.Replace(l.entities(t)); err != nil {
			t.Fatal(err)
		}
		c := l.pipe(t, append([]string{"push", shipped, x.ref()}, noLimits...)...)
		l.follow(t, fmt.Sprintf("%s push %+v: exit %d", l.what, *x, c.code))
	}
	l.what += fmt.Sprintf("%d %s %+v; ", op, x.name, *x)
}

// run is a night, which a guard may refuse.
func (l *years) run(t *testing.T, night int) {
	t.Helper()
	before := map[string][]string{}
	for _, x := range l.broken {
		before[x.ref()] = l.pages(x)
	}
	flags := append([]string{"--set", "@source.retries.attempts=1"}, noLimits...)
	if l.r.IntN(4) == 0 {
		flags = append(flags, "--full")
	}
	want := job.Done
	l.things[l.canary].visibility = "owner"
	if l.refused = night > 0 && l.r.IntN(2) == 0; l.refused {
		want, l.things[l.canary].visibility = job.Refused, ""
		flags = append(flags, "--set", "guards.max_widen=0")
		if l.r.IntN(4) == 0 {
			flags = append(flags, "--set", "guards.max_loss=0")
		}
	}
	c := l.night(t, flags...)
	off := l.env["SYNC_TECHDOCS_ENABLED"] != "true"
	what := fmt.Sprintf("night %d, TechDocs off %t, %s%v", night, off, l.what, flags)
	if off && c.code == int(job.Refused) { // all pages would be deleted
		want, l.refused = job.Refused, true
	}
	if c.code != int(want) {
		t.Fatalf("%s: exit %d\n%s", what, c.code, c.both())
	}
	l.follow(t, what)
	if l.refused || off {
		return
	}
	for _, x := range l.broken {
		if _, there := l.index().Document(x.ref()); !there || !l.thing(x.ref()).documented {
			if got := l.pages(x); len(got) > 0 {
				t.Errorf("%s: %s is not there, and has %v", what, x.ref(), got)
			}
		} else if got := l.pages(x); !slices.Equal(got, before[x.ref()]) {
			t.Errorf("%s: the pages of %s, which could not be read, were %v and are %v\n%s", what, x.ref(), before[x.ref()],
				got, c.both())
		}
	}
}

func (l *library) thing(ref string) thing {
	i := slices.IndexFunc(l.things, func(x thing) bool { return x.ref() == ref })
	return l.things[i]
}

// docsRequests serves a night and returns the requests for files of sites.
func (l *library) docsRequests(t *testing.T, flags ...string) (c call, requests int) {
	t.Helper()
	before := l.requestsOfSites()
	c = l.night(t, flags...)
	return c, l.requestsOfSites() - before
}

func (l *library) requestsOfSites() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sites)
}

// TestUnchangedSitesAreKept: a change run costs one request for each unchanged site, and its pages
// follow the permissions of their entity; a full run reads every site.
func TestUnchangedSitesAreKept(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 5)
	c, n := l.docsRequests(t)
	c.expect(t, int(job.Done), "documentation")
	if n != 10 {
		t.Errorf("the first run made %d requests", n)
	}
	if c, n = l.docsRequests(t); n != 5 {
		t.Errorf("an unchanged run made %d requests", n)
	}
	c.expect(t, int(job.Done), "sent: nothing, because nothing changed", "20 kept")
	l.things[1].visibility = "owner"
	if c, n = l.docsRequests(t); n != 5 {
		t.Errorf("a changed entity: %d requests", n)
	}
	c.expect(t, int(job.Done), "sent: what changed (5 documents with a narrower audience)", "20 kept")
	l.same(t, "narrowed")
	l.things[1].visibility = ""
	c, _ = l.docsRequests(t)
	c.expect(t, int(job.Done), "20 kept")
	l.same(t, "widened")
	l.publish(l.things[2], "", "new/")
	if c, n = l.docsRequests(t); n != 6 {
		t.Errorf("a new build: %d requests", n)
	}
	c.expect(t, int(job.Done), "16 kept", "3 documents deleted", "2 documents written")
	if got := l.pages(l.things[2]); !slices.Equal(got, []string{"", "new/"}) {
		t.Errorf("%v", got)
	}
	if c, n = l.docsRequests(t, "--full"); n != 10 {
		t.Errorf("a full run made %d requests", n)
	}
	c.expect(t, int(job.Done), "!kept")
	if c, n = l.docsRequests(t, "--dry-run"); n != 10 {
		t.Errorf("a dry run made %d requests", n)
	}
	c.expect(t, int(job.Done), "!kept")
	l.same(t, "at last")
}

// TestUnreadSiteInAFullRun: a full run that cannot read a site publishes only changes, says so, and
// deletes none of its pages; the site is named in the report.
func TestUnreadSiteInAFullRun(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 3)
	l.good2(t)
	l.backstage.Fail(backstagefaults.Fault{Path: "/docs/" + siteOf(l.things[0]) + "/", Status: 403})
	l.things[0].visibility = "owner"
	l.things[9].text = "another text"
	c := l.night(t, "--full")
	c.expect(t, int(job.Done),
		"only the changes are published instead of everything: 4 documents of component:default/thing-0 "+
			"could not be read", "plugin: techdocs", "4 kept")
	if got := l.pages(l.things[0]); len(got) != 4 {
		t.Errorf("%v", got)
	}
	l.same(t, "unread")
	if d, _ := l.index().Document("component:default/thing-9"); !strings.Contains(fmt.Sprint(d.Body), "another text") {
		t.Error("the other documents were not published")
	}
	l.backstage.Heal()
	l.night(t, "--full").expect(t, int(job.Done), "!only the changes", "!kept")
	l.same(t, "healed")
}

// good2 is a run that ends well, with pages.
func (l *library) good2(t *testing.T) {
	t.Helper()
	if c := l.night(t); c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
}

// TestUnreadSiteWithUnknownIndex: when everything must be sent and a site cannot be read, the run
// fails and sends nothing.
func TestUnreadSiteWithUnknownIndex(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 3)
	l.good2(t)
	if err := damageJournal(l.state); err != nil {
		t.Fatal(err)
	}
	l.backstage.Fail(backstagefaults.Fault{Path: "/docs/" + siteOf(l.things[0]) + "/", Status: 500})
	l.night(t, "--set", "@source.retries.attempts=1").expect(t, int(job.Failed),
		"everything must be sent, because the journal",
		"4 documents")
	if got := l.pages(l.things[0]); len(got) != 4 {
		t.Errorf("%v", got)
	}
	l.backstage.Heal()
	l.good2(t)
}

// damageJournal writes a journal that cannot be read next to each baseline.
func damageJournal(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".state") {
			return err
		}
		return os.WriteFile(strings.TrimSuffix(path, ".state")+".journal", []byte("not a journal\nat all\n"), 0o600)
	})
}

// TestOutputOfUnreadSite: an output without the pages of a site cannot be published later.
func TestOutputOfUnreadSite(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 3)
	l.good2(t)
	l.backstage.Fail(backstagefaults.Fault{Path: "/docs/" + siteOf(l.things[0]) + "/", Status: 403})
	dir := filepath.Join(t.TempDir(), "out")
	l.night(t, "--output", dir).expect(t, int(job.Done), "4 kept")
	l.pipe(t, "run", shipped, "--from-output", dir).expect(t, int(job.Wrong), "lacks 4 of documents",
		"would delete them")
	if got := l.pages(l.things[0]); len(got) != 4 {
		t.Errorf("%v", got)
	}
}

// TestSiteShrinks: a site that lost more than half of its pages is named, also when the guard
// refuses the run.
func TestSiteShrinks(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 8)
	l.good2(t)
	l.publish(l.things[0], "")
	l.night(t).expect(t, int(job.Done), "component:default/thing-0 shrank from 4 records to 1")
	for i := 1; i < 8; i++ {
		l.publish(l.things[i], "")
	}
	l.night(t).expect(t, int(job.Refused), "documents documentation         32 before",
		"thing-3 shrank from 4 records to 1")
}

// TestHiddenEntityHidesItsPages: pipe hide takes the pages of an entity from everyone at once, and
// none comes back before the entity does.
func TestHiddenEntityHidesItsPages(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 3)
	l.good2(t)
	ref := l.things[1].ref()
	l.pipe(t, "hide", shipped, ref, "--no-mentions").expect(t, int(job.Done))
	for _, p := range l.pages(l.things[1]) {
		if who := l.index().WhoFinds("techdocs:" + siteOf(l.things[1]) + "/" + p); len(who) > 0 {
			t.Errorf("%s is found by %v", p, who)
		}
	}
	l.publish(l.things[1], "", "guides/start/", "guides/stop/", "faq/", "brand-new/")
	for _, flags := range [][]string{nil, {"--full"}, nil} {
		l.night(t, flags...).expect(t, int(job.Done))
		if got := l.pages(l.things[1]); len(got) > 0 {
			t.Errorf("%v: %v", flags, got)
		}
	}
	l.pipe(t, "hide", shipped, "--unhide", ref).expect(t, int(job.Done))
	l.good2(t)
	if got := l.pages(l.things[1]); len(got) != 5 {
		t.Errorf("%v", got)
	}
	l.same(t, "let back")
}

// TestCompanyDocumentation: the sites of the sandbox are published, and the private one is found
// by its owners alone.
func TestCompanyDocumentation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{Sites: backstagesandbox.CompanySites()}, gleansandbox.Options{})
	w.env["SYNC_TECHDOCS_ENABLED"] = "true"
	w.pipe(t, "run", shipped, "--progress", "none").expect(t, int(job.Done), "documentation")
	private := w.index().WhoFinds("techdocs:default/component/fraud-scorer/thresholds/")
	public := w.index().WhoFinds("techdocs:default/component/booking-service/")
	if len(private) == 0 || len(private) >= len(public) ||
		!slices.Equal(private, w.index().WhoFinds("component:default/fraud-scorer")) {
		t.Errorf("private: %v, public: %v", private, public)
	}
}

// TestRefusedRunTightensPages: a run that a guard refuses still takes an entity that a rule now
// gives to no one, or to fewer people, from people, and its pages with it.
func TestRefusedRunTightensPages(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 60, 4)
	l.good2(t)
	l.things[0].visibility, l.things[1].visibility = "nonsense", "owner"
	gone := l.things[30:]
	l.things = l.things[:30]
	l.backstage.Fail(backstagefaults.Fault{Path: "/docs/" + siteOf(l.things[1]) + "/", Status: 403})
	l.night(t).expect(t, int(job.Refused), "max_loss")
	if got := l.pages(l.things[0]); len(got) > 0 {
		t.Errorf("the pages of an entity for no one: %v", got)
	}
	if d, there := l.index().Document(gone[0].ref()); !there {
		t.Errorf("%v was deleted", d.ID)
	}
	if got := l.pages(l.things[1]); len(got) != 4 {
		t.Errorf("%v", got)
	}
	l.same(t, "tightened")
}

// TestPagesComeBack: the pages of an entity that was not delivered for some nights are found again
// with it, although their site is as it was.
func TestPagesComeBack(t *testing.T) {
	for nights := 1; nights <= 3; nights++ {
		l := newLibrary(t, 20, 3)
		l.good2(t)
		want := len(l.pages(l.things[0]))
		l.things[0].orphan = true
		for range nights {
			l.good2(t)
		}
		if got := l.pages(l.things[0]); len(got) != 0 {
			t.Errorf("%d nights: it is away, and its pages are %q", nights, got)
		}
		l.things[0].orphan = false
		l.good2(t)
		if got := len(l.pages(l.things[0])); want == 0 || got != want {
			t.Errorf("%d nights: %d pages came back of %d", nights, got, want)
		}
	}
}

// TestRefusedRunTightensLostPages: pages that a refused run does not have follow their entity: the
// entity lost its annotation, its site was built with fewer pages, or TechDocs is off. The pages of
// an entity that did not change stay.
func TestRefusedRunTightensLostPages(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(l *library){
		"no annotation": func(l *library) { l.things[0].documented, l.things[1].documented = false, false },
		"rebuilt":       func(l *library) { l.publish(l.things[0], ""); l.publish(l.things[1], "") },
		"off":           func(l *library) { l.env["SYNC_TECHDOCS_ENABLED"] = "false" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t, 60, 16)
			l.good2(t)
			everyone := l.index().WhoFinds(l.things[2].ref())
			l.things[0].visibility, l.things[1].visibility = "owner", "nonsense"
			change(l)
			all := l.things
			l.things = l.things[:30]
			for range 2 { // the second run has nothing left to narrow
				l.night(t).expect(t, int(job.Refused), "max_loss")
				l.within(t, "refused")
				if got := l.pages(all[0]); len(got) != 4 {
					t.Errorf("the pages of an entity for its owners: %v", got)
				}
				if got := l.pages(all[1]); len(got) > 0 {
					t.Errorf("the pages of an entity for no one: %v", got)
				}
				if who := l.index().WhoFinds("techdocs:" + siteOf(all[2]) + "/faq/"); !slices.Equal(who, everyone) {
					t.Errorf("a page of an entity that did not change is found by %v", who)
				}
			}
			l.env["SYNC_TECHDOCS_ENABLED"] = "true"
			l.things, l.things[0].visibility, l.things[0].documented = all, "", true
			l.publish(l.things[0], "", "faq/")
			l.good2(t)
			l.same(t, "good")
			if got := l.pages(l.things[0]); len(got) != 2 {
				t.Errorf("the pages of an entity for everyone: %v", got)
			}
		})
	}
}

// TestPushWithTechDocsOff: a push narrows the pages that an earlier run has sent, although no run
// reads them any more.
func TestPushWithTechDocsOff(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 3)
	l.good2(t)
	l.env["SYNC_TECHDOCS_ENABLED"] = "false"
	for _, visibility := range []string{"owner", "", "owner"} {
		l.things[1].visibility = visibility
		if err := l.backstage.Replace(l.entities(t)); err != nil {
			t.Fatal(err)
		}
		l.pipe(t, "push", shipped, l.things[1].ref()).expect(t, int(job.Done))
		l.same(t, "pushed "+visibility)
	}
	l.pipe(t, "hide", shipped, l.things[0].ref(), "--no-mentions").expect(t, int(job.Done))
	for _, p := range l.pages(l.things[0]) {
		if who := l.index().WhoFinds("techdocs:" + siteOf(l.things[0]) + "/" + p); len(who) > 0 {
			t.Errorf("%s is found by %v", p, who)
		}
	}
}

// TestPushedEntityTakesItsPagesAlong: a push that changes who finds an entity changes who finds its
// pages, and the next run reads its site.
func TestPushedEntityTakesItsPagesAlong(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 3)
	l.good2(t)
	l.publish(l.things[1], "", "new/")
	for _, visibility := range []string{"owner", "", "owner"} {
		l.things[1].visibility = visibility
		if err := l.backstage.Replace(l.entities(t)); err != nil {
			t.Fatal(err)
		}
		l.pipe(t, "push", shipped, l.things[1].ref()).expect(t, int(job.Done))
		l.same(t, "pushed "+visibility)
		if got := l.pages(l.things[1]); len(got) != 4 {
			t.Errorf("%v", got)
		}
	}
	l.good2(t)
	l.same(t, "run")
	if got := l.pages(l.things[1]); !slices.Equal(got, []string{"", "new/"}) {
		t.Errorf("%v", got)
	}
}

// TestVerifyPages: pipe verify counts a page as shown when its entity is, also when Backstage does
// not serve the page.
func TestVerifyPages(t *testing.T) {
	t.Parallel()
	token := tokenOf("user:default/amara.okafor")
	var n atomic.Int32
	var w *world
	w = newWorld(t, backstagesandbox.Options{Token: token, Sites: backstagesandbox.CompanySites(),
		Observe: func(r *http.Request) {
			if strings.Contains(r.URL.Path, "/api/techdocs/") && n.Add(1) == 9 { // the last request of the pipeline
				w.backstage.Fail(backstagefaults.Fault{Path: "/api/techdocs/", Status: 403})
			}
		}}, gleansandbox.Options{})
	w.env["BACKSTAGE_API_TOKEN"], w.env["SYNC_TECHDOCS_ENABLED"] = token, "true"
	c := w.pipe(t, "verify", shipped, "--token-file", write(t, "token", token+"\n"), "--set",
		"@source.techdocs.concurrency=1")
	if n.Load() < 10 {
		t.Fatalf("%d requests for sites", n.Load())
	}
	c.expect(t, int(job.Done), "nothing is found that Backstage hides", "!techdocs:")
}

// TestKeepThatLooksUp: a transform that looks up another record is applied to the pages of unchanged
// sites, too.
func TestKeepThatLooksUp(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, 20, 3)
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	const rule = `kind != "TechDocsPage" or entity.name != "thing-0" or lookup("component:default/thing-9").title != "Frozen"`
	file := write(t, "backstage.yaml", strings.Replace(string(text), "\ntransforms:",
		"\ntransforms:\n  - name: frozen\n    keep: '"+rule+"'", 1))
	for _, title := range []string{"Thing 9", "Thing 9", "Frozen", "Frozen", "Thing 9"} {
		l.things[9].title = title
		if err := l.backstage.Replace(l.entities(t)); err != nil {
			t.Fatal(err)
		}
		c := l.pipe(t, append([]string{"run", file, "--progress", "none"}, noLimits...)...)
		c.expect(t, int(job.Done))
		if got := len(l.pages(l.things[0])); got != map[string]int{"Thing 9": 4, "Frozen": 0}[title] {
			t.Errorf("%s: %d pages", title, got)
		}
	}
}

// TestExplainPage: a page is found as its entity, and no rule is shown as evaluated for it.
func TestExplainPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{Sites: backstagesandbox.CompanySites()}, gleansandbox.Options{})
	w.env["SYNC_TECHDOCS_ENABLED"] = "true"
	const page, entity = "techdocs:default/component/fraud-scorer/thresholds/", "component:default/fraud-scorer"
	rule := w.pipe(t, "explain", shipped, entity, "--json").decision(t)
	if rule.From != "" || rule.Rule != "" || len(rule.Rules) == 0 {
		t.Errorf("the entity: %+v", rule)
	}
	decided := rule.Rules[slices.IndexFunc(rule.Rules, func(r explain.RuleResult) bool {
		return r.Outcome == explain.RuleDecided
	})].Name
	c := w.pipe(t, "explain", shipped, page)
	c.expect(t, int(job.Done), "as "+entity+": the rule \""+decided+"\": listed; pipe explain FILE "+entity+" shows why",
		"!did not hold", "!not asked")
	d := w.pipe(t, "explain", shipped, page, "--json").decision(t)
	if d.From != entity || d.Rule != decided || len(d.Rules) != 0 || !slices.Equal(d.People, rule.People) ||
		d.Audience != "listed" {
		t.Errorf("%+v", d)
	}
}

// decision returns the permissions in an explanation as JSON.
func (c call) decision(t *testing.T) explain.DecisionResult {
	t.Helper()
	var answer struct {
		Data explain.Explanation `json:"data"`
	}
	if err := codec.Unmarshal([]byte(c.stdout), &answer); err != nil || answer.Data.Decision == nil {
		t.Fatalf("%v: %s", err, c.both())
	}
	return *answer.Data.Decision
}

// TestShowPages: pipe show lists the pages of all sites, and sites that cannot be read.
func TestShowPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{Sites: backstagesandbox.CompanySites()}, gleansandbox.Options{})
	w.env["SYNC_TECHDOCS_ENABLED"] = "true"
	w.pipe(t, "show", shipped, "TechDocsPages").expect(t, int(job.Done), "7 records", "thresholds/")
	w.backstage.Fail(backstagefaults.Fault{Path: "/tracking-service/", Status: 500})
	w.pipe(t, "show", shipped, "techdocspage", "--set", "@source.retries.attempts=1").expect(t, int(job.Done),
		"5 records",
		"component:default/tracking-service was not read: Backstage answered 500")
}
