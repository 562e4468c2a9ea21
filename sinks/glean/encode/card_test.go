package encode_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestCard: a card has the labels, the order and the facets of the object type.
func TestCard(t *testing.T) {
	yes := true
	schema, err := settings.NewSchema(api.DatasourceConfig{Name: "backstage", ObjectDefinitions: []api.ObjectDefinition{{
		Name: "component", DisplayLabel: "Component",
		PropertyDefinitions: []api.PropertyDefinition{
			{Name: "stage", DisplayLabel: "Stage", PropertyType: api.PropertyPicklist, UIOptions: api.OptionSearchResult},
			{Name: "since", DisplayLabel: "Since", PropertyType: api.PropertyDate},
			{Name: "languages", PropertyType: api.PropertyTextList},
			{Name: "ref", PropertyType: api.PropertyText, HideUIFacet: &yes},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	body := `{"id":"x","objectType":"component","title":"Checkout","viewURL":"https://ui.example.com/x",
		"summary":{"textContent":"in short"},"body":{"mimeType":"text/plain","textContent":"at length"},
		"owner":{"datasourceUserId":"user:default/ann"},"createdAt":1,"updatedAt":1767225600,"tags":["java"],
		"customProperties":[{"name":"ref","value":"r"},{"name":"languages","value":["go","c"]},
			{"name":"since","value":1767225600},{"name":"stage","value":"live"}]}`
	c, err := encode.Card(schema, api.StreamDocuments, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if c.Title != "Checkout" || c.Type != "Component" || c.Owner != "user user:default/ann" ||
		c.URL != "https://ui.example.com/x" || c.Text != "in short\nat length" ||
		!c.Updated.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", c)
	}
	got := ""
	for _, p := range c.Properties {
		got += fmt.Sprintln(p.Name, p.Label, p.Values, p.Shown, p.Facet)
	}
	if want := `stage Stage [live] true true
since Since [2026-01-01] false false
languages languages [go c] false true
ref ref [r] false false
tags Tags [java] true true
`; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if _, err := encode.Card(schema, api.StreamUsers, []byte(`{}`)); err == nil {
		t.Error("a user has a card")
	}
}
