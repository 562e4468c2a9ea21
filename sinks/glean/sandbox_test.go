package glean_test

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestSandbox: the spec's sandbox has the file's datasource, accepts the sink's requests,
// and reports who finds what.
func TestSandbox(t *testing.T) {
	box, err := glean.Spec().Sandbox(t.Context(), gleantest.Settings(), component.SandboxOptions{
		UIURL: "http://127.0.0.1:7007"})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if box.Set["datasource.urlRegex"] != `http://127\.0\.0\.1:7007/.*` || box.Set["instance"] != "" {
		t.Errorf("%v", box.Set)
	}
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) {
		c.ServerURL, c.Token = box.Set["server_url"], config.NewSecret(box.Set["token"])
		c.Datasource.URLRegex = box.Set["datasource.urlRegex"]
	})
	at := func(i *component.Item) *component.Item {
		for n, f := range i.Fields {
			if f.Name == "viewURL" {
				i.Fields[n].Value = "http://127.0.0.1:7007/x"
			}
		}
		return i
	}
	if err := f.Run(gleantest.User("ann"), gleantest.User("bob"), gleantest.Group("a", "user:default/ann"),
		at(gleantest.Doc("a")),
		at(gleantest.Doc("b", "group:default/a"))); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := box.Summary(&b); err != nil {
		t.Fatal(err)
	}
	want := `In the index of Backstage:
  component                   2
  users                       2
  groups                      1
  memberships                 1
Who finds the 2 documents:
  nobody                      0
  listed                      1
  datasource-users            1
  all-users                   0
component:default/b is found by 1 of the users: ann@x.example
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
