package backstage

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/faults"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

func withDocs(c *Config) {
	c.TechDocs = TechDocs{Enabled: true, Concurrency: 2, MaxSize: 1 << 20, MaxPages: 100}
	c.UIURL = "https://ui.example.com"
}

// documented is an entity with annotations.
func documented(name string, annotations ...string) []byte {
	var list []string
	for i := 0; i < len(annotations); i += 2 {
		list = append(list, fmt.Sprintf("%q:%q", annotations[i], annotations[i+1]))
	}
	return fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":%q,"namespace":"default","title":"The %s",`+
		`"tags":["go"],"annotations":{%s}},"spec":{"type":"service","lifecycle":"production"},`+
		`"relations":[{"type":"ownedBy","targetRef":"group:default/a"},{"type":"hasPart","targetRef":"component:default/x"}]}`,
		name, name, strings.Join(list, ","))
}

// siteFiles are the files of a site with pages.
func siteFiles(at, etag string, pages ...string) map[string][]byte {
	var docs []string
	for _, p := range pages {
		docs = append(docs, fmt.Sprintf(`{"location":%q,"title":"Title of %s","text":"Text of %s"}`, p, p, p))
	}
	return map[string][]byte{
		at + "/techdocs_metadata.json": fmt.Appendf(nil,
			`{"site_name":"Docs","etag":%q,"build_timestamp":1767225600000}`, etag),
		at + "/search/search_index.json": fmt.Appendf(nil, `{"config":{"indexing":"full"},"docs":[%s]}`,
			strings.Join(docs, ",")),
	}
}

// hostsRead is what ReadHost returned, by host, and the pages.
type hostsRead struct {
	results map[string]component.Attached
	pages   map[string]*component.Record
}

// readDocs reads the catalog and then all sites.
func (f *fixture) readDocs(t *testing.T, marks map[string]component.AttachedMark) hostsRead {
	t.Helper()
	var phase component.Phase
	for _, ph := range f.cfg.phases() {
		if ph.Attached {
			phase = ph
			continue
		}
		if err := f.source.Read(t.Context(), ph, func(context.Context,
			[]*component.Record) error {
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	out := hostsRead{map[string]component.Attached{}, map[string]*component.Record{}}
	hosts, _ := f.source.Hosts(phase)
	model := NewModel(f.cfg)
	for _, host := range hosts {
		got, err := f.source.ReadHost(t.Context(), phase, host, marks[host],
			func(_ context.Context, records []*component.Record) error {
				for _, r := range records {
					if of, ok := model.HostOf(r.Ref); !ok || of != host {
						t.Errorf("%s is emitted for %s", r.Ref, host)
					}
					if err := model.Decode(r); err != nil {
						t.Errorf("%s: %v", r.Ref, err)
					}
					if out.pages[r.Ref] != nil {
						t.Errorf("%s is emitted twice", r.Ref)
					}
					out.pages[r.Ref] = r
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		out.results[host] = got
	}
	return out
}

// TestCompanySites: the sites of the sandbox are read, one of them from its pages of HTML.
func TestCompanySites(t *testing.T) {
	f := start(t, sandbox.Options{Entities: sandbox.Company(), Sites: sandbox.CompanySites()}, withDocs)
	got := f.readDocs(t, nil)
	want := []string{
		"techdocs:default/component/booking-service/",
		"techdocs:default/component/booking-service/runbooks/rates-down/",
		"techdocs:default/component/booking-service/runbooks/restart/", "techdocs:default/component/fraud-scorer/",
		"techdocs:default/component/fraud-scorer/thresholds/", "techdocs:default/component/tracking-service/",
		"techdocs:default/component/tracking-service/scans/"}
	if refs := slices.Sorted(maps.Keys(got.pages)); !slices.Equal(refs, want) {
		t.Errorf("pages: %q", refs)
	}
	scans := got.pages["techdocs:default/component/tracking-service/scans/"].Value["page"].(map[string]any)
	if scans["title"] != "Scans" || !strings.Contains(scans["text"].(string),
		"Replay\n\nscan-ingest replay \\\n  --from") ||
		strings.Contains(scans["text"].(string), "MkDocs") {
		t.Errorf("%+v", scans)
	}
	restart := got.pages["techdocs:default/component/booking-service/runbooks/restart/"].Value
	page, entity := restart["page"].(map[string]any), restart["entity"].(map[string]any)
	if page["url"] != "https://ui.example.com/docs/default/component/booking-service/runbooks/restart/" ||
		page["updated"] != "2026-01-01T00:00:00Z" || entity["ref"] != "component:default/booking-service" ||
		fmt.Sprint(page["folders"]) != "[runbooks]" || !strings.Contains(fmt.Sprint(restart["relations"]),
		"group:default/booking") {
		t.Errorf("%+v", restart)
	}
	for host, result := range got.results {
		if result.State != component.AttachedRead || result.Mark == "" {
			t.Errorf("%s: %+v", host, result)
		}
	}
}

// TestUnchangedSite: a site with the mark of the last run costs one request; a new build, another
// entity, or a mark that is not valid is read.
func TestUnchangedSite(t *testing.T) {
	const host, at = "component:default/a", "default/component/a"
	f := start(t, sandbox.Options{Entities: [][]byte{documented("a", techDocsRef, "dir:.")},
		Sites: siteFiles(at, "one", "x/")}, only("Component"), withDocs)
	first := f.readDocs(t, nil).results[host]
	docs := func() (n int) {
		for _, r := range f.asked() {
			if strings.Contains(r.URL.Path, "/techdocs/") {
				n++
			}
		}
		return n
	}
	before := docs()
	valid := map[string]component.AttachedMark{host: {Mark: first.Mark, Valid: true}}
	if got := f.readDocs(t, valid); got.results[host].State != component.AttachedSame || len(got.pages) != 0 ||
		docs() != before+1 {
		t.Errorf("unchanged: %+v, %d requests", got.results, docs()-before)
	}
	if got := f.readDocs(t, map[string]component.AttachedMark{host: {Mark: first.Mark}}); len(got.pages) != 1 {
		t.Errorf("a mark that is not valid: %+v", got.results)
	}
	f.SetFiles(siteFiles(at, "two", "x/", "y/"))
	if got := f.readDocs(t, valid); len(got.pages) != 2 || got.results[host].Mark == first.Mark {
		t.Errorf("a new build: %+v", got.results)
	}
	f.SetFiles(siteFiles(at, "one", "x/"))
	if err := f.Put([]byte(strings.Replace(string(documented("a", techDocsRef, "dir:.")), `"go"`, `"java"`,
		1))); err != nil {
		t.Fatal(err)
	}
	if got := f.readDocs(t, valid); len(got.pages) != 1 {
		t.Errorf("another entity: %+v", got.results)
	}
}

// TestSiteOfAnotherEntity: a site that several entities name is that of its own entity, and is
// read once.
func TestSiteOfAnotherEntity(t *testing.T) {
	f := start(t, sandbox.Options{Entities: [][]byte{
		documented("a", techDocsEntity, "component:default/Main"), documented("b", techDocsEntity, "main",
			techDocsRef, "dir:."),
		documented("Main"), documented("c", techDocsEntity, "component:default/nowhere"), documented("d",
			techDocsEntity, ":/"),
	}, Sites: siteFiles("default/component/main", "one", "")}, only("Component"), withDocs)
	got := f.readDocs(t, nil)
	if refs := slices.Sorted(maps.Keys(got.pages)); !slices.Equal(refs, []string{"techdocs:default/component/main/"}) {
		t.Errorf("pages: %q", refs)
	}
	if len(got.results) != 2 || got.results["component:default/nowhere"].State != component.AttachedUnread {
		t.Errorf("%+v", got.results)
	}
}

// TestUnreadableSites: whatever a site answers, it is no error of the run, and its pages stay.
func TestUnreadableSites(t *testing.T) {
	const host, at = "component:default/a", "default/component/a"
	index := "/search/search_index.json"
	file := func(name, content string) func(*fixture) {
		return func(f *fixture) { f.SetFiles(map[string][]byte{at + name: []byte(content)}) }
	}
	status := func(code int) func(*fixture) {
		return func(f *fixture) {
			f.Fail(faults.Fault{Path: "/api/techdocs", Status: code})
		}
	}
	for name, tc := range map[string]struct {
		spoil func(*fixture)
		want  string
	}{
		"forbidden":    {status(403), "plugin: techdocs"},
		"unauthorized": {status(401), "answered 401"},
		"unavailable":  {status(503), "answered 503"},
		"no site": {func(f *fixture) {
			f.SetFiles(map[string][]byte{at + index: nil, at +
				"/techdocs_metadata.json": nil})
		}, "has no site"},
		"cut":            {file(index, `{"docs":[{"location":"x/","title":"X","text":"Y"},{"loc`), "EOF"},
		"not an index":   {file(index, `{"pages":[]}`), "no list of pages"},
		"too many pages": {func(f *fixture) { f.cfg.TechDocs.MaxPages = 1 }, "more than 1 pages"},
		"too large":      {func(f *fixture) { f.cfg.TechDocs.MaxSize = 100 }, "techdocs.max_size"},
		"a page":         {func(f *fixture) { f.Fail(faults.Fault{Path: "/api/techdocs", HTML: true}) }, "HTML page"},
		"empty":          {func(f *fixture) { f.SetFiles(siteFiles(at, "one")) }, "neither a search index nor"},
	} {
		f := start(t, sandbox.Options{Entities: [][]byte{documented("a", techDocsRef, "dir:.")},
			Sites: siteFiles(at, "one", "x/", "y/")}, only("Component"), withDocs)
		tc.spoil(f)
		got := f.readDocs(t, nil)
		if r := got.results[host]; r.State != component.AttachedUnread || !strings.Contains(r.Reason, tc.want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestRefusedSites: a token that may not read TechDocs is not tried for every site.
func TestRefusedSites(t *testing.T) {
	var all [][]byte
	for i := range 30 {
		all = append(all, documented(fmt.Sprintf("c%02d", i), techDocsRef, "dir:."))
	}
	f := start(t, sandbox.Options{Entities: all}, only("Component"), withDocs)
	f.Fail(faults.Fault{Path: "/api/techdocs", Status: http.StatusForbidden})
	reasons := map[string]int{}
	for _, r := range f.readDocs(t, nil).results {
		reasons[r.Reason]++
	}
	n := 0
	for _, r := range f.asked() {
		if strings.Contains(r.URL.Path, "/techdocs/") {
			n++
		}
	}
	if len(reasons) != 1 || reasons[mayNotRead] != 30 || n != maxRefused {
		t.Errorf("%d requests, %v", n, reasons)
	}
}

// TestMissingSite: a site counts as removed when it has been missing for a week while others can
// be read.
func TestMissingSite(t *testing.T) {
	s := &Source{}
	begin := time.Unix(1767225600, 0)
	missing := func(mark string, now time.Time) component.Attached {
		return s.missingSite(t.Context(), "component:default/a", component.AttachedMark{Mark: mark}, now)
	}
	first := missing("e@1 abc", begin)
	if first.State != component.AttachedUnread || first.Mark != "missing since 1767225600 e@1 abc" {
		t.Errorf("%+v", first)
	}
	later := missing(first.Mark, begin.Add(goneAfter))
	if later.State != component.AttachedUnread || later.Mark != first.Mark {
		t.Errorf("no other site was read: %+v", later)
	}
	s.techDocs.proven.Store(true)
	if early := missing(first.Mark, begin.Add(goneAfter-time.Second)); early.State != component.AttachedUnread {
		t.Errorf("%+v", early)
	}
	if gone := missing(first.Mark, begin.Add(goneAfter)); gone.State != component.AttachedGone {
		t.Errorf("%+v", gone)
	}
}

// TestSomeRefusedSites: sites that the token may not read are no reason to leave out later ones while
// others can be read, be they unchanged.
func TestSomeRefusedSites(t *testing.T) {
	var all [][]byte
	files := map[string][]byte{}
	for i := range 12 {
		name := fmt.Sprintf("c%02d", i)
		all = append(all, documented(name, techDocsRef, "dir:."))
		maps.Copy(files, siteFiles("default/component/"+name, "one", "x/"))
	}
	f := start(t, sandbox.Options{Entities: all, Sites: files}, only("Component"), withDocs)
	marks := map[string]component.AttachedMark{}
	for host, got := range f.readDocs(t, nil).results {
		marks[host] = component.AttachedMark{Mark: got.Mark, Valid: true}
	}
	f = start(t, sandbox.Options{Entities: all, Sites: files}, only("Component"), withDocs)
	f.SetFiles(siteFiles("default/component/c11", "two", "new/"))
	for i := 0; i < 10; i += 2 {
		f.Fail(faults.Fault{Path: fmt.Sprintf("/docs/default/component/c%02d/", i), Status: http.StatusForbidden})
	}
	states := map[component.AttachedState]int{}
	for _, got := range f.readDocs(t, marks).results {
		states[got.State]++
	}
	want := map[component.AttachedState]int{component.AttachedUnread: 5, component.AttachedSame: 6,
		component.AttachedRead: 1}
	if !maps.Equal(states, want) {
		t.Errorf("%v", states)
	}
}

// TestRemovedSite: a site that has been missing for long counts as removed when another one can be
// read, wherever it is in the order of the hosts and whether or not the other one has changed.
func TestRemovedSite(t *testing.T) {
	const a, b = "component:default/a", "component:default/b"
	mark := component.AttachedMark{Mark: fmt.Sprintf("missing since %d e@1", time.Now().Add(-2*goneAfter).Unix())}
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		var all [][]byte
		for _, name := range order {
			all = append(all, documented(name, techDocsRef, "dir:."))
		}
		f := start(t, sandbox.Options{Entities: all, Sites: siteFiles("default/component/b", "one", "x/")},
			only("Component"), withDocs)
		first := f.readDocs(t, map[string]component.AttachedMark{a: mark})
		if got := first.results[a]; got.State != component.AttachedGone {
			t.Errorf("%v: %+v", order, got)
		}
		f = start(t, sandbox.Options{Entities: all, Sites: siteFiles("default/component/b", "one", "x/")},
			only("Component"), withDocs)
		got := f.readDocs(t, map[string]component.AttachedMark{a: mark, b: {Mark: first.results[b].Mark, Valid: true}})
		if got.results[a].State != component.AttachedGone || got.results[b].State != component.AttachedSame {
			t.Errorf("%v, unchanged: %+v", order, got.results)
		}
		f = start(t, sandbox.Options{Entities: all}, only("Component"), withDocs)
		alone := f.readDocs(t, map[string]component.AttachedMark{a: mark}).results[a]
		if alone.State != component.AttachedUnread {
			t.Errorf("%v, no site at all: %+v", order, alone)
		}
	}
}

// TestPageRecords: the record of a page names its entity, in a file, too.
func TestPageRecords(t *testing.T) {
	m := NewModel(&Config{UIURL: "https://ui.example.com", TechDocs: TechDocs{Enabled: true}})
	r,
		err := m.Record([]byte(`{"kind":"TechDocsPage","entity":{"ref":"component:default/A"},"page":{"path":"x/","title":"X"}}`))
	if err != nil || r.Ref != "techdocs:default/component/a/x/" || r.Kind != PageKind || r.Title != "X" {
		t.Fatalf("%+v %v", r, err)
	}
	if err := m.Decode(r); err != nil {
		t.Error(err)
	}
	if m.KindOf(r.Ref) != "techdocspage" || m.KindOf("techdocs:default/x") != "techdocs" {
		t.Errorf("kinds: %s", m.KindOf(r.Ref))
	}
	r.Ref = "techdocs:default/component/b/x/" // of another entity
	if err := m.Decode(r); err == nil {
		t.Error("a page of another entity was accepted")
	}
	if _, err := m.Record([]byte(`{"kind":"TechDocsPage","page":{"path":"x/"}}`)); err == nil {
		t.Error("a page without an entity was accepted")
	}
	var problems []string
	report := func(field, _, message, _ string) { problems = append(problems, field+": "+message) }
	for _, page := range []string{"{ui_url}/{path}", "{ui_url}/{name}", "{url}/{name}/{path}"} {
		(&TechDocs{Page: page}).Validate(report)
	}
	if len(problems) != 3 {
		t.Errorf("%q", problems)
	}
}

// TestCheckDocs: a check requests one site, and warns when the token may not read it.
func TestCheckDocs(t *testing.T) {
	f := start(t, sandbox.Options{Entities: [][]byte{documented("a", techDocsRef, "dir:."), documented("b")},
		Sites: siteFiles("default/component/a", "one", "x/")}, only("Component"), withDocs)
	check := func() component.Finding {
		for _, finding := range f.source.Check(t.Context()) {
			if finding.What == "documentation" {
				return finding
			}
		}
		return component.Finding{}
	}
	if got := check(); !got.OK || got.Warning || got.Detail != "entities with documentation: 1" {
		t.Errorf("%+v", got)
	}
	f.Fail(faults.Fault{Path: "/api/techdocs", Status: http.StatusForbidden})
	if got := check(); !got.Warning || got.Remedy != mayNotRead {
		t.Errorf("forbidden: %+v", got)
	}
}
