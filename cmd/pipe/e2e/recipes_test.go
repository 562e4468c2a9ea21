package e2e

import (
	"slices"
	"strings"
	"testing"

	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// recipe is the expected effect of a recipe of the docs: entities that are added for it, and
// who then finds what.
type recipe struct {
	entities []string
	finds    map[string][]string // the names of the e-mails by id; nil for a document that is not there
	check    func(t *testing.T, index gleansandbox.Index)
}

var recipes = map[string]recipe{
	"Hide a system": {finds: map[string][]string{
		"system:default/billing": nil, "component:default/payments-service": nil, "api:default/payments-api": nil,
		"resource:default/card-vault": nil,
	}, check: func(t *testing.T, index gleansandbox.Index) {
		if _, there := index.Document("component:default/booking-service"); !there || len(index.Documents) != 53 {
			t.Errorf("%d documents", len(index.Documents))
		}
	}},
	"Private by label": {
		entities: []string{
			`{"kind":"Component","metadata":{"name":"plan","labels":{"visibility":"Private"}},"spec":{"owner":"care","type":"x"}}`,
			`{"kind":"Component","metadata":{"name":"open","labels":{"visibility":"open"}},"spec":{"owner":"care","type":"x"}}`,
		},
		finds: map[string][]string{"component:default/plan": {"wanda.kowalska", "xavier.pons", "yuki.sato"},
			"component:default/fraud-scorer": {"ines.carvalho", "liam.obrien"}},
		check: everybodyFinds("component:default/open"),
	},
	"Owners by annotation": {
		entities: []string{`{"kind":"Component","metadata":{"name":"plan","annotations":{"glean.com/visibility":"owner","example.com/viewers":"user:default/Zoe.Martin, group:default/care,group:default/unknown"}},"spec":{"owner":"payments","type":"x"}}`},
		finds: map[string][]string{"component:default/plan": {"ines.carvalho", "liam.obrien", "wanda.kowalska",
			"xavier.pons", "yuki.sato", "zoe.martin"}, "component:default/fraud-scorer": {"ines.carvalho", "liam.obrien"}},
	},
	"Owners as in the Python connector: users only": {
		entities: []string{
			`{"kind":"Component","metadata":{"name":"plan","annotations":{"glean.com/visibility":"owner"}},"spec":{"owner":"care","type":"x"}}`,
			`{"kind":"Component","metadata":{"name":"notes","annotations":{"glean.com/visibility":"owner"}},"spec":{"owner":"user:default/zoe.martin","type":"x"}}`,
			`{"kind":"Group","metadata":{"name":"desk","annotations":{"glean.com/visibility":"owner"}},"spec":{"type":"team","children":[],"members":["zoe.martin"]}}`,
		},
		finds: map[string][]string{"component:default/plan": nil, "component:default/notes": {"zoe.martin"},
			"group:default/desk": nil, "component:default/fraud-scorer": nil},
	},
	"Leave relations out of the text": {check: func(t *testing.T, index gleansandbox.Index) {
		d, _ := index.Document("component:default/booking-service")
		if d.Body == nil || d.Container+d.ContainerObjectType+d.ContainerDatasourceID != "" ||
			!strings.Contains(d.Body.TextContent, "Owner: ") {
			t.Errorf("%+v", d)
		}
		for _, p := range d.CustomProperties {
			if p.Name == "system" {
				t.Errorf("%+v", p)
			}
		}
		relations := []string{"Part of:", "Contains:", "Provides:", "Provided by:", "Consumes:", "Consumed by:",
			"Depends on:"}
		for id, labels := range map[string][]string{
			"component:default/booking-service": relations, "system:default/booking": relations,
			"api:default/booking-api": relations, "group:default/booking": {"Owns:"},
		} {
			d, there := index.Document(id)
			for _, label := range labels {
				if !there || strings.Contains("\n"+d.Body.TextContent, "\n"+label) {
					t.Errorf("%s is there: %t, with %s %v", id, there, label, d.Body)
				}
			}
		}
	}},
	"Custom kinds": {
		entities: []string{
			`{"kind":"AiResource","metadata":{"name":"writer","title":"Writer"},"spec":{"type":"skill","owner":"group:default/care"}}`,
			`{"kind":"AiResource","metadata":{"name":"secret","annotations":{"glean.com/visibility":"owner"}},"spec":{"type":"skill","owner":"group:default/care"}}`,
		},
		finds: map[string][]string{"airesource:default/secret": {"wanda.kowalska", "xavier.pons", "yuki.sato"}},
		check: func(t *testing.T, index gleansandbox.Index) {
			d, _ := index.Document("airesource:default/writer")
			if d.ObjectType != "airesource" || d.Title != "Writer" || d.Body.TextContent != "Owner: Customer Care" {
				t.Errorf("%+v", d)
			}
		},
	},
	"Your own fields": {
		entities: []string{`{"kind":"Group","metadata":{"name":"desk"},"spec":{"type":"team","children":[],"profile":{"email":"desk@larkspur.example"}}}`},
		check: func(t *testing.T, index gleansandbox.Index) {
			d, _ := index.Document("group:default/desk")
			if !slices.Contains(d.CustomProperties, gleanapi.CustomProperty{Name: "contact", Value: "desk@larkspur.example"}) {
				t.Errorf("%+v", d.CustomProperties)
			}
		},
	},
	"E-mail addresses from an annotation": {
		entities: []string{
			`{"kind":"User","metadata":{"name":"nils","annotations":{"microsoft.com/email":"Nils@larkspur.example"}},"spec":{"memberOf":["care"]}}`,
			`{"kind":"Component","metadata":{"name":"plan","annotations":{"glean.com/visibility":"owner"}},"spec":{"owner":"user:default/nils","type":"x"}}`,
		},
		finds: map[string][]string{"component:default/plan": {"nils"}},
	},
	"Parent groups with their children's members": {
		entities: []string{`{"kind":"Component","metadata":{"name":"plan","annotations":{"glean.com/visibility":"owner"}},"spec":{"owner":"operations","type":"x"}}`},
		finds: map[string][]string{"component:default/plan": {"anton.berg", "tariq.aziz", "ursula.brandt",
			"wanda.kowalska", "xavier.pons", "yuki.sato"}},
	},
}

func everybodyFinds(id string) func(*testing.T, gleansandbox.Index) {
	return func(t *testing.T, index gleansandbox.Index) {
		if n := len(index.WhoFinds(id)); n != len(index.Users) {
			t.Errorf("%s is found by %d of %d", id, n, len(index.Users))
		}
	}
}

// TestRecipes: every recipe of the docs is a change of the shipped pipeline that checks
// without a warning, runs, and has the described effect.
func TestRecipes(t *testing.T) {
	text := read(t, pipelinesReadme)
	found := sections(sections(text, "##")["Recipes"], "###")
	if len(found) != len(recipes) {
		t.Errorf("%d recipes, %d tests of one", len(found), len(recipes))
	}
	for name, section := range found {
		t.Run(name, func(t *testing.T) {
			r, ok := recipes[name]
			if !ok {
				t.Fatal("nothing tests this recipe")
			}
			index := cook(t, blocks(section, "diff")[0], r.entities)
			for id, want := range r.finds {
				_, there := index.Document(id)
				if there != (want != nil) {
					t.Errorf("%s: there %t", id, there)
				}
				if got := accounts(index.WhoFinds(id)); !slices.Equal(got, want) {
					t.Errorf("%s is found by %v, want %v", id, got, want)
				}
			}
			if r.check != nil {
				r.check(t, index)
			}
		})
	}
}

// cook runs the shipped pipeline with a change, over the company and additional entities.
func cook(t *testing.T, change string, entities []string) gleansandbox.Index {
	t.Helper()
	file := write(t, "backstage.yaml", patched(t, read(t, shipped), change))
	if c := pipe(t, nil, "check", file); c.code != 0 || strings.Contains(c.both(), "warning") {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	w := newWorld(t, backstagesandbox.Options{Entities: companyWith(t, entities...)},
		gleansandbox.Options{Datasources: []gleanapi.DatasourceConfig{}})
	for _, args := range [][]string{{"datasource", "apply", "--yes", file}, {"run", "--progress", "none", file}} {
		if c := w.pipe(t, args...); c.code != 0 {
			t.Fatalf("%v: exit %d\n%s", args, c.code, c.both())
		}
	}
	return w.index()
}

// companyWith is the bundled company with more entities.
func companyWith(t *testing.T, entities ...string) [][]byte {
	t.Helper()
	all := backstagesandbox.Company()
	for _, e := range entities {
		all = append(all, []byte(strings.Replace(e, "{", `{"apiVersion":"backstage.io/v1alpha1",`, 1)))
	}
	stitched, err := backstagesandbox.Stitch(all)
	if err != nil {
		t.Fatal(err)
	}
	return stitched
}

// accounts are e-mail addresses without their domain.
func accounts(emails []string) (out []string) {
	for _, e := range emails {
		name, _, _ := strings.Cut(e, "@")
		out = append(out, name)
	}
	return out
}
