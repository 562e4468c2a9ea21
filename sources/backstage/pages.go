package backstage

import (
	"errors"
	"net/url"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
	"github.com/pipe-engine/pipe/sources/backstage/techdocs"
)

// PageKind is the kind of a page of documentation.
const PageKind = "TechDocsPage"

// TechDocs is the block techdocs of the source.
type TechDocs struct {
	Enabled       bool         `yaml:"enabled" default:"false" doc:"Whether to read the published sites of TechDocs. The token needs plugin: techdocs."`
	Concurrency   int          `yaml:"concurrency" default:"4" min:"1" max:"32" doc:"Sites that are read at the same time."`
	MaxSize       config.Bytes `yaml:"max_size" default:"50MiB" min:"1KiB" doc:"The largest site that is read: the size of its search index, or of its pages together."`
	MaxPages      int          `yaml:"max_pages" default:"5000" min:"1" max:"100000" doc:"The largest number of pages of a site."`
	CaseSensitive bool         `yaml:"case_sensitive" default:"false" doc:"Set it to true when Backstage has techdocs.legacyUseCaseSensitiveTripletPaths."`
	Page          string       `yaml:"page" default:"{ui_url}/docs/{namespace}/{kind}/{name}/{path}" doc:"Address of a page; {ui_url}, {kind}, {namespace} and {name} of its entity, in lower case, and {path} are replaced."`
}

var _ config.Validator = (*TechDocs)(nil)

// Validate reports settings that cannot be used.
func (t *TechDocs) Validate(report func(field, code, message, hint string)) {
	for _, p := range placeholder.FindAllString(t.Page, -1) {
		switch p {
		case "{ui_url}", "{kind}", "{namespace}", "{name}", "{path}":
		default:
			report("page", codeBackstage, "unknown placeholder", "use {ui_url}, {kind}, {namespace}, {name} and {path}")
			return
		}
	}
	if t.Page != "" && (!strings.Contains(t.Page, "{name}") || !strings.Contains(t.Page, "{path}")) {
		report("page", codeBackstage, "several pages would have the same address", "put {name} and {path} in it")
	}
}

// address returns the address of a page.
func (t *TechDocs) address(uiURL, entity, path string) string {
	kind, namespace, name, _ := ref.Split(strings.ToLower(entity))
	template := t.Page
	if template == "" {
		template = "{ui_url}/docs/{namespace}/{kind}/{name}/{path}"
	}
	return strings.NewReplacer("{ui_url}", uiURL, "{kind}", url.PathEscape(kind), "{namespace}", url.PathEscape(namespace),
		"{name}", url.PathEscape(name), "{path}", (&url.URL{Path: path}).EscapedPath()).Replace(template)
}

var _ component.Hoster = (*Model)(nil)

// HostOf returns the entity of a page.
func (*Model) HostOf(page string) (string, bool) { return techdocs.EntityOf(page) }

// pageNames are the members of the record of a page, beyond those of an entity.
func pageNames() map[string]expression.Type {
	text := expression.Text()
	return map[string]expression.Type{
		"page": expression.Object(map[string]expression.Type{
			"title": text, "text": text, "path": text, "url": text, "updated": text, "folders": expression.ListOf(text),
			"sections": expression.ListOf(expression.Object(map[string]expression.Type{"title": text, "anchor": text})),
		}),
		"site": expression.Object(map[string]expression.Type{"name": text}),
		"entity": expression.Object(map[string]expression.Type{
			"ref": text, "kind": text, "title": text, "email": text, "name": text, "namespace": text, "type": text,
			"lifecycle": text, "tags": expression.ListOf(text),
		}),
	}
}

// decodePage checks the record of a page: its entity decides who finds it.
func decodePage(r *component.Record, v map[string]any) error {
	page, _ := v["page"].(map[string]any)
	entity, _ := v["entity"].(map[string]any)
	of, ok := techdocs.EntityOf(r.Ref)
	switch named, _ := entity["ref"].(string); {
	case !ok || !strings.EqualFold(named, of):
		return fault.Reject(fault.StageRead, "entity.ref", "not the entity of the page")
	case page == nil:
		return fault.Reject(fault.StageRead, "page", "%s, but an object is expected", shape(v["page"]))
	}
	if err := understand(v["relations"]); err != nil {
		return err
	}
	r.Value = v
	return nil
}

// recordedPage makes a record of a page in a file. Its ref follows from its entity and its path.
func recordedPage(raw []byte) (*component.Record, error) {
	var v struct {
		Page struct {
			Path  string `json:"path"`
			Title string `json:"title"`
		} `json:"page"`
		Entity struct {
			Ref string `json:"ref"`
		} `json:"entity"`
	}
	if err := codec.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	of := strings.ToLower(v.Entity.Ref)
	if _, _, _, ok := ref.Split(of); !ok {
		return nil, errors.New("a TechDocsPage needs entity.ref, as component:default/payments")
	}
	return &component.Record{Raw: raw, Entry: component.Entry{Ref: techdocs.Ref(of, v.Page.Path), Kind: PageKind,
		Title: v.Page.Title}}, nil
}
