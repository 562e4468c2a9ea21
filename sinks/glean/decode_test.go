package glean

import (
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestDecode: what is read back of an item is what review knows of it, and
// every field that a mapping can set is among its fields.
func TestDecode(t *testing.T) {
	for _, byEmail := range []bool{true, false} {
		f := start(t, sandbox.Rules{}, func(c *Config) { c.Datasource.IsUserReferencedByEmail = &byEmail })
		full := doc("full", "user:default/ann", "group:default/a")
		full.Fields = append(full.Fields,
			engine.Field{Name: "summary", Value: "s"}, engine.Field{Name: "body", Value: "b"}, engine.Field{Name: "bodyType", Value: "text/markdown"},
			engine.Field{Name: "container", Value: "S"}, engine.Field{Name: "containerObjectType", Value: "component"}, engine.Field{Name: "containerDatasourceId", Value: "x"},
			engine.Field{Name: "owner", Value: "user:default/ann"}, engine.Field{Name: "author", Value: "user:default/ann"}, engine.Field{Name: "updatedBy", Value: "user:default/ann"},
			engine.Field{Name: "createdAt", Value: int64(1)}, engine.Field{Name: "updatedAt", Value: int64(2)}, engine.Field{Name: "tags", Value: []string{"t"}},
			engine.Field{Name: "additionalUrls", Value: []string{"https://b.example.com/x"}}, engine.Field{Name: "nativeAppUrl", Value: "n"}, engine.Field{Name: "status", Value: "live"},
			engine.Field{Name: "customProperties", Value: []engine.Field{{Name: "type", Value: "service"}}})
		all := doc("all")
		public := doc("public")
		public.Permissions.Audience = access.AllUsers
		both := doc("both")
		both.Permissions = access.Permissions{Audience: access.Listed, AllOf: [][]string{{"group:default/b", "group:default/a"}}}
		s := f.read(group("b"), both, user("ann"), group("a", "user:default/ann"), full, all, public)
		seen := 0
		for _, stream := range f.plan(s).Streams {
			for e, err := range stream.Items {
				if err != nil {
					t.Fatal(err)
				}
				seen++
				got, err := f.Decode(stream.Name, e.Body)
				if err != nil {
					t.Fatal(err)
				}
				if got.ID != e.ID || got.Type != e.Type || got.Audience != e.Audience || !slices.Equal(got.Principals, e.Principals) || got.ID == "component:default/both" && !slices.Equal(got.Names(), []string{"all of group group:default/a and group group:default/b"}) {
					t.Errorf("%s: read back %+v of %+v", stream.Name, got, e)
				}
				if got.ID != "component:default/full" {
					continue
				}
				for _, st := range Spec().Streams(f.cfg) {
					for _, field := range st.Fields {
						if st.Name == streamDocuments && field.Name != "id" && got.Fields[field.Name] == nil {
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
	if _, err := (&Sink{schema: &schema{}}).Decode("pages", nil); err == nil {
		t.Error("a stream that there is not was read")
	}
}
