package techdocs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

var limits = Limits{Pages: 100, Text: 1 << 20}

func read(t *testing.T, r io.Reader, l Limits) ([]Page, Read, error) {
	t.Helper()
	var pages []Page
	got, err := ReadIndex(r, l, func(p Page) error {
		pages = append(pages, p)
		return nil
	})
	return pages, got, err
}

// TestMkDocsIndex: an index that MkDocs wrote. Its pages repeat the texts of their sections.
func TestMkDocsIndex(t *testing.T) {
	f, err := os.Open("testdata/mkdocs/search_index.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pages, _, err := read(t, iotest.OneByteReader(f), limits)
	if err != nil || len(pages) != 3 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	home, start := pages[0], pages[1]
	if home.Path != "" || home.Title != "Home" || home.Text != "docs-site\nWelcome to docs-site . See start .\n\n"+
		"Runbook\nRestart the thing." || !slices.Equal(home.Sections, []Section{{"docs-site", "docs-site"},
		{"Runbook", "runbook"}}) {
		t.Errorf("%+v", home)
	}
	if start.Path != "guides/start/" || start.Text != "Getting started\nClone Build make all" {
		t.Errorf("%+v", start)
	}
}

// TestMaterialIndex: an index of Material for MkDocs has HTML, and the text before the first
// section is that of the page.
func TestMaterialIndex(t *testing.T) {
	const index = `{"config":{"lang":["en"],"separator":"[\\s\\-]+","pipeline":["stopWordFilter"]},"docs":[
		{"location":"run/","title":"Runbook","text":"<p>Before you <em>start</em>: read &lt;this&gt; &amp; that.</p>"},
		{"location":"run/#restart","title":"Restart","text":"<p>First:</p> <pre><code>a:\n  b: 1\n</code></pre> <ul> <li>one</li> <li>two</li> </ul>"},
		{"location":"empty/","title":"Empty","text":""}]}`
	pages, _, err := read(t, strings.NewReader(index), limits)
	if err != nil || len(pages) != 2 {
		t.Fatalf("%v, %v", pages, err)
	}
	want := "Before you start: read <this> & that.\n\nRestart\nFirst:\n\na:\n  b: 1\n\n\n- one\n- two"
	if pages[0].Text != want {
		t.Errorf("got %q", pages[0].Text)
	}
	if pages[1].Title != "Empty" || pages[1].Text != "" {
		t.Errorf("%+v", pages[1])
	}
}

// TestTextBeforeSections: no text of a page is lost, whatever its first section is.
func TestTextBeforeSections(t *testing.T) {
	const material, plain = `"pipeline":["stopWordFilter"]`, `"indexing":"full"`
	for name, tc := range map[string]struct{ config, docs, want string }{
		"a section without text": {material, `{"location":"run/","title":"Runbook","text":"<p>Never Start it by hand.</p>"},
			{"location":"run/#start","title":"Start","text":""},{"location":"run/#a","title":"Step","text":"<p>do a</p>"}`,
			"Never Start it by hand.\n\nStart\n\nStep\ndo a"},
		"a section without anything": {material, `{"location":"x/","title":"P","text":"<p>All of this.</p>"},
			{"location":"x/#x","title":"","text":""}`, "All of this."},
		"repeated text": {plain, `{"location":"x/","title":"P","text":"Before. Start Step do a"},
			{"location":"x/#start","title":"Start","text":""},{"location":"x/#a","title":"Step","text":"do a"}`,
			"Before.\n\nStart\n\nStep\ndo a"},
		"the word of a title": {plain, `{"location":"x/","title":"P","text":"Never Start it. Start Step do a"},
			{"location":"x/#start","title":"Start","text":""},{"location":"x/#a","title":"Step","text":"do a"}`,
			"Never Start it.\n\nStart\n\nStep\ndo a"},
	} {
		pages, _, err := read(t, strings.NewReader(`{"config":{`+tc.config+`},"docs":[`+tc.docs+`]}`), limits)
		if err != nil || len(pages) != 1 || pages[0].Text != tc.want {
			t.Errorf("%s: %q, %v", name, pages, err)
		}
	}
}

// TestLargeHTML: a page with much HTML and nested headings becomes a small record.
func TestLargeHTML(t *testing.T) {
	long := strings.Repeat("<h1><div>", 200) + strings.Repeat("x", 1<<20)
	p, err := ReadHTML(strings.NewReader(long), "x.html", limits)
	titles := 0
	for _, s := range p.Sections {
		titles += len(s.Title)
	}
	if err != nil || len(p.Sections) == 0 || titles > len(p.Sections)*maxTitle || len(p.Title) > maxTitle {
		t.Errorf("%d sections with %d bytes of titles, %v", len(p.Sections), titles, err)
	}
	end := strings.NewReader("<p>start</p>" + strings.Repeat("<p>", maxHTML/3) + "<p>end</p>")
	if p, err = ReadHTML(end, "x.html", limits); err != nil || p.Text != "start" || end.Len() != 0 {
		t.Errorf("%q, %d bytes left, %v", p.Text, end.Len(), err)
	}
	if text := Text("<p>start</p>"+strings.Repeat("<p>", maxHTML/3)+"<p>end</p>", 1<<20); text != "start" {
		t.Errorf("%q", text)
	}
	index := `{"config":{"indexing":"full"},"docs":[{"location":"x/","title":"` + long + `","text":""},
		{"location":"x/#a","title":"` + long + `","text":""}]}`
	pages, _, err := read(t, strings.NewReader(index), limits)
	if err != nil || len(pages[0].Title) > maxTitle || len(pages[0].Sections[0].Title) > maxTitle {
		t.Errorf("a title of an index: %v", err)
	}
}

// TestIndexLimits: what is too much is cut or an error, and what belongs to no page is counted.
func TestIndexLimits(t *testing.T) {
	index := func(docs ...string) string { return `{"docs":[` + strings.Join(docs, ",") + `]}` }
	doc := func(location, text string) string {
		return fmt.Sprintf(`{"location":%q,"title":"T","text":%q}`, location, text)
	}
	pages, _, err := read(t, strings.NewReader(index(doc("a/", "ä"+strings.Repeat("x", 50)))), Limits{Pages: 5,
		Text: 10})
	if err != nil || len(pages) != 1 || len(pages[0].Text) != 10 {
		t.Errorf("%v %v", pages, err)
	}
	var sections []string
	for i := range 40 {
		sections = append(sections, doc(fmt.Sprintf("a/#s%d", i), strings.Repeat("y", 20)))
	}
	pages, _, err = read(t, strings.NewReader(index(sections...)), Limits{Pages: 5, Text: 100})
	if err != nil || len(pages) != 1 || len(pages[0].Text) > 100 || pages[0].Title != "T" {
		t.Errorf("%v %v", pages, err)
	}
	if _, _, err = read(t, strings.NewReader(index(doc("a/", ""), doc("b/", ""))), Limits{Pages: 1}); err == nil ||
		!strings.Contains(err.Error(), "more than 1 pages") {
		t.Errorf("%v", err)
	}
	pages, got, err := read(t, strings.NewReader(index(doc("a/", "1"), doc("b/", "2"), doc("a/#late", "3"),
		doc("../../other/", "4"), doc("https://example.com/", "5"), doc("./c/?x=1", "6"))), limits)
	if err != nil || len(pages) != 3 || got.Strays != 3 || pages[2].Path != "c/" {
		t.Errorf("%+v %+v %v", pages, got, err)
	}
	for _, broken := range []string{`{"docs":[{"location":"a/"`, `{}`, `[]`, `<html>`, `{"docs":{}}`, `{"docs":[7]}`} {
		if _, _, err := read(t, strings.NewReader(broken), limits); err == nil {
			t.Errorf("%s was read", broken)
		}
	}
	stop := errors.New("stop")
	if _, err := ReadIndex(strings.NewReader(index(doc("a/", ""))), limits,
		func(Page) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// TestHTML: headings and code are kept, navigation is not.
func TestHTML(t *testing.T) {
	const page = `<!doctype html><html><head><title>Scans - Tracking</title></head><body><nav>All pages</nav>
		<header>Top</header><div role="main"><h1 id="scans">Scans<a class="headerlink" href="#scans">¶</a></h1>
		<p>Each <b>scan</b>
		has a time.</p><h2 id="replay">Replay</h2><pre><code>run \
  --fast
</code></pre><ol><li>one</li><li>two <code>x y</code></li></ol><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
		<script>alert(1)</script></div><footer>Built with MkDocs</footer></body></html>`
	p, err := ReadHTML(strings.NewReader(page), "scans/index.html", limits)
	if err != nil {
		t.Fatal(err)
	}
	want := "Scans\n\nEach scan has a time.\n\nReplay\n\nrun \\\n  --fast\n\n\n- one\n- two x y\n\na b\n1 2"
	if p.Path != "scans/" || p.Title != "Scans" || p.Text != want {
		t.Errorf("%q\nwant %q", p, want)
	}
	if !slices.Equal(p.Sections, []Section{{"Scans", "scans"}, {"Replay", "replay"}}) {
		t.Errorf("%+v", p.Sections)
	}
	deep := strings.Repeat("<div>", 100_000) + "x"
	if p, err := ReadHTML(strings.NewReader(deep), "x.html", limits); err == nil && len(p.Text) > 1 {
		t.Errorf("%+v", p)
	}
}

// TestSitemap: addresses are relative to the first page; a site without an address has none.
func TestSitemap(t *testing.T) {
	const head = `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`
	for text, want := range map[string][]string{
		`<url><loc>https://d.example.com/docs/a/</loc></url><url><loc>https://d.example.com/docs/a/b%20c/</loc></url>`: {"", "b c/"},
		`<url><loc>None</loc></url>`: nil,
		``:                           nil,
	} {
		if got, err := ReadSitemap(strings.NewReader(head+text+`</urlset>`), 10); err != nil || !slices.Equal(got,
			want) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if _, err := ReadSitemap(strings.NewReader(head+"<url>"), 10); err == nil {
		t.Error("a cut site map was read")
	}
	const noHome = `<url><loc>https://d/x/guides/</loc></url><url><loc>https://d/x/guides/a/</loc></url>` +
		`<url><loc>https://d/x/runbooks/b/</loc></url>`
	if got, err := ReadSitemap(strings.NewReader(head+noHome+`</urlset>`), 10); err == nil {
		t.Errorf("a site map without the home page gives %q", got)
	}
}

// TestRef: a ref is unique, has no case and at most 200 characters, and names its entity.
func TestRef(t *testing.T) {
	seen := map[string]string{}
	for _, path := range []string{"", "guides/start/", "Guides/Start/", "guides/ünïcode/", "a~b/", "a-b/", " a/", "a/",
		strings.Repeat("long/", 60), strings.Repeat("long/", 61), strings.Repeat("日", 190),
		"guides/start/~0123456789abcdef"} {
		ref := Ref("Component:Default/Shop", path)
		if ref != strings.ToLower(ref) || len([]rune(ref)) > 200 || strings.TrimSpace(ref) != ref && path != "" {
			t.Errorf("%q: %s", path, ref)
		}
		if other, twice := seen[ref]; twice {
			t.Errorf("%q and %q are %s", path, other, ref)
		}
		seen[ref] = path
		if of, ok := EntityOf(ref); !ok || of != "component:default/shop" {
			t.Errorf("%s belongs to %s", ref, of)
		}
	}
	if got := Ref("component:default/shop", "guides/start/"); got != "techdocs:default/component/shop/guides/start/" {
		t.Error(got)
	}
	for _, other := range []string{"component:default/shop", "techdocs:default/component",
		"techdocs:default/component/shop",
		"user:a/b/c/d", "techdocs:///"} {
		if of, ok := EntityOf(other); ok {
			t.Errorf("%s belongs to %s", other, of)
		}
	}
}

// TestMetadata: the mark follows from the build.
func TestMetadata(t *testing.T) {
	m, err := ReadMetadata(strings.NewReader(`{"site_name":"S","etag":"e","build_timestamp":1767225600000,
		"files":["404.html","index.html","a/index.html","search/search_index.json","../x.html"]}`))
	if err != nil || m.Mark() != "e@1767225600000" || m.Updated().Format("2006-01-02") != "2026-01-01" ||
		!slices.Equal(m.Pages(), []string{"index.html", "a/index.html"}) {
		t.Errorf("%+v %v", m, err)
	}
	if (Metadata{}).Mark() != "" || !(Metadata{}).Updated().IsZero() {
		t.Error("no build has a mark")
	}
	if _, err := ReadMetadata(strings.NewReader("<html>")); err == nil {
		t.Error("a page was read")
	}
}
