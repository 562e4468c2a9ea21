package sandbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// BenchmarkDocuments takes in pages of 500 documents of 1.4 KB without HTTP;
// ns/document is the time for one.
func BenchmarkDocuments(b *testing.B) {
	yes := true
	s, err := Start(Options{Datasources: []api.DatasourceConfig{{
		Name: "backstage", DatasourceCategory: "KNOWLEDGE_HUB", URLRegex: `https://portal\.example/.*`,
		IsUserReferencedByEmail: &yes,
		ObjectDefinitions: []api.ObjectDefinition{{Name: "component", PropertyDefinitions: []api.PropertyDefinition{
			{Name: "type", PropertyType: "PICKLIST"}, {Name: "lifecycle", PropertyType: "PICKLIST"},
			{Name: "owner", PropertyType: "TEXT"},
			{Name: "system", PropertyType: "TEXT"}, {Name: "namespace", PropertyType: "TEXT"},
			{Name: "ref", PropertyType: "TEXT"},
		}}},
	}}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := api.BulkIndexDocumentsRequest{Page: api.Page{UploadID: "a", Datasource: "backstage", IsFirstPage: true,
		IsLastPage: true}}
	for i := range 500 {
		id := fmt.Sprintf("component:default/service-%d", i)
		d := api.Document{
			Datasource: "backstage", ID: id, ObjectType: "component", Title: id,
			ViewURL: "https://portal.example/catalog/default/component/" + id,
			Summary: &api.Content{MimeType: "text/plain", TextContent: "What it does."},
			Body:    &api.Content{MimeType: "text/markdown", TextContent: strings.Repeat("What it does, line by line.\n", 22)},
			Owner:   &api.UserReference{Email: "someone@example.com"}, Tags: []string{"go", "grpc"}, Container: "Payments",
			ContainerObjectType: "component",
			Permissions:         &api.Permissions{AllowedGroups: []string{"group:default/team-a"}},
		}
		for _, p := range []string{"type", "lifecycle", "owner", "system", "namespace", "ref"} {
			d.CustomProperties = append(d.CustomProperties, api.CustomProperty{Name: p, Value: "value of " + p})
		}
		r.Documents = append(r.Documents, d)
	}
	body, err := codec.Marshal(r)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bulkIndexDocuments(s, "", body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*500), "ns/document")
}
