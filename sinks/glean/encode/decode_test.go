package encode_test

import (
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestDecode: decoding an item returns the facts that review knows, and its fields include
// every field that a mapping can set.
func TestDecode(t *testing.T) {
	for _, byEmail := range []bool{true, false} {
		f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.IsUserReferencedByEmail = &byEmail })
		full := gleantest.Doc("full", "user:default/ann", "group:default/a")
		full.Fields = append(full.Fields,
			component.Field{Name: "summary", Value: "s"}, component.Field{Name: "body", Value: "b"},
			component.Field{Name: "bodyType", Value: "text/markdown"},
			component.Field{Name: "container", Value: "S"}, component.Field{Name: "containerObjectType", Value: "component"},
			component.Field{Name: "containerDatasourceId", Value: "x"},
			component.Field{Name: "owner", Value: "user:default/ann"},
			component.Field{Name: "author", Value: "user:default/ann"},
			component.Field{Name: "updatedBy", Value: "user:default/ann"},
			component.Field{Name: "createdAt", Value: int64(1)}, component.Field{Name: "updatedAt", Value: int64(2)},
			component.Field{Name: "tags", Value: []string{"t"}},
			component.Field{Name: "additionalUrls", Value: []string{"https://b.example.com/x"}},
			component.Field{Name: "nativeAppUrl", Value: "n"}, component.Field{Name: "status", Value: "live"},
			component.Field{Name: "customProperties", Value: []component.Field{{Name: "type", Value: "service"}}})
		all := gleantest.Doc("all")
		public := gleantest.Doc("public")
		public.Permissions.Audience = access.AllUsers
		both := gleantest.Doc("both")
		both.Permissions = access.Permissions{Audience: access.Listed,
			AllOf: [][]string{{"group:default/b", "group:default/a"}}}
		f.Read(gleantest.Group("b"), both, gleantest.User("ann"), gleantest.Group("a", "user:default/ann"), full, all, public)
		seen := 0
		for _, stream := range f.Plan().Streams {
			for e, err := range stream.Items {
				if err != nil {
					t.Fatal(err)
				}
				seen++
				got, err := f.Sink.Decode(stream.Name, e.Body)
				if err != nil {
					t.Fatal(err)
				}
				if got.ID != e.ID || got.Type != e.Type || got.Audience != e.Audience ||
					!slices.Equal(got.Principals, e.Principals) || got.ID == "component:default/both" &&
					!slices.Equal(got.Names(), []string{"all of group group:default/a and group group:default/b"}) {
					t.Errorf("%s: read back %+v of %+v", stream.Name, got, e)
				}
				if got.ID != "component:default/full" {
					continue
				}
				for _, st := range glean.Spec().Streams(f.Config) {
					for _, field := range st.Fields {
						if st.Name == api.StreamDocuments && field.Name != "id" && got.Fields[field.Name] == nil {
							t.Errorf("%s is not read back", field.Name)
						}
					}
				}
			}
		}
		if seen != 9 {
			t.Errorf("%d items", seen)
		}
	}
	if _, err := encode.Decode(&settings.Schema{}, "pages", nil); err == nil {
		t.Error("a stream that there is not was read")
	}
}
