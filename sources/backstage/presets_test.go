package backstage

import (
	"context"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestPresetsAreWhatIsRequested: the presets allow every request of a read, and have no rule that
// none of them needs.
func TestPresetsAreWhatIsRequested(t *testing.T) {
	f := start(t, sandbox.Options{Entities: sandbox.Company(), Sites: sandbox.CompanySites()}, withDocs,
		func(c *Config) { c.PageSize = 3 })
	f.readDocs(t, nil)
	all, err := f.readAll(t)
	if err != nil {
		t.Fatal(err)
	}
	phase := f.cfg.phases()[0]
	var refs []string
	for ref := range all.records {
		refs = append(refs, ref)
	}
	if err := f.source.Confirm(t.Context(), phase, refs, refs[:1], func(context.Context,
		[]*component.Record) error {
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.source.Get(t.Context(), refs[0]); err != nil {
		t.Fatal(err)
	}
	f.source.Check(t.Context())

	both, err := policy.New(policy.Rules{{Preset: "backstage-catalog"}, {Preset: "backstage-techdocs"}}, Presets())
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, r := range f.asked() {
		d := both.Decide(r.Method, r.RequestURI, r.ContentLength)
		if !d.Allowed {
			t.Errorf("%s %s is denied: %s", r.Method, r.RequestURI, d.Describe())
		}
		used[d.Rule] = true
	}
	for _, name := range both.Names() {
		if !used[name] {
			t.Errorf("no request needs %s", name)
		}
	}
	catalog, err := policy.New(policy.Rules{{Preset: "backstage-catalog"}}, Presets())
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(catalog.Names(), func(name string) bool { return name == "backstage-techdocs" }) ||
		catalog.Decide("GET", "/api/techdocs/static/docs/default/component/a/index.html", 0).Allowed {
		t.Error("the preset of the catalog allows documentation")
	}
	for _, target := range []string{
		"/api/catalog/entities", "/api/catalog/locations", "/api/catalog/entities/by-uid/1", "/api/proxy/x", "/",
		"/api/catalog/entities/by-query?fields=metadata", "/api/catalog/refresh",
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			if both.Decide(method, target, 0).Allowed {
				t.Errorf("%s %s is allowed", method, target)
			}
		}
	}
}
