package sandbox

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// relationsOf gives each entity's relations as "type target".
func relationsOf(t *testing.T, entities [][]byte) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, raw := range entities {
		var e struct {
			Relations []struct {
				Type   string `json:"type"`
				Target string `json:"targetRef"`
			} `json:"relations"`
		}
		if err := codec.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		head, err := newEntry(raw, newest)
		if err != nil {
			t.Fatal(err)
		}
		out[head.ref] = []string{}
		for _, r := range e.Relations {
			out[head.ref] = append(out[head.ref], r.Type+" "+r.Target)
		}
	}
	return out
}

func TestStitch(t *testing.T) {
	written := [][]byte{
		[]byte(`{"kind":"Component","metadata":{"name":"Web","namespace":"shop"},"spec":{"owner":"Team","system":"default/s","dependsOn":["resource:db","no-kind"],"dependencyOf":["component:job"],"consumesApis":["a","A"],"subcomponentOf":"web"}}`),
		[]byte(`{"kind":"API","metadata":{"name":"a","namespace":"shop"},"spec":{"owner":"user:default/ann"}}`),
		[]byte(`{"kind":"Group","metadata":{"name":"team","namespace":"shop"},"spec":{"parent":"default/all","members":["ann"],"children":["sub"]}}`),
		[]byte(`{"kind":"User","metadata":{"name":"ann","namespace":"shop"},"spec":{"memberOf":["team","default/all"]}}`),
		[]byte(`{"kind":"System","metadata":{"name":"s"},"spec":{"owner":"x","domain":"d"}}`),
		[]byte(`{"kind":"Odd","metadata":{"name":"o"},"spec":{"owner":"x"}}`),
		[]byte(`{"kind":"Resource","metadata":{"name":"specless"}}`),
	}
	stitched, err := Stitch(written)
	if err != nil {
		t.Fatal(err)
	}
	got := relationsOf(t, stitched)
	for ref, want := range map[string]string{
		"component:shop/web": "consumesApi api:shop/a, dependencyOf component:shop/job, dependsOn resource:shop/db, " +
			"hasPart component:shop/web, ownedBy group:shop/team, partOf component:shop/web, partOf system:default/s",
		"api:shop/a": "apiConsumedBy component:shop/web, ownedBy user:default/ann",
		"group:shop/team": "childOf group:default/all, hasMember user:shop/ann, ownerOf component:shop/web, " +
			"parentOf group:shop/sub",
		"user:shop/ann":             "memberOf group:default/all, memberOf group:shop/team",
		"system:default/s":          "hasPart component:shop/web, ownedBy group:default/x, partOf domain:default/d",
		"odd:default/o":             "",
		"resource:default/specless": "",
	} {
		if g := strings.Join(got[ref], ", "); g != want {
			t.Errorf("%s\n got %s\nwant %s", ref, g, want)
		}
	}
	e, _ := codec.Decode(stitched[4])
	meta := e["metadata"].(map[string]any)
	for _, name := range []string{"uid", "etag", "namespace", "annotations"} {
		if meta[name] == nil {
			t.Errorf("no metadata.%s", name)
		}
	}
	if _, err := Stitch([][]byte{[]byte(`[]`)}); err == nil {
		t.Error("an array was stitched")
	}
}

// Stitch computes the same relations as a real catalog did from the same specs.
func TestStitchMatchesDemo(t *testing.T) {
	const path = "../../../../shared/data/backstage-demo-catalog.json"
	if _, err := os.Stat(path); err != nil {
		t.Skip("the recorded demo catalog is not there")
	}
	recorded, _, err := FromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stitched, err := Stitch(recorded)
	if err != nil {
		t.Fatal(err)
	}
	want, got := relationsOf(t, recorded), relationsOf(t, stitched)
	if len(want) != 75 {
		t.Errorf("%d entities", len(want))
	}
	for ref := range want {
		if !slices.Equal(want[ref], got[ref]) {
			t.Errorf("%s\n got %q\nwant %q", ref, got[ref], want[ref])
		}
	}
}

// Before 1.41 a relation carried its target in parts as well.
func TestOldRelations(t *testing.T) {
	e := []byte(`{"kind":"API","metadata":{"name":"a"},"relations":[{"targetRef":"group:x/y","type":"ownedBy"}]}`)
	for version, want := range map[string]bool{"1.40": true, "1.41": false} {
		s := start(t, Options{Entities: [][]byte{e}, Version: version})
		_, text, _ := call(t, s, "GET", "/entities/by-name/api/default/a", "")
		if got := strings.Contains(string(text), `"target":{"kind":"group","name":"y","namespace":"x"}`); got != want {
			t.Errorf("%s: %s", version, text)
		}
	}
}
