//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/sinks/glean"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// What must never be found in Temporal: parts of refs, titles, texts, e-mail addresses and secrets.
const (
	canaryRef    = "canaryref"
	canaryTitle  = "Canarytitle"
	canaryText   = "canarytext"
	canaryMail   = "canarymail"
	sourceSecret = "canary-source-8f14e45f"
	sinkSecret   = "canary-sink-c9f0f895"
)

var canaries = []string{canaryRef, canaryTitle, canaryText, canaryMail, sourceSecret, sinkSecret, postgrestest.Key}

// company is a pipeline with its Backstage.
type company struct {
	name      string // of the pipeline and of its datasource
	number    int
	backstage *backstagesandbox.Server
	round     int  // of changes
	open      bool // its secret documents are for all users
	asked     atomic.Int64
	generated int // entities of a generated catalog; 0: the catalog of the sandbox
	cron      string
}

// team owns what a company has more than others.
const team = "payments"

// secret is how many documents of a company only its team finds.
const secret = 30

func newCompany(t testing.TB, number, entities int, observe func(*http.Request)) *company {
	t.Helper()
	c := &company{name: fmt.Sprintf("catalog%02d", number), number: number, generated: entities}
	var err error
	c.backstage, err = backstagesandbox.Start(backstagesandbox.Options{Entities: c.entities(t), Token: sourceSecret,
		Observe: func(r *http.Request) {
			c.asked.Add(1)
			observe(r)
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.backstage.Close() })
	return c
}

// entities is the catalog of the company now.
func (c *company) entities(t testing.TB) [][]byte {
	t.Helper()
	if c.generated > 0 {
		return generate.Catalog(c.generated, uint64(c.number+1))
	}
	all := backstagesandbox.Company()
	add := func(format string, args ...any) { all = append(all, fmt.Appendf(nil, format, args...)) }
	add(`{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":"%s-user-%d","namespace":"default"},`+
		`"spec":{"profile":{"displayName":"%s of a person","email":"%s-%[2]d@example.com"},"memberOf":[%[5]q]}}`, canaryRef,
		c.number, canaryTitle, canaryMail, team)
	component := func(name, title, text, annotations, tags string) {
		add(`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":%q,"namespace":"default",`+
			`"title":%q,"description":%q,"annotations":{%s},"tags":%s},"spec":{"type":"service","owner":"group:default/%s",`+
			`"lifecycle":"production"}}`, name, title, text, annotations, tags, team)
	}
	const private = `"glean.com/visibility":"private"`
	for i := range secret {
		visible := private
		if c.open {
			visible = ""
		}
		component(fmt.Sprintf("%s-%d", canaryRef, i), fmt.Sprintf("%s %d", canaryTitle, i), canaryText, visible, "[]")
	}
	for i := range 1 + c.round%4 { // some come, some go
		component(fmt.Sprintf("%s-round-%d", canaryRef, c.round+i), canaryTitle, fmt.Sprintf("%s %d", canaryText, c.round),
			[]string{"", private}[(c.round+i)%2], "[]")
	}
	if c.number%5 == 0 { // one is rejected
		component(canaryRef+"-broken", canaryTitle, canaryText, "", `{"no":"list"}`)
	}
	stitched, err := backstagesandbox.Stitch(all)
	if err != nil {
		t.Fatal(err)
	}
	return stitched
}

// change changes the catalog.
func (c *company) change(t testing.TB) {
	t.Helper()
	c.round++
	c.replace(t)
}

func (c *company) replace(t testing.TB) {
	t.Helper()
	if err := c.backstage.Replace(c.entities(t)); err != nil {
		t.Fatal(err)
	}
}

// shipped is the pipeline that people run.
const shipped = "../../../pipelines/backstage.yaml"

// write writes the pipeline of the company into a folder: the shipped one, with small pages for a small
// catalog. Half of the pipelines publish everything in each run.
func (c *company) write(t testing.TB, folder, gleanURL string) {
	t.Helper()
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	text, entities, documents := string(b), 10, 10
	if c.generated > 0 { // as in production
		entities, documents = 500, 500
	}
	for _, change := range [][2]string{
		{"\nname: backstage\n", "\nname: " + c.name + "\n"},
		{"url: ${BACKSTAGE_BASE_URL}", "url: " + c.backstage.URL()},
		{"ui_url: ${BACKSTAGE_UI_URL:-${BACKSTAGE_BASE_URL}}", "ui_url: " + c.backstage.URL()},
		{"page_size: ${BACKSTAGE_PAGE_SIZE:-500}", fmt.Sprintf("page_size: %d", entities)},
		{"server_url: ${GLEAN_SERVER_URL:-}",
			"server_url: ${GLEAN_SERVER_URL:-" + gleanURL + "}\n    requests_per_second: 0\n    timeout: 10s"},
		{"documents: ${SYNC_BATCH_SIZE:-500}", fmt.Sprintf("documents: %d", documents)},
		{"name: ${GLEAN_DATASOURCE_ID:-backstage}", "name: " + c.name},
	} {
		if strings.Count(text, change[0]) != 1 {
			t.Fatalf("the shipped pipeline has %d of %q", strings.Count(text, change[0]), change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	if c.number%2 == 0 {
		text += "\npublish:\n  mode: full\n"
	}
	if c.cron != "" {
		text += fmt.Sprintf("\nschedule:\n  - cron: %q\n", c.cron)
	}
	if err := os.WriteFile(filepath.Join(folder, c.name+".yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// datasource is what the shipped pipeline declares, with the name of the company.
func (c *company) datasource(t testing.TB) gleanapi.DatasourceConfig {
	t.Helper()
	var given *settings.Config
	spec := glean.Spec()
	streams := spec.Streams
	spec.Streams = func(s *settings.Config) []component.Stream {
		given = s
		return streams(s)
	}
	r := components.Registry()
	r.Sinks = []component.SinkSpec[any]{spec.Any()}
	d := pipeline.Load(shipped, pipeline.Options{
		Registry: r,
		Settings: []pipeline.Setting{{Path: "@source.url", Value: c.backstage.URL()},
			{Path: "@source.ui_url", Value: c.backstage.URL()}, {Path: "@sink.datasource.name", Value: c.name}},
		Variables: config.Variables{Lookup: func(string) (string, bool) { return "", false }, Lenient: true},
	})
	if given == nil {
		t.Fatal(d.Problems.Error())
	}
	return given.DatasourceConfig()
}
